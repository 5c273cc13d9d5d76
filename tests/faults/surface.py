"""What strangers, platforms and stolen accounts send: presses, commands, updates, names."""

from tests.faults.parts import Fault, Measure, Part, Section, enough, none, within
from tests.faults.promises import Row

_ATTACK = "tests/attack/"
_STORM = "tests/bot/trading/test_press_storm.py::"

SURFACE = Section(
    title="Attack surface",
    faults=(
        Fault(
            name="surface-presses", proves=Row.FOREIGN_PRESS,
            what="presses that are worth nothing",
            how="forged, foreign, expired, replayed, superseded, guessed, strangers'",
            must="not a row of the database changes",
            by=f"{_STORM}test_ten_thousand_worthless_presses_have_no_effect_and_raise_nothing",
            goals=(enough(Measure.TRIED, 10_000), *none(Measure.ACCEPTED)),
        ),
        Fault(
            name="surface-race", proves=Row.FOREIGN_PRESS,
            what="eight people confirm at once, 200 times", how="all presses together", must="exactly one counts",
            by=f"{_STORM}test_of_eight_confirmations_at_once_one_counts_two_hundred_times",
            goals=(enough(Measure.TRIED, 200), *none(Measure.DUPLICATES)),
        ),
        Fault(
            name="surface-stolen-account", proves=Row.STOLEN_CHAT_ACCOUNT,
            what="the owner's chat account without their PIN",
            how="commands, presses, guesses, codes and waits in any order",
            must="no order, no cap moved, no lock passed",
            by=f"{_ATTACK}test_stolen_account.py::"
            "test_with_the_owners_chat_and_without_their_pin_nothing_goes_out_and_no_cap_moves",
            goals=none(Measure.UNAPPROVED),
        ),
        Fault(
            name="surface-group", proves=Row.WRONG_GROUP,
            what="added to a group of strangers", how="a stranger lets it in", must="it leaves and says nothing",
            by="tests/bot/dispatch/test_groups.py::test_a_group_of_strangers_is_left_at_once_and_nothing_is_said_there",
            goals=none(Measure.OVERHEARD),
        ),
        Fault(
            name="surface-names", proves=Row.INJECTED_TEXT,
            what="markup, mentions, breaks and directions in names", how="seven names through every command",
            must="read back as it was meant by both platforms, nobody called, one line an event",
            by=f"{_ATTACK}test_names.py::"
            "test_no_name_changes_what_is_read_calls_anybody_or_makes_a_line_of_the_log",
            goals=(enough(Measure.TRIED, 300), *none(Measure.ACCEPTED)),
        ),
        Fault(
            name="surface-telegram", proves=Row.TELEGRAM_TROUBLE,
            what="malformed updates of Telegram", how="missing, wrong, huge, nested, cut, by a seed",
            must="nothing raises, nobody is somebody else, the update behind is heard",
            by=f"{_ATTACK}test_telegram_data.py::test_whatever_telegram_sends_the_update_behind_it_is_heard",
            goals=(enough(Measure.TRIED, 1_000), *none(Measure.ACCEPTED, Measure.LOST)),
        ),
        Fault(
            name="surface-discord", proves=Row.DISCORD_TROUBLE,
            what="malformed events of Discord", how="missing, wrong, huge, nested, by a seed",
            must="what is heard is sound; a guild is never taken for a private chat",
            by=f"{_ATTACK}test_discord_data.py::test_whatever_discord_sends_only_what_is_sound_is_heard",
            goals=(enough(Measure.TRIED, 1_000), *none(Measure.ACCEPTED)),
        ),
        Fault(
            name="surface-flood", proves=Row.COMMAND_FLOOD,
            what="one person sends 2,000 commands at once", how="all in the queue of the transport",
            must="a bucket is answered, the rest refused in one sentence",
            by=f"{_ATTACK}test_flood.py::"
            "test_of_a_flood_the_bucket_is_answered_and_the_rest_is_refused_in_one_sentence",
            goals=(enough(Measure.TRIED, 2_000), within(Measure.ACCEPTED, 31)),
        ),
        Fault(
            name="surface-some-commands", proves=Row.COMMAND_FLOOD,
            what="malformed commands, a taste", how="by a seed", must="each is answered, none with an apology",
            by=f"{_ATTACK}test_commands.py::test_every_malformed_command_is_answered_and_none_with_an_apology",
            goals=(enough(Measure.TRIED, 400), *none(Measure.UNHANDLED)),
        ),
    ),
)  # fmt: skip

COMMANDS = Section(
    title="Commands",
    part=Part.COMMANDS,
    faults=(
        Fault(
            name="surface-all-commands", proves=Row.COMMAND_FLOOD,
            what="10,000 malformed commands", how="by a seed, through the whole bot over a database",
            must="none unhandled, none slow", by="benchmarks/commands.py::answered",
            goals=(
                enough(Measure.TRIED, 10_000), *none(Measure.UNHANDLED), within(Measure.ANSWERED_P99, 0.05),
            ),
        ),
    ),
)  # fmt: skip

SECTIONS = (SURFACE, COMMANDS)
