"""python -m bot: the same as the console script ``keel``."""

from bot.cli import main

main()
