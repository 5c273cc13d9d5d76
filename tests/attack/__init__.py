"""What strangers, servers and files can do to the bot: what comes in from outside, as an adversary sends it."""
