"""kill -9 while orders go out: a node that outlives the bot, a bot that dies at named moments, and what must hold."""
