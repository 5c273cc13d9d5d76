"""Who may hear of an account, found by index: the same as asking everybody, and quick with a thousand of each."""

import time
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.reach import Hearer, Reach
from storage import EVERYWHERE, Access, Audience, LinkedChat, Receiver, Role

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
ACCOUNTS = ["a", "b", EVERYWHERE]
PEOPLE = ["ann", "bob", "eve"]


def hearer(number: int, person: str, *, private: bool = True, accounts: frozenset[str] = frozenset()) -> Hearer:
    receiver = Receiver(transport="telegram", chat=str(number))
    chat = LinkedChat(
        transport="telegram", chat=str(number), thread="", person_id=person, private=private, linked_at=NOW,
        accounts=accounts,
    )  # fmt: skip
    return Hearer(receiver=receiver, chat=chat)


HEARERS = st.lists(
    st.builds(hearer, st.integers(0, 5), st.sampled_from(PEOPLE), private=st.booleans(),
              accounts=st.frozensets(st.sampled_from(ACCOUNTS)))
    | st.builds(lambda number: Hearer(receiver=Receiver(transport="telegram", chat=str(number))), st.integers(0, 5)),
    max_size=6,
)  # fmt: skip
ACCESS = st.builds(Access, owner=st.booleans(), roles=st.dictionaries(st.sampled_from(ACCOUNTS), st.sampled_from(Role)))
AUDIENCES = st.builds(Audience, access=st.dictionaries(st.sampled_from(PEOPLE), ACCESS))


@given(HEARERS, AUDIENCES, st.sampled_from(["a", "b", "c", ""]))
def test_the_index_says_what_asking_everybody_says(hearers: list[Hearer], audience: Audience, account: str) -> None:
    asked = [one.receiver for one in hearers if one.chat is None or audience.may_hear(one.chat, account)]
    reach = Reach(hearers, audience)

    assert reach.of(account) == reach.of(account) == tuple(dict.fromkeys(asked))
    assert set(reach.all) == {one.receiver for one in hearers}


def test_a_group_that_was_linked_for_everything_hears_of_each_account() -> None:
    admin = Audience(access={"ann": Access(roles={EVERYWHERE: Role.ADMIN}), "bob": Access(roles={"a": Role.ADMIN})})
    for person, told in (("ann", {"a", "b", ""}), ("bob", {"a", ""})):
        group = hearer(1, person, private=False, accounts=frozenset({EVERYWHERE}))
        reach = Reach([group], admin)

        assert {account for account in ("a", "b", "") if reach.of(account)} == told


def test_a_thousand_accounts_in_a_thousand_chats_take_no_time() -> None:
    """Asking everybody would be a million questions."""
    people = [f"p{number}" for number in range(1_000)]
    access = {person: Access(roles={f"account-{person}": Role.VIEWER}) for person in people}
    hearers = [hearer(number, person) for number, person in enumerate(people)]
    started = time.process_time()
    reach = Reach(hearers, Audience(access=access))
    found = [reach.of(f"account-{person}") for person in people]

    assert [len(one) for one in found] == [1] * 1_000
    assert time.process_time() - started < 1.0  # a million questions take several
