"""What a replay found: as JSON, as text for a terminal, and as a picture."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.charts import Stretch, Theme, told_chart
from bot.messages import Table
from bot.replaying.alarms import Alarms
from bot.replaying.timeline import timeline
from bot.text import numbers
from bot.text.ages import age, day_and_moment
from bot.text.clean import name
from bot.text.provenance import SEPARATOR
from bot.text.tables import lines as table_lines
from risk.decisions.incidents import severity
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
        first_at: When somebody was first warned at each tier or a worse one, liquidation aside; tiers that were never
            reached are absent.
        standing_at: The same since the account was last OK: the incident that stands at the end.
        told: The tier that stood, from when on; the first at the first moment.
        messages: What one person who answers none of them would have received, repeats included.
        alerts_sha256: Of all these messages, word for word with their times: the same bars give the same.
    """

    recording: Recording
    played: int
    thresholds: TierThresholds
    first_at: Mapping[Tier, datetime]
    standing_at: Mapping[Tier, datetime]
    alarms: Alarms
    told: tuple[tuple[datetime, Tier], ...]
    messages: int
    alerts_sha256: str

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

    @property
    def page_lead_s(self) -> float | None:
        """From the page that still stood at liquidation, HIGH or worse, to it; None without either, or without time."""
        if self.liquidated_at is None:
            return None
        since: datetime | None = None
        for at, tier in self.told:
            if severity(tier) < severity(Tier.HIGH):
                since = None
            elif since is None:
                since = at
        return self._before_liquidation_s(since) or None

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
        paged = "No page stood." if report.page_lead_s is None else f"A page had stood for {age(report.page_lead_s)}."
        ending = f"Liquidated at {day_and_moment(ended)}. {paged}"
    return "\n".join(
        [
            *_book_lines(recording),
            f"{day_and_moment(first)} to {day_and_moment(last)}, {report.played:,} prices",
            *_unpriced_lines(recording),
            "",
            *table_lines(Table(header=header, rows=tuple(rows)), columns=_COLUMNS),
            "",
            *timeline(report.told, report.recording.at(report.played - 1), columns=_COLUMNS),
            "",
            ending,
            f"Alarms of HIGH or worse: {report.alarms.rung:,}, of which false {report.alarms.false:,}"
            f" ({report.false_alarms_per_30d:.2f} in 30 days).",
            f"Messages to one person who answers none: {report.messages:,}.",
        ]
    )


def chart(report: ReplayReport, *, theme: Theme = Theme.DARK, name: str = "") -> bytes:
    """Room to liquidation over the time watched, on the colours of the tiers that were told, as PNG."""
    recording = report.recording
    times = [recording.at(number) for number in range(report.played)]
    ends = [*(at for at, _ in report.told[1:]), times[-1]]
    return told_chart(
        times,
        recording.room_frac[: report.played],
        [
            Stretch(start_s=at.timestamp(), end_s=end.timestamp(), tier=tier)
            for (at, tier), end in zip(report.told, ends, strict=True)
        ],
        title=title(report),
        subtitle=SEPARATOR.join(
            part for part in (name, _alarms_in_short(report), "room in % of position value") if part
        ),
        ended=report.liquidated_at is not None,
        theme=theme,
    )


def title(report: ReplayReport) -> str:
    """The answer in one sentence."""
    if report.liquidated_at is None:
        worst = max((tier for tier in report.first_at if tier.known), key=lambda tier: tier.value, default=Tier.OK)
        return f"Not liquidated in {age(report.days * _A_DAY_S)}; {worst.name} at worst"
    if report.page_lead_s is None:
        return f"Liquidated {day_and_moment(report.liquidated_at)}, no page stood"
    return f"Liquidated {day_and_moment(report.liquidated_at)}, paged {age(report.page_lead_s)} before"


def _alarms_in_short(report: ReplayReport) -> str:
    return f"{report.alarms.rung:,} {'alarm' if report.alarms.rung == 1 else 'alarms'}, {report.alarms.false:,} false"


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


def _unpriced_lines(recording: Recording) -> list[str]:
    """That the recordings begin earlier than the replay, where they do."""
    began = datetime.fromtimestamp(recording.ticks.recorded_from_s, UTC)
    if began >= recording.at(0):
        return []
    return [f"UNKNOWN from {day_and_moment(began)} on: no book opens without a price, so it begins at the first."]


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _when(at: datetime | None) -> str:
    return "-" if at is None else day_and_moment(at)
