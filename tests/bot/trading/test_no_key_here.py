"""The bot never holds the key that signs: nothing that it imports can read one, and no setting names one."""

import ast
import subprocess
import sys
from pathlib import Path

from bot.config import Settings

ROOT = Path(__file__).resolve().parents[3]
# What the bot shares with the signer: its words, and its journal for those who audit it.
SHARED = {
    "bot.signer", "bot.signer.intent", "bot.signer.wire", "bot.signer.records", "bot.signer.journal",
    "bot.signer.state", "bot.signer.errors", "bot.signer.files", "bot.signer.rules",
}  # fmt: skip
# Beside it stand the commands that start the signer and look after it; they are not the bot.
COMMANDS = ("cli_signer.py",)


def test_the_running_bot_has_nothing_that_reads_or_uses_a_key() -> None:
    code = (
        "import sys, bot.run, bot.standby.run, bot.demo, bot.checking.run, bot.audit_anchors, venues.paper\n"
        "print(*(name for name in sys.modules if name.startswith('bot.signer')))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) <= SHARED


def test_nothing_outside_the_signer_makes_a_key_pair() -> None:
    files = [one for folder in ("bot", "venues", "storage", "risk") for one in (ROOT / folder).rglob("*.py")]
    named = [
        str(path.relative_to(ROOT))
        for path in files
        if (ROOT / "bot" / "signer") not in path.parents and path.name not in COMMANDS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name | ast.Attribute) and (getattr(node, "id", None) or getattr(node, "attr", None))
        in ("Keypair", "Ed25519PrivateKey", "sign_message")
    ]  # fmt: skip
    assert not named


def test_no_setting_of_the_bot_names_a_key_file() -> None:
    assert "signer_socket" in Settings.model_fields
    assert not {name for name in Settings.model_fields if "key_file" in name or "private_key" in name}
