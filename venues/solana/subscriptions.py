"""What every subscription of one connection is about, from the request to the notifications."""

import json
from collections.abc import Iterable
from enum import Enum, auto

from solders.pubkey import Pubkey

from venues.errors import VenueUnavailable
from venues.solana.notifications import AccountNotice, Confirmed, Denied, SlotNotice

_MOST_EARLY = 10_000  # notifications of subscriptions that are not confirmed yet


class Topic(Enum):
    """What is no account."""

    SLOT = auto()


Subject = Pubkey | Topic
Notice = AccountNotice | SlotNotice


class Subscriptions:
    """One connection's. A node that tells of other things than it was asked for cannot be relied on to tell of those:
    every method that is given something it said raises VenueUnavailable where that does not fit."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._requested: dict[int, Subject] = {}
        self._subjects: dict[int, Subject] = {}
        self._early: dict[int, list[Notice]] = {}
        self._early_count = 0
        self._last_request = 0
        self._asked_for: set[Subject] = set()

    @property
    def waiting(self) -> int:
        """Requests that are not confirmed yet."""
        return len(self._requested)

    def new(self, subjects: Iterable[Subject]) -> list[Subject]:
        """Those of them nobody has asked for yet."""
        return [subject for subject in subjects if subject not in self._asked_for]

    def request(self, subject: Subject) -> str:
        """The text that asks for it."""
        self._last_request += 1
        self._requested[self._last_request] = subject
        self._asked_for.add(subject)
        method, params = "slotSubscribe", list[object]()
        if isinstance(subject, Pubkey):
            method, params = "accountSubscribe", [str(subject), {"encoding": "base64", "commitment": "confirmed"}]
        return json.dumps({"jsonrpc": "2.0", "id": self._last_request, "method": method, "params": params})

    def confirm(self, said: Confirmed) -> list[Notice]:
        """A request was granted; what was told of it before."""
        subject = self._requested.pop(said.request, None)
        if subject is None:
            raise VenueUnavailable(f"{self._host} answered a request that was never made")
        if said.subscription in self._subjects:
            raise VenueUnavailable(f"{self._host} gave two subscriptions one number")
        self._subjects[said.subscription] = subject
        early = self._early.pop(said.subscription, [])
        self._early_count -= len(early)
        if self._early and not self._requested:
            raise self._foreign()
        return early

    def deny(self, said: Denied, reason: str) -> VenueUnavailable:
        """The error to end with; ``reason`` is the node's, fit to be shown."""
        subject = None if said.request is None else self._requested.get(said.request)
        what = f"the account {subject}" if isinstance(subject, Pubkey) else "slots"
        return VenueUnavailable(f"{self._host} allows no subscription to {what}: {reason}")

    def key_of(self, notice: AccountNotice) -> Pubkey | None:
        """Whose account it is; None where its subscription is not confirmed yet, and the notification is kept."""
        subject = self._subject_of(notice)
        if isinstance(subject, Topic):
            raise VenueUnavailable(f"{self._host} confuses its subscriptions")
        return subject

    def is_of_slots(self, notice: SlotNotice) -> bool:
        """Whether it is what was asked for; False where its subscription is not confirmed yet, as for key_of."""
        subject = self._subject_of(notice)
        if isinstance(subject, Pubkey):
            raise VenueUnavailable(f"{self._host} confuses its subscriptions")
        return subject is Topic.SLOT

    def _subject_of(self, notice: Notice) -> Subject | None:
        subject = self._subjects.get(notice.subscription)
        if subject is None:
            if not self._requested or self._early_count >= _MOST_EARLY:
                raise self._foreign()
            self._early.setdefault(notice.subscription, []).append(notice)
            self._early_count += 1
        return subject

    def _foreign(self) -> VenueUnavailable:
        return VenueUnavailable(f"{self._host} tells of a subscription that was never made")
