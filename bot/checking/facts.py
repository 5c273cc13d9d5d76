"""What a check finds, and how it is shown. Pure."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.text.clean import sentence

_COLUMNS = 400


class Standing(StrEnum):
    """How a fact is to be taken. Only WRONG makes the check fail."""

    OK = "ok"
    ADVICE = "advice"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that was looked at.

    Attributes:
        subject: What it is about, the same at every run.
        text: What was found, a clause.
        remedy: What to do; empty where nothing is to be done.
    """

    subject: str
    standing: Standing
    text: str
    remedy: str = ""


def ok(subject: str, text: str) -> Fact:
    return Fact(subject=subject, standing=Standing.OK, text=text)


def advice(subject: str, text: str, remedy: str) -> Fact:
    return Fact(subject=subject, standing=Standing.ADVICE, text=text, remedy=remedy)


def wrong(subject: str, text: str, remedy: str) -> Fact:
    return Fact(subject=subject, standing=Standing.WRONG, text=text, remedy=remedy)


def passed(facts: Iterable[Fact]) -> bool:
    """Whether nothing is wrong."""
    return all(fact.standing is not Standing.WRONG for fact in facts)


_MARKS = {Standing.OK: "ok    ", Standing.ADVICE: "advice", Standing.WRONG: "WRONG "}


def as_text(facts: Sequence[Fact]) -> str:
    """A line each, and a verdict."""
    lines = []
    for fact in facts:
        lines.append(f"{_MARKS[fact.standing]}  {fact.subject}: {sentence(fact.text, columns=_COLUMNS)}")
        if fact.remedy:
            lines.append(f"        -> {sentence(fact.remedy, columns=_COLUMNS)}")
    number = sum(fact.standing is Standing.WRONG for fact in facts)
    lines.append("All is in order." if not number else f"{number} thing{'s' if number != 1 else ''} to be put right.")
    return "\n".join(lines)


def as_json(facts: Sequence[Fact]) -> str:
    """One object."""
    rows = [
        {"subject": fact.subject, "standing": fact.standing.value, "text": fact.text, "remedy": fact.remedy}
        for fact in facts
    ]
    return json.dumps({"ok": passed(facts), "facts": rows}, ensure_ascii=False)
