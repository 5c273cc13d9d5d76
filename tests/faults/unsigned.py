"""Nobody signs: the signer is not there, refuses, dies in the middle, or has forgotten what it signed."""

from tests.faults.parts import Fault, Measure, Section, exactly, none
from tests.faults.promises import Row

_TRADING = "tests/bot/trading/test_signed_trading.py::"
_CLIENT = "tests/bot/trading/test_signer_client.py::"
_FORGETS = "tests/bot/trading/test_signer_forgets.py::"
_HALT = "tests/bot/trading/test_halt_unsigned.py::"

UNSIGNED = Section(
    title="Without a signer",
    faults=(
        Fault(
            name="signer-absent",
            proves=Row.HUNG_OR_DEAD,
            what="the signer, gone",
            how="no socket where it should be, from Confirm to the end of the approval",
            must="nothing goes out, also not later; the card says why",
            by=f"{_TRADING}test_a_signer_that_never_answers_leaves_the_order_until_its_approval_is_over",
            goals=none(Measure.ACCEPTED),
        ),
        Fault(
            name="signer-dies-mid-request",
            proves=Row.LOST_ANSWER,
            what="the signer, killed while it is asked",
            how="kill -9, started again while the bot waits",
            must="the same question has one signature",
            by=f"{_CLIENT}test_the_same_question_after_the_signer_was_killed_gives_the_same_signature",
            goals=none(Measure.DUPLICATES),
        ),
        Fault(
            name="signer-two-bots",
            proves=Row.KILLED,
            what="a second bot that began later",
            how="the first one is refused for good while a card is confirmed",
            must="the first sends nothing and proposes nothing more",
            by=f"{_TRADING}test_a_process_that_is_not_the_newest_proposes_and_sends_nothing",
            goals=none(Measure.ACCEPTED),
        ),
        Fault(
            name="signer-halt-unsigned",
            proves=Row.HUNG_OR_DEAD,
            what="a signer that is locked or gone when somebody sends /halt",
            how="a stop rests at the venue; locked, and without a socket",
            must="HALTED all the same; says that nothing was cancelled, and where to do it",
            by=f"{_HALT}test_a_halt_that_nobody_signs_says_that_nothing_was_cancelled_and_where_to_do_it",
            goals=(exactly(Measure.NOTICED, 1), *none(Measure.ACCEPTED)),
        ),
        Fault(
            name="signer-forgot",
            proves=Row.STOLEN_KEY,
            what="the signer's journal",
            how="put back to an earlier row, written anew, begun anew",
            must="CRITICAL, HALTED, nothing is signed until an admin resumes",
            by=f"{_FORGETS}test_a_signer_that_forgot_is_told_and_signs_nothing_until_an_admin_resumes",
            goals=(exactly(Measure.NOTICED, 1), *none(Measure.ACCEPTED)),
        ),
    ),
)

SECTIONS = (UNSIGNED,)
