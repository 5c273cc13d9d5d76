"""Who is watched: accounts, what people call them, and when their tiers begin."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from risk.decisions.tiers import TierThresholds


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
        super().__init__(f"no account is called {text!r}; there is {', '.join(self.known) or 'none'}")


class Roster:
    """The accounts of this process, in the order they were named."""

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

    def label(self, account_id: str) -> str:
        """What people call an account; its address where it is not watched any more."""
        watched = self._by_id.get(account_id)
        return watched.nickname if watched else short(account_id)

    def thresholds(self, account_id: str) -> TierThresholds:
        watched = self._by_id.get(account_id)
        return watched.thresholds if watched else TierThresholds()

    def find(self, text: str) -> Watched:
        """The account somebody typed: its nickname whatever the case, or its address. Raises: UnknownNickname."""
        for watched in self._by_id.values():
            if text.lower() == watched.nickname.lower() or text == watched.account_id:
                return watched
        raise UnknownNickname(text, (watched.nickname for watched in self._by_id.values()))

    def change(self, account: Watched) -> None:
        """Put a changed account in the place of the old one."""
        if account.account_id not in self._by_id:
            raise KeyError(account.account_id)
        self._by_id = {**self._by_id, account.account_id: account}


def short(address: str) -> str:
    """An address a person can compare: its first and last four characters.

    >>> short("5MWFVJxGSGKJhNfHkVigGURMyXxNRKMdxDcfauHq82G5"), short("paper-1")
    ('5MWF…82G5', 'paper-1')
    """
    return address if len(address) <= 12 else f"{address[:4]}…{address[-4:]}"
