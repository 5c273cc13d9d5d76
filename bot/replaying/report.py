"""What a replay found: as JSON, as text for a terminal, and as a picture."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.messages import Table
from bot.replaying.alarms import Alarms
from bot.text import numbers
from bot.text.ages import age, day_and_moment
from bot.text.clean import name
from bot.text.tables import lines as table_lines
from risk.decisions.tiers import LADDER, Tier, TierThresholds
from venues.replay import Recording

WARNINGS = (*LADDER, Tier.UNKNOWN)
_A_DAY_S = 86_400.0
_MONTH_DAYS = 30.0
_COLUMNS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """Would it have warned?

    Attributes:
        played: How many moments of the recording were watched.
        first_at: When each tier first stood, and its first message went out, be it that the account has eased to it;
            tiers that never stood are absent.
        standing_at: The same since the account was last OK: the incident that stands at the end.
        messages: What one person who answers none of them would have received, repeats included.
    """

    recording: Recording
    played: int
    thresholds: TierThresholds
    first_at: Mapping[Tier, datetime]
    standing_at: Mapping[Tier, datetime]
    alarms: Alarms
    messages: int

    @property
    def liquidated_at(self) -> datetime | None:
        """The first moment below maintenance; None where there was none."""
        number = self.recording.liquidated
        return None if number is None else self.recording.at(number)

    @property
    def days(self) -> float:
        """How much history was watched."""
        return self.recording.offset_s(self.played - 1) / _A_DAY_S

    @property
    def false_alarms_per_30d(self) -> float:
        """0 where nothing was watched long enough to have a rate."""
        return self.alarms.false * _MONTH_DAYS / self.days if self.days else 0.0

    def lead_s(self, tier: Tier) -> float | None:
        """From the first warning at a tier to liquidation; None where either is missing.

        That warning may have been of an earlier fall that ended well: see ``last_lead_s``.
        """
        return self._before_liquidation_s(self.first_at.get(tier))

    def last_lead_s(self, tier: Tier) -> float | None:
        """The same from the incident that liquidation ended."""
        return self._before_liquidation_s(self.standing_at.get(tier))

    def _before_liquidation_s(self, at: datetime | None) -> float | None:
        return None if at is None or self.liquidated_at is None else (self.liquidated_at - at).total_seconds()


def as_json(report: ReplayReport) -> str:
    """One object with unrounded numbers, null for what did not happen."""
    return json.dumps(
        {
            "first_at": {tier.name: _iso(report.first_at.get(tier)) for tier in WARNINGS},
            "liquidated_at": _iso(report.liquidated_at),
            "lead_s": {tier.name: report.lead_s(tier) for tier in WARNINGS},
            "false_alarms_per_30d": report.false_alarms_per_30d,
            "messages": report.messages,
        }
    )


def as_text(report: ReplayReport) -> str:
    """A few lines and a table."""
    recording, ended = report.recording, report.liquidated_at
    first, last = recording.at(0), recording.at(report.played - 1)
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    if ended is None:
        header = ("tier", "first at")
        rows = [(tier.name, _when(report.first_at.get(tier))) for tier in WARNINGS]
        ending = "It was not liquidated."
    else:
        header = ("tier", "first at", "lead", "in the last fall at", "lead")
        rows = [
            (
                tier.name, _when(report.first_at.get(tier)), age(report.lead_s(tier)),
                _when(report.standing_at.get(tier)), age(report.last_lead_s(tier)),
            )
            for tier in WARNINGS
        ]  # fmt: skip
        ending = f"Liquidated at {day_and_moment(ended)}."
    return "\n".join(
        [
            *_book_lines(recording),
            f"{day_and_moment(first)} to {day_and_moment(last)}, {report.played:,} prices",
            "",
            *table_lines(Table(header=header, rows=tuple(rows)), columns=_COLUMNS),
            "",
            ending,
            f"Alarms of HIGH or worse: {report.alarms.rung:,}, of which false {report.alarms.false:,}"
            f" ({report.false_alarms_per_30d:.2f} in 30 days).",
            f"Messages to one person who answers none: {report.messages:,}.",
        ]
    )


def chart(report: ReplayReport) -> bytes:
    """Health ratio over the time watched, with the bands of the tiers, as PNG."""
    from bot.charts import health_chart  # brings matplotlib

    recording = report.recording
    times = [recording.at(number) for number in range(report.played)]
    return health_chart(times, recording.ratio_percent[: report.played], report.thresholds, account="replay")


def _book_lines(recording: Recording) -> list[str]:
    lines = [f"{numbers.usd(recording.book.collateral_usd)} collateral"]
    for position, size, entry in zip(
        recording.book.positions, recording.sizes_base, recording.entry_prices_usd, strict=True
    ):
        lines.append(
            f"{name(position.market)} {position.side.value} {numbers.size(abs(size))} at {numbers.price(entry)},"
            f" {numbers.multiple(abs(size) * entry / recording.book.collateral_usd)}"
        )
    return lines


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _when(at: datetime | None) -> str:
    return "-" if at is None else day_and_moment(at)
