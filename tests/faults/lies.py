"""Faults of nodes that do not fail but say what is not so, and of a second endpoint that is behind."""

from tests.faults.parts import Fault, Measure, Section, none
from tests.faults.promises import Row

_LYING = "tests/venues/solana/test_lying_nodes.py::"
_CLIENT = "tests/venues/solana/test_client.py::"
_NEVER_EARLY = none(Measure.SIGNED_EARLY)

LIES = Section(
    title="Nodes that lie",
    faults=(
        Fault(
            name="lie-impatience", proves=Row.LOST_ANSWER,
            what="bytes dropped, everybody honest", how="heights past after a minute, by a clock moved by hand",
            must="nothing is signed again within two minutes, whatever the heights",
            by=f"{_LYING}test_what_never_arrived_is_gone_when_it_is_past_and_everybody_has_said_so_for_two_minutes",
            goals=_NEVER_EARLY,
        ),
        Fault(
            name="lie-future-heights", proves=Row.LOST_ANSWER,
            what="one of two states heights of the future", how="100,000 blocks ahead, and it knows no signature",
            must="pending by the other one; landed when it lands",
            by=f"{_LYING}test_a_liar_that_states_heights_of_the_future_lets_nothing_be_signed_again",
            goals=(*_NEVER_EARLY, *none(Measure.LOST)),
        ),
        Fault(
            name="lie-only-endpoint", proves=Row.LOST_ANSWER,
            what="the only endpoint states heights of the future", how="100,000 blocks ahead at once",
            must="no chain is that fast: given up after five minutes, a person looks",
            by=f"{_LYING}test_a_liar_that_is_the_only_endpoint_leaves_it_to_a_person", goals=_NEVER_EARLY,
        ),
        Fault(
            name="lie-from-the-beginning", proves=Row.LOST_ANSWER,
            what="heights that were past when first asked for", how="one endpoint alone, and two that agree",
            must="of one alone a person looks; two are believed after two minutes",
            by=f"{_LYING}test_heights_that_were_past_from_the_first_moment_are_believed_of_two_and_not_of_one",
            goals=_NEVER_EARLY,
        ),
        Fault(
            name="lie-not-found", proves=Row.LOST_ANSWER,
            what="not found, for what has landed", how="one of two denies it, 300 s on", must="landed, throughout",
            by=f"{_LYING}test_not_found_by_one_for_what_landed_at_another_is_landed",
            goals=(*_NEVER_EARLY, *none(Measure.LOST)),
        ),
        Fault(
            name="lie-far-slot", proves=Row.DAMAGED_DATA,
            what="a slot from another century", how="a thousand million slots ahead", must="refused, and forgotten",
            by=f"{_CLIENT}test_a_slot_from_another_century_does_not_become_the_measure", goals=none(Measure.ACCEPTED),
        ),
        Fault(
            name="lie-another-genesis", proves=Row.HOSTILE_RPC_URL,
            what="an endpoint of another cluster", how="it has another genesis hash",
            must="nothing is read from it, however it answers",
            by=f"{_CLIENT}test_an_endpoint_of_another_cluster_is_never_read", goals=none(Measure.ACCEPTED),
        ),
        Fault(
            name="endpoint-second-stale", proves=Row.NODE_TROUBLE,
            what="second endpoint behind, as the first one fails", how="400 slots behind what was read",
            must="refused: nothing goes back in time",
            by=f"{_CLIENT}test_an_endpoint_behind_what_was_already_read_is_passed_over", goals=none(Measure.ACCEPTED),
        ),
    ),
)  # fmt: skip

SECTIONS = (LIES,)
