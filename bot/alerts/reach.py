"""Which of many receivers may hear of an account, without asking each of them for each account."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage import EVERYWHERE, Audience, LinkedChat, Receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearer:
    """A receiver, and whose rights decide what it may hear.

    Attributes:
        chat: As it was linked; None for what the file names by its address, which hears what the file says.
    """

    receiver: Receiver
    chat: LinkedChat | None = None


class Reach:
    """Hearers by the accounts they may hear of. Remembers what it was asked; good for one audience.

    Attributes:
        all: Every receiver, whatever it may hear of.
    """

    def __init__(self, hearers: Iterable[Hearer], audience: Audience) -> None:
        self._audience = audience
        self._everywhere: list[tuple[int, Hearer]] = []
        self._by_account: dict[str, list[tuple[int, Hearer]]] = {}
        self._found: dict[str, tuple[Receiver, ...]] = {}
        known = tuple(hearers)
        self.all = tuple(dict.fromkeys(hearer.receiver for hearer in known))
        self._known = tuple(enumerate(known))
        for place, hearer in self._known:
            accounts = self._accounts(hearer)
            if accounts is None:
                self._everywhere.append((place, hearer))
                continue
            for account_id in accounts:
                self._by_account.setdefault(account_id, []).append((place, hearer))

    def of(self, account_id: str) -> tuple[Receiver, ...]:
        """Everybody who may hear of an account, or of what concerns all of them, an empty id; each once, in order."""
        known = self._found.get(account_id)
        if known is None:
            candidates = dict((*self._everywhere, *self._candidates(account_id)))
            hearing = (hearer.receiver for _, hearer in sorted(candidates.items()) if self._may(hearer, account_id))
            known = self._found[account_id] = tuple(dict.fromkeys(hearing))
        return known

    def _candidates(self, account_id: str) -> Sequence[tuple[int, Hearer]]:
        """What concerns all accounts is for a chat that was linked for none of them too."""
        return self._by_account.get(account_id, ()) if account_id else self._known

    def _may(self, hearer: Hearer, account_id: str) -> bool:
        return hearer.chat is None or self._audience.may_hear(hearer.chat, account_id)

    def _accounts(self, hearer: Hearer) -> Iterable[str] | None:
        """Accounts a hearer may possibly hear of; None for any of them."""
        chat = hearer.chat
        if chat is None:
            return None
        if not chat.private:
            return None if EVERYWHERE in chat.accounts else chat.accounts
        access = self._audience.access.get(chat.person_id)
        if access is None:
            return ()
        return None if access.everywhere is not None else access.roles
