"""Faults that make a process talk, and files, folders and addresses that would give its secrets away."""

from tests.faults.parts import Fault, Measure, Section, enough, none
from tests.faults.promises import Row

_WHOLE = "tests/scenarios/test_secrets.py::"
_URLS = "tests/venues/solana/test_settings.py::"
_NODE = "tests/venues/solana/test_hostile_node.py::"
_FILES = "tests/bot/secrets/test_secret_files.py::"

SECRETS = Section(
    title="Secrets",
    faults=(
        Fault(
            name="secrets-all-marked",
            proves=Row.LEAKED_SECRET,
            what="every error path at once",
            how="a canary in every secret setting, at DEBUG; node, chats and disk fail, quoting them",
            must="no canary in log, output, metrics, files, chats, exports, a crash",
            by=f"{_WHOLE}test_a_bot_whose_every_secret_is_marked_says_none_of_them_whatever_fails",
            goals=none(Measure.OVERHEARD),
        ),
        Fault(
            name="secrets-pin-typed",
            proves=Row.LEAKED_SECRET,
            what="PINs, link codes and buttons",
            how="typed and pressed on a phone, right and wrong, at DEBUG",
            must="in no log and no file but as a hash",
            by=f"{_WHOLE}test_a_pin_a_code_and_a_button_are_nowhere_but_hashed",
            goals=none(Measure.OVERHEARD),
        ),
        Fault(
            name="secrets-hostile-addresses",
            proves=Row.HOSTILE_RPC_URL,
            what="an RPC URL that leads elsewhere",
            how="a table of such URLs",
            must="refused, and not quoted",
            by=f"{_URLS}test_every_hostile_url_is_refused_and_none_is_quoted",
            goals=(enough(Measure.TRIED, 40), *none(Measure.ACCEPTED, Measure.OVERHEARD)),
        ),
        Fault(
            name="secrets-redirecting-node",
            proves=Row.HOSTILE_RPC_URL,
            what="a node that sends elsewhere",
            how="every redirect there is, to a listening thief",
            must="the thief hears nothing",
            by=f"{_NODE}test_whoever_a_node_sends_to_hears_nothing",
            goals=(enough(Measure.TRIED, 5), *none(Measure.OVERHEARD)),
        ),
        Fault(
            name="secrets-open-files",
            proves=Row.UNSAFE_START,
            what="files others can get at",
            how="a secret's file and an env file in each of 512 modes",
            must="used only where nobody else can read or change them",
            by=f"{_FILES}test_of_all_modes_a_file_can_have_only_private_ones_are_used",
            goals=(enough(Measure.TRIED, 1_024), *none(Measure.ACCEPTED, Measure.WRONG)),
        ),
    ),
)

SECTIONS = (SECRETS,)
