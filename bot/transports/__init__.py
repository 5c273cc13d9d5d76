"""Chat platforms, one package each. They know bot.messages and nothing else of ours."""
