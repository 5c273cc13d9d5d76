"""python -m bot is keel."""

from bot.cli import main

if __name__ == "__main__":
    main(prog_name="keel")
