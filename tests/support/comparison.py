"""The product's margin beside the compiled program's, user by user, and the smallest account that tells them apart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from risk.margin.evaluate import Evaluation, Totals, evaluate
from tests.support.drift_layout import PERP_POSITION, SPOT_POSITION, USER, Layout
from tests.support.program import MarginKind, Program, ProgramMargin, ProgramRefused, ScopeMargin
from tests.support.reading import book_of
from tests.support.world import World

RELATIVE = 1e-6
ABSOLUTE_USD = 0.01

Verdict = Mapping[MarginKind, ProgramMargin] | int  # or the error the program gave


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One number that differs.

    Attributes:
        scope: ``cross``, or the name of the isolated perp market.
        program_usd: NaN where the program has no such scope; ``ours_usd`` likewise.
    """

    user: str
    kind: MarginKind
    scope: str
    number: str
    ours_usd: float
    program_usd: float

    def __str__(self) -> str:
        return (
            f"{self.user} {self.kind.name.lower()} {self.scope} {self.number}: "
            f"{self.ours_usd:.6f} here, {self.program_usd:.6f} by the program"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of a world.

    Attributes:
        numbers: How many were compared.
        refused: Users the program gives no margin for, with its error.
        problems: Users the product calls not assessable, though the program gives a margin.
    """

    numbers: int
    mismatches: tuple[Mismatch, ...]
    refused: MappingProxyType[str, int]
    problems: MappingProxyType[str, tuple[str, ...]]

    @property
    def agrees(self) -> bool:
        return not self.mismatches and not self.problems

    @property
    def disagreeing(self) -> list[str]:
        """Users told apart, each once."""
        return list(dict.fromkeys([*(mismatch.user for mismatch in self.mismatches), *self.problems]))


def compare(world: World, users: Sequence[str]) -> Comparison:
    """Both opinions on the given users of a world, maintenance and initial. Raises: program.ProgramMissing."""
    judge, raws = world.program(), world.users
    return compare_with(world, {user: _verdict(judge, raws[user]) for user in users})


def compare_with(world: World, verdicts: Mapping[str, Verdict]) -> Comparison:
    """The same against verdicts that are known already."""
    book = book_of(world, list(verdicts))
    evaluation = evaluate(book)
    refused: dict[str, int] = {}
    problems: dict[str, tuple[str, ...]] = {}
    mismatches: list[Mismatch] = []
    numbers = 0
    for position, (user, verdict) in enumerate(verdicts.items()):
        if isinstance(verdict, int):
            refused[user] = verdict
            continue
        if position in book.accounts.problems:
            problems[user] = book.accounts.problems[position]
            continue
        for kind, margin in verdict.items():
            for scope, number, ours, theirs in _pairs(evaluation, position, kind, margin):
                numbers += 1
                if not _close(ours, theirs):
                    found = Mismatch(
                        user=user, kind=kind, scope=scope, number=number, ours_usd=ours, program_usd=theirs
                    )
                    mismatches.append(found)
    return Comparison(
        numbers=numbers,
        mismatches=tuple(mismatches),
        refused=MappingProxyType(refused),
        problems=MappingProxyType(problems),
    )


def _verdict(judge: Program, raw: bytes) -> Verdict:
    try:
        return {kind: judge.margin(raw, kind) for kind in MarginKind}
    except ProgramRefused as refusal:
        return refusal.code


def _close(ours: float, theirs: float) -> bool:
    return bool(abs(ours - theirs) <= max(ABSOLUTE_USD, RELATIVE * abs(theirs)))


def _pairs(
    evaluation: Evaluation, position: int, kind: MarginKind, margin: ProgramMargin
) -> Iterator[tuple[str, str, float, float]]:
    """(scope, number, ours, the program's) for every number of one user and margin kind."""
    totals = evaluation.maintenance if kind is MarginKind.MAINTENANCE else evaluation.full.initial
    yield "cross", "collateral", float(totals.collateral_usd[position]), margin.cross.collateral_1e6 / 1e6
    yield "cross", "requirement", float(totals.requirement_usd[position]), margin.cross.requirement_1e6 / 1e6
    ours = _isolated(evaluation, totals, position)
    nothing = ScopeMargin(collateral_1e6=0, requirement_1e6=0)
    for market in sorted(ours.keys() | margin.isolated.keys()):
        collateral, requirement = ours.get(market, (float("nan"), float("nan")))
        theirs = margin.isolated.get(market, nothing)  # the program leaves out scopes with nothing in them
        yield f"isolated {market}", "collateral", collateral, theirs.collateral_1e6 / 1e6
        yield f"isolated {market}", "requirement", requirement, theirs.requirement_1e6 / 1e6


def _isolated(evaluation: Evaluation, totals: Totals, position: int) -> dict[int, tuple[float, float]]:
    book, found = evaluation.book, {}
    mine = np.flatnonzero(book.perps.account[evaluation.isolated_rows] == position)
    for entry in mine.tolist():
        market = int(book.perp_markets.market_index[book.perps.market[evaluation.isolated_rows[entry]]])
        amounts = float(totals.isolated_collateral_usd[entry]), float(totals.isolated_requirement_usd[entry])
        found[market] = amounts
    return found


def smallest(world: World, user: str) -> World:
    """The world with slots and settings of a mismatching user cleared as long as both opinions still differ."""
    changed = True
    while changed:
        changed = False
        for candidate in _simpler(world.users[user]):
            smaller = world.with_accounts({user: replace(world.accounts[user], data=candidate)})
            result = compare(smaller, [user])
            if not result.agrees:
                world, changed = smaller, True
                break
    return world


def _simpler(raw: bytes) -> Iterator[bytes]:
    for field, layout in (("spot_positions", SPOT_POSITION), ("perp_positions", PERP_POSITION)):
        start = USER.fields[field].offset
        for at in range(start, start + USER.fields[field].size, layout.size):
            yield from _cleared(raw, at, layout.size)
    for name in ("max_margin_ratio", "margin_mode", "status"):
        yield from _cleared(raw, USER.fields[name].offset, USER.fields[name].size)
    for field, layout, names in (
        ("spot_positions", SPOT_POSITION, ("open_bids", "open_asks", "open_orders")),
        ("perp_positions", PERP_POSITION, ("open_bids", "open_asks", "open_orders", "max_margin_ratio")),
    ):
        start = USER.fields[field].offset
        for at in range(start, start + USER.fields[field].size, layout.size):
            for name in names:
                yield from _cleared(raw, at + layout.fields[name].offset, layout.fields[name].size)


def _cleared(raw: bytes, at: int, size: int) -> Iterator[bytes]:
    if any(raw[at : at + size]):
        yield raw[:at] + bytes(size) + raw[at + size :]


def described(raw: bytes) -> str:
    """A user account in words short enough for a failure message."""
    lines = [f"user {_fields(USER, raw, 0, skip=('spot_positions', 'perp_positions', 'orders', 'name', 'authority'))}"]
    for field, layout in (("spot_positions", SPOT_POSITION), ("perp_positions", PERP_POSITION)):
        start = USER.fields[field].offset
        for at in range(start, start + USER.fields[field].size, layout.size):
            if any(raw[at : at + layout.size]):
                lines.append(f"{layout.name} {_fields(layout, raw, at)}")
    return "\n".join(lines)


def _fields(layout: Layout, raw: bytes, base: int, skip: Sequence[str] = ()) -> str:
    values = {name: layout.read(raw, name, base) for name in layout.fields if name not in skip}
    return ", ".join(f"{name}={value}" for name, value in values.items() if value)


def explained(world: World, comparison: Comparison) -> str:
    """What differs, and the first user reduced to what it takes to differ; for the message of a failing test."""
    if comparison.agrees:
        return "both opinions agree"
    user = comparison.disagreeing[0]
    lines = [*map(str, comparison.mismatches[:10]), *(f"{key}: {why}" for key, why in comparison.problems.items())]
    small = smallest(world, user)
    again = compare(small, [user])
    return "\n".join([*lines, "smallest:", described(small.users[user]), *map(str, again.mismatches)])
