"""Whether it may be believed that bytes can never land any more, given that whoever says so may be wrong, or lie.

Heights alone allow nothing: they must be past, by every endpoint, for as long as the settings say, and none may have
come there faster than a chain can. What one endpoint alone has said from the first moment is for a person to judge.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

MOST_BLOCKS_PER_S = 8.0  # three times what the chain makes
_SLACK_BLOCKS = 64
_REMEMBERED = 1_000
_LOOK = "look at the venue before asking again"
# Who is silent, or says something else, is waited for that long, and so many blocks past the last height.
_WAITED_FOR_S = 300.0
_WAITED_FOR_BLOCKS = 750


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows from what the endpoints say. ``doubt`` says why a person has to look; only then is it not empty.

    Attributes:
        over: Whether it is not waited for any longer.
    """

    over: bool
    doubt: str = ""


WAIT = Verdict(over=False)
AGREED = Verdict(over=True)


@dataclass(slots=True)
class _First:
    """When somebody asked for a signature first, and how high every endpoint stood then; 0 for one that did not say."""

    at_s: float
    heights: list[int]


class Agreement:
    """Remembers since when it is asked for signatures, and how endpoints have moved since.

    Args:
        hosts: The endpoints, for sentences.
        resign_after_s: Nothing is over before; 0 to believe whoever says so at once, where nobody can lie.
    """

    def __init__(self, hosts: Sequence[str], *, resign_after_s: float) -> None:
        self._hosts, self._resign_after_s = hosts, resign_after_s
        self._firsts: OrderedDict[str, _First] = OrderedDict()

    def verdict(self, signature: str, last_valid_height: int, heights: Sequence[int], now_s: float) -> Verdict:
        """Of bytes that no endpoint knows.

        Args:
            heights: Of the newest final block of every endpoint, in their order; 0 for one that does not say.
        """
        first = self._first(signature, heights, now_s)
        waited_s = now_s - first.at_s
        past = [height > last_valid_height for height in heights]
        if not any(past) or waited_s < self._resign_after_s:
            return WAIT
        odd = [
            self._hosts[index]
            for index, height in enumerate(heights)
            if past[index] and not self._plausible(first.heights[index], height, last_valid_height, waited_s)
        ]
        others = [host for host, over in zip(self._hosts, past, strict=True) if not over]
        if not odd and not others:
            return AGREED
        longest_s = _WAITED_FOR_S if self._resign_after_s else 0.0
        if waited_s < longest_s or max(heights) - last_valid_height <= _WAITED_FOR_BLOCKS:
            return WAIT
        why = []
        if odd:
            why.append(f"{', '.join(odd)} states block heights that a chain cannot have reached")
        if others:
            why.append(f"{', '.join(others)} did not say whether it landed")
        return Verdict(over=True, doubt=f"{'; '.join(why)}; {_LOOK}")

    def _plausible(self, before: int, now: int, last_valid_height: int, waited_s: float) -> bool:
        """Whether an endpoint may have come from there to here."""
        if not self._resign_after_s:
            return True
        if before > last_valid_height or before == 0:
            return len(self._hosts) > 1  # it was past when it was first asked: others have to say so as well
        return now - before <= MOST_BLOCKS_PER_S * waited_s + _SLACK_BLOCKS

    def _first(self, signature: str, heights: Sequence[int], now_s: float) -> _First:
        first = self._firsts.get(signature)
        if first is None:
            first = self._firsts[signature] = _First(now_s, list(heights))
            while len(self._firsts) > _REMEMBERED:
                self._firsts.popitem(last=False)
        else:
            first.heights = [was or is_now for was, is_now in zip(first.heights, heights, strict=True)]
        return first
