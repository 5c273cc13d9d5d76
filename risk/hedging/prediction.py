"""What a hedge promised, as a note that travels with its proposal, so that it can be held against what came of it."""

import re

from risk.model.hedge import HedgeRequirements

_NOTE = re.compile(r"predicted variance reduction (-?[\d.]+) ?%")  # with a blank until 0.5
_RATIO = re.compile(r"hedge ratio (\d+\.\d+)")


def prediction_note(found: HedgeRequirements) -> str:
    """One sentence; empty where nothing can be predicted."""
    if found.variance_reduction is None:
        return ""
    percent = f"{100 * found.variance_reduction:.2f}".rstrip("0").rstrip(".")
    return f"predicted variance reduction {percent}% by {found.strategy.value}"


def predicted_of(notes: tuple[str, ...]) -> float | None:
    """The share that the notes of a proposal promised; None where they promise none.

    >>> predicted_of(("predicted variance reduction 71.25% by correlation",))
    0.7125
    """
    for note in notes:
        if matched := _NOTE.search(note):
            return round(float(matched.group(1)) / 100, 6)
    return None


def ratio_words(ratio: float) -> str:
    """For the reasoning of a trade."""
    return f"hedge ratio {ratio:.4f}"


def ratio_of(reasoning: str) -> float | None:
    """The ratio that the reasoning of a leg states; None where it states none.

    >>> ratio_of("takes 900 of 1,000 USD of SOL away; hedge ratio 0.9000")
    0.9
    """
    matched = _RATIO.search(reasoning)
    return float(matched.group(1)) if matched else None
