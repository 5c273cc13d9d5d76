"""The last view in which each account could be trusted, kept for those that cannot be trusted now."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np

from risk.margin.book import BoolArray

_MOST_VIEWS = 4  # a view is a whole fleet; accounts that turned doubtful at more moments than that are told by others


class _View(Protocol):
    @property
    def doubtful(self) -> BoolArray: ...

    @property
    def ids(self) -> Sequence[str]: ...

    def position_of(self, account_id: str) -> int: ...

    def __contains__(self, account_id: object) -> bool: ...


V = TypeVar("V", bound=_View)


class GoodViews(Generic[V]):
    """Follows views as they come, oldest first."""

    def __init__(self) -> None:
        self._views: OrderedDict[int, V] = OrderedDict()
        self._of: dict[str, int] = {}
        self._count = 0

    def follow(self, before: V | None, now: V) -> None:
        """A view takes the place of another one."""
        if not now.doubtful.any() and not self._of:
            return
        if before is not None and before.ids == now.ids and np.array_equal(before.doubtful, now.doubtful):
            return
        doubtful = {now.ids[int(at)] for at in np.flatnonzero(now.doubtful)}
        for account_id in [known for known in self._of if known not in doubtful]:
            del self._of[account_id]
        if before is not None:
            turned = [one for one in doubtful if one in before and not before.doubtful[before.position_of(one)]]
            if turned:
                self._count += 1
                self._views[self._count] = before
                self._of.update(dict.fromkeys(turned, self._count))
        while len(self._views) > _MOST_VIEWS:
            self._views.popitem(last=False)
        wanted = set(self._of.values())
        for number in [known for known in self._views if known not in wanted]:
            del self._views[number]
        self._of = {account_id: number for account_id, number in self._of.items() if number in self._views}

    def of(self, account_id: str) -> V | None:
        """The last good view of an account that is not trusted now; None where none is remembered."""
        return self._views.get(self._of.get(account_id, 0))

    @property
    def kept(self) -> Mapping[int, V]:
        """The views that are still needed."""
        return self._views
