"""The bot in somebody else's hands, and a signer that is killed, starved or tampered with."""

from tests.faults.parts import Fault, Measure, Section, enough, none
from tests.faults.promises import Row

_ATTACK = "tests/bot/signer/test_attack.py::"
_GRAMMAR = "tests/bot/signer/test_grammar.py::"
_CRASHES = "tests/bot/signer/test_crashes.py::"
_DESK = "tests/bot/signer/test_desk.py::"
_PROCESS = "tests/bot/signer/test_process.py::"

SIGNER = Section(
    title="Signer",
    faults=(
        Fault(
            name="signer-hostile-intents",
            proves=Row.STOLEN_KEY,
            what="a bot that asks for anything",
            how="arbitrary intents and changed messages to the real process",
            must="what it signs, read back from its bytes, is within the caps and nothing but orders",
            by=f"{_ATTACK}test_whatever_the_bot_asks_nothing_leaves_the_caps_and_nothing_but_orders_is_signed",
            goals=(enough(Measure.TRIED, 2_000), *none(Measure.ACCEPTED)),
        ),
        Fault(
            name="signer-hostile-bytes",
            proves=Row.STOLEN_KEY,
            what="a bot that talks nonsense",
            how="arbitrary and damaged frames on its socket",
            must="refused or hung up on; the process goes on, its memory does not grow",
            by=f"{_ATTACK}test_arbitrary_bytes_end_in_a_refusal_or_a_hang_up_and_the_process_goes_on",
            goals=(enough(Measure.TRIED, 400), *none(Measure.ACCEPTED)),
        ),
        Fault(
            name="signer-thefts",
            proves=Row.STOLEN_KEY,
            what="another transaction in the place of an order",
            how="transfers, withdrawals, durable nonces, delegates, margin, beside and instead of honest calls",
            must="none is signed",
            by=f"{_GRAMMAR}test_thefts_beside_or_in_the_place_of_an_order_are_never_signed",
            goals=(enough(Measure.TRIED, 80), *none(Measure.ACCEPTED)),
        ),
        Fault(
            name="signer-killed",
            proves=Row.KILLED,
            what="the signer, at every step of a decision",
            how="kill -9; then another message for the same leg",
            must="no signature that is not on disk, one message a leg",
            by=f"{_CRASHES}test_killed_at_any_step_a_leg_has_one_signature_and_it_is_on_disk",
            goals=none(Measure.DUPLICATES, Measure.LOST),
        ),
        Fault(
            name="signer-full-disk",
            proves=Row.STORAGE_TROUBLE,
            what="the disk of the signer's journal",
            how="writing and syncing fail, then work again",
            must="nothing is signed until it is started again",
            by=f"{_DESK}test_no_signature_leaves_that_is_not_on_disk",
            goals=none(Measure.ACCEPTED),
        ),
        Fault(
            name="signer-open-files",
            proves=Row.UNSAFE_START,
            what="the signer's key, file and folder",
            how="each of 512 modes for each of them",
            must="used only where nobody else can read the key or change the rest",
            by=f"{_PROCESS}test_of_all_modes_its_files_can_have_only_private_ones_are_used",
            goals=(enough(Measure.TRIED, 1_536), *none(Measure.WRONG)),
        ),
    ),
)

SECTIONS = (SIGNER,)
