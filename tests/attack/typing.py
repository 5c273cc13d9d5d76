"""What people type who mean harm, or whose cat walks over the keys: by a seed, so that it can be typed again."""

from random import Random

from bot.commands.registry import all_commands

_COMMANDS = tuple(sorted(all_commands()))
_WORDS = (
    "main", "second", "all", "off", "set", "leverage", "SOL", "SOL-PERP", "1", "#1", "2h", "dark", "nan", "inf",
    "-inf", "infinity", "5%", "-5%", "-1", "1e308", "1e-308", "1e999", "0", "00", "0x10", "1_000", "9" * 40,
    "1" + "0" * 400, "1.5.2", "١٢٣", "1\u0665%", "1,2,3,4", "--", "-", "'", '"', "\\", "$(id)", "`id`", "%s%n",
    "{0.__class__}", "../../etc/passwd", "=1+1", "'; DROP TABLE people; --", "<b>", "&amp;", "@everyone", "<@1>",
    "\u202emain", "ma\u200bin", "\ud800", "\x00", "\n", "\r\n/halt", "\t", "😀" * 50, "a" * 900, "health", "critical",
    "max_drawdown_percent", "2026-02-30", "25:61", "Europe/Nowhere", "P1", "P" + "9" * 30, "AAAA-AAAA", "half",
    "100.1%",
)  # fmt: skip


def malformed(dice: Random) -> str:
    """One text."""
    words = [dice.choice(_WORDS) for _ in range(dice.randrange(7))]
    match dice.randrange(10):
        case 0:
            return "".join(chr(dice.randrange(0x110000)) for _ in range(dice.randrange(80)))
        case 1:
            return dice.choice(["", "/", "//", "/ ", "\\", "'", '"', "/\u202e", "/" * 2_000, " " * 2_000, "/@", "/!"])
        case 2:
            name = list(dice.choice(_COMMANDS))
            name[dice.randrange(len(name))] = dice.choice("xyz_-\u0430\u200b!")
            return f"/{''.join(name)} {' '.join(words)}"
        case 3:
            return f"/{dice.choice(_COMMANDS)}@{dice.choice(['keel_bot', 'other_bot', ''])} {' '.join(words)}"
        case 4:
            return f"/{dice.choice(_COMMANDS)} {dice.choice(_WORDS) * dice.randrange(1, 60)}"
        case _:
            return f"/{dice.choice(_COMMANDS)} {' '.join(words)}"
