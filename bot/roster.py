"""Who is watched: accounts, what people call them, and when their tiers begin."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from risk.decisions.tiers import TierThresholds

NAMES_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One account under watch. ``nickname`` is unique whatever its case."""

    account_id: str
    nickname: str
    thresholds: TierThresholds


class UnknownNickname(LookupError):
    """No watched account is called so. ``known`` lists those that are."""

    def __init__(self, text: str, known: Iterable[str]) -> None:
        self.text, self.known = text, tuple(known)
        super().__init__(f"no account is called {text!r}; there is {listed(self.known)}")


class NotHere(LookupError):
    """There is such an account, and it is not to be spoken of in this place. ``nickname`` is what whoever asked calls
    it."""

    def __init__(self, nickname: str) -> None:
        self.nickname = nickname
        super().__init__(f"{nickname} is not spoken of here")


class Roster:
    """The accounts of this process, in the order they were named.

    Attributes:
        why_empty: What to say where there is none.
    """

    why_empty = "No account is watched. Set ACCOUNTS, run keel setup, or /watch one."

    def __init__(self, accounts: Iterable[Watched]) -> None:
        self._by_id: Mapping[str, Watched] = {account.account_id: account for account in accounts}

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def all(self) -> tuple[Watched, ...]:
        return tuple(self._by_id.values())

    @property
    def account_ids(self) -> tuple[str, ...]:
        return tuple(self._by_id)

    @property
    def names(self) -> str:
        """What the accounts are called, for a sentence: the first few of many, and how many more."""
        return listed(watched.nickname for watched in self._by_id.values())

    def label(self, account_id: str) -> str:
        """What people call an account; its address where it is not watched any more."""
        watched = self._by_id.get(account_id)
        return watched.nickname if watched else short(account_id)

    def thresholds(self, account_id: str) -> TierThresholds:
        watched = self._by_id.get(account_id)
        return watched.thresholds if watched else TierThresholds()

    def find(self, text: str) -> Watched:
        """The account somebody typed: its nickname whatever the case, or its address.

        Raises: UnknownNickname; NotHere where a roster is cut to a place.
        """
        for watched in self._by_id.values():
            if text.lower() == watched.nickname.lower() or text == watched.account_id:
                return watched
        raise UnknownNickname(text, (watched.nickname for watched in self._by_id.values()))

    def change(self, account: Watched) -> None:
        """Put a changed account in the place of the old one."""
        if account.account_id not in self._by_id:
            raise KeyError(account.account_id)
        self._by_id = {**self._by_id, account.account_id: account}

    def add(self, account: Watched) -> None:
        """Watch one more. Raises: ValueError for an account or a nickname that is there already."""
        if account.account_id in self._by_id:
            raise ValueError(f"account {account.account_id} is watched already")
        if account.nickname.lower() in {watched.nickname.lower() for watched in self._by_id.values()}:
            raise ValueError(f"an account is called {account.nickname} already")
        self._by_id = {**self._by_id, account.account_id: account}

    def remove(self, account_id: str) -> None:
        """Watch one no longer. Raises: KeyError."""
        remaining = dict(self._by_id)
        del remaining[account_id]
        self._by_id = remaining


def listed(names: Iterable[str]) -> str:
    """Names in a sentence, the first few of many.

    >>> listed(["main", "whale"]), listed([]), listed(str(n) for n in range(1_000))[-12:]
    ('main, whale', 'none', 'and 988 more')
    """
    known = tuple(names)
    more = f" and {len(known) - NAMES_SHOWN} more" if len(known) > NAMES_SHOWN else ""
    return (", ".join(known[:NAMES_SHOWN]) or "none") + more


def short(address: str) -> str:
    """An address a person can compare: its first and last four characters.

    >>> short("5MWFVJxGSGKJhNfHkVigGURMyXxNRKMdxDcfauHq82G5"), short("paper-1")
    ('5MWF…82G5', 'paper-1')
    """
    return address if len(address) <= 12 else f"{address[:4]}…{address[-4:]}"
