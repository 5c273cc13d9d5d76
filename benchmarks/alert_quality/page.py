"""docs/alert-quality.md, from the results."""

import math
from collections.abc import Iterable, Sequence
from datetime import date

from benchmarks.alert_quality.cases import LEVERAGES, WATCHED_DAYS, Kind, moment
from benchmarks.alert_quality.score import JUMP_FRAC, Score
from benchmarks.alert_quality.study import (
    CRASH_ONLY,
    FALLS,
    SEED,
    TRAIN,
    Effort,
    Fall,
    Loss,
    Scored,
    Scores,
    Study,
)
from risk.decisions.nearness import CLOSEST_CORRELATION, LOOSEST_CORRELATION
from risk.decisions.tiers import LADDER, Tier, TierThresholds
from risk.decisions.volatility import HALF_LIVES_S, LEAST_FRAC, PRIOR_FRAC, PRIOR_WEIGHT_S

_HOUR_S, _DAY_S = 3_600.0, 86_400.0
_LOSSES_SHOWN = 24
_COMMAND = "python -m benchmarks.alert_quality --material DIR"


def page(study: Study, effort: Effort, made_on: date) -> str:
    """The whole page as Markdown."""
    blocks = [
        "# Would it have warned in time, and how often for nothing?",
        _made(effort, made_on),
        _answer(study),
        _thresholds(TierThresholds()),
        "## Two years, held-out data, and the falls before",
        *_parts(study),
        "## The trade-off",
        *_trade_off(study),
        "## The crash of 10 October 2025, book by book",
        *_crash(study),
        "## The losers",
        *_losers(study),
        "## How it was done",
        *_method(study, effort),
    ]
    return "\n\n".join(blocks) + "\n"


def _made(effort: Effort, made_on: date) -> str:
    return (
        f"Written by `{_COMMAND}` on {made_on.isoformat()}; `DIR/data/prices` holds the bars, which are not part of "
        f"the project. Seed {SEED}; the same bars make the same page. A book is opened every {effort.every_days} days."
    )


def _answer(study: Study) -> str:
    hourly = [one for one in study.scores if one.part is not FALLS]
    held_out = [one for one in hourly if one.part is not TRAIN]
    worst = min(one.chosen.paged_avoidable for one in held_out)
    all_ = min(one.chosen.paged for one in held_out)
    ratio = min(one.ratio_alone.paged_avoidable for one in held_out)
    return (
        "**In data the choice has not seen, a page stood 15 minutes before the liquidation in "
        f"{_share(worst)} or more of the avoidable cases** (by the health ratio alone, as it was before: "
        f"{_share(ratio)}), and in {_share(all_)} or more of all cases, jumps that nobody could have seen coming "
        "included. **False CRITICAL alarms: "
        f"{max(one.chosen.false_critical_per_quarter for one in held_out):.2f} per account and quarter**, averaged "
        "over the worst part of the data. What follows says what these words mean, what was given up for it, and who "
        "was not warned."
    )


def _thresholds(chosen: TierThresholds) -> str:
    rows = [
        (tier.name, _below(chosen.ratio_percent.get(tier), "%"), _below(chosen.distance_sigmas.get(tier), ""))
        for tier in LADDER
    ]
    return "\n\n".join(
        [
            "## What was chosen",
            "A tier begins when either measure is below its threshold. It is left where the next milder one begins, "
            f"and stays so for {chosen.ease_dwell.total_seconds():.0f} seconds. Up to HIGH it is also left where both "
            f"measures have been {100 * chosen.ease_margin_frac:g} % beyond its own thresholds for "
            f"{chosen.calm_dwell.total_seconds() / 3_600:.0f} hours, so that it does not stand for ever in a "
            "market that lies still. 100 % is liquidation.",
            _table(("tier", "health ratio", "daily moves to liquidation"), rows),
            "A **daily move** is the standard deviation of what the book's margin excess changes in a day, at today's "
            "positions: the larger of two exponential averages of hourly ranges, with half-lives of "
            f"{HALF_LIVES_S[0] / _HOUR_S:g} hours and {HALF_LIVES_S[1] / _DAY_S:g} days, never below "
            f"{100 * LEAST_FRAC:g} % of a price, {100 * PRIOR_FRAC:g} % with the weight of {PRIOR_WEIGHT_S / _DAY_S:g} "
            "days before there is history, and not counted in the first hour. Markets are taken to move together with "
            f"a correlation of {LOOSEST_CORRELATION:g} or {CLOSEST_CORRELATION:g}, whichever is worse for the book. "
            "`risk/decisions/volatility.py` and `nearness.py` are the whole of it.",
            "A single number was chosen, where HIGH begins: the others keep its shape (7/3, 5/3 and 1/4 of it), and "
            "the ratios stay what they were, for accounts whose markets hardly move.",
        ]
    )


def _parts(study: Study) -> list[str]:
    header = ("data", "books", "liquidated", "avoidable", "paged: avoidable", "all", "CRITICAL: avoidable",
              "false alarms / 30 d", "false CRITICAL / quarter", "accounts with 2+", "time in HIGH+")  # fmt: skip
    rows = [
        row
        for one in study.scores
        for row in (_part_row(one, one.chosen, ""), _part_row(one, one.ratio_alone, ", ratio alone"))
    ]
    leverages = [(f"{leverage:g}x", *_figures(score)) for leverage, score in study.by_leverage]
    return [
        "Paged: HIGH or worse stood 15 minutes or more when liquidation came, without a break. Avoidable: somebody "
        "could have looked at the open account 15 minutes before, and was at the last look no further than "
        f"{100 * JUMP_FRAC:g} % from liquidation. False: the alarm ended and no price had come within half its "
        "distance. An account is watched for a quarter or until it is liquidated; rates are per time watched, so "
        "accounts that die early weigh little.",
        _table(header, rows),
        f'"{TRAIN.name}" is what the choice was made on: {", ".join(TRAIN.assets)} from {TRAIN.since:%Y-%m-%d}. '
        '"other assets" are the same two years of four others, "earlier" all of them before. The falls of 2021 and '
        "2022 (May 2021, LUNA, FTX) are there as daily bars only: four prices a day, so a look every eight hours, "
        "and most of what they show is that eight hours are too long.",
        "By leverage, one market, all hourly data together:",
        _table(("leverage", *header[1:]), leverages),
        "A book of 10x is hardly ever further than two daily moves from its end. It is HIGH from the start, and "
        "rightly: most of them were liquidated within the quarter.",
    ]


def _part_row(one: Scores, score: Score, suffix: str) -> tuple[str, ...]:
    return (f"{one.part.name}, {one.kind}{suffix}", *_figures(score))


def _figures(score: Score) -> tuple[str, ...]:
    return (
        f"{score.cases:,}", f"{score.liquidated:,}", f"{score.avoidable:,}", _share(score.paged_avoidable),
        _share(score.paged), _share(score.critical_avoidable), f"{score.false_per_30d:.2f}",
        f"{score.false_critical_per_quarter:.2f}", _share(score.more_than_one), _share(score.high_share),
    )  # fmt: skip


def _trade_off(study: Study) -> list[str]:
    header = ("family", "HIGH at", "paged: all", "avoidable", "lead: 5 %", "25 %", "half", "false alarms / 30 d",
              "false CRITICAL / quarter", "time in HIGH+")  # fmt: skip
    rows = [_curve_row(scored) for curve in study.curves for scored in curve]
    return [
        "![What is paged in time, and how long before, against the time accounts stand in HIGH]"
        "(pictures/alert-quality.png)",
        "Earlier pages cost attention: accounts stand in HIGH for more of the time, and what stands all the time says "
        f"nothing. Each family below is one number, where HIGH begins, with the shape of the rest kept ({TRAIN.name}; "
        "one market). The lead is how long the page had stood, over the avoidable liquidations: 5 % and 25 % of them "
        "had less, half had less.",
        _table(header, rows),
        "At equal time in HIGH, daily moves page more of the liquidations than a ratio or a distance, because "
        "liquidation comes nearer while a market is shaken. That costs false alarms, when the market calms down. The "
        "same family in the data the choice has not seen:",
        _table(header, [_curve_row(scored) for scored in study.held_out]),
        "Three was taken, and not less, because the next crash need not resemble this one: it pages about 99 % of all "
        "liquidations, those from a jump included, and every avoidable one of one market. More costs time in HIGH and "
        "gains nothing that can be told from chance.",
        "Leaving a tier where the milder one begins is what keeps false alarms rare. CRITICAL alone, left five percent "
        f"past its threshold, would have been false {study.critical_alone.false_critical_per_quarter:.1f} times per "
        "account and quarter, against "
        f"{study.on_curve[0][1].false_critical_per_quarter:.2f}: a price that hovers crosses any single line again and "
        "again.",
        "Daily moves count once prices have been watched for an hour. Until then there is an assumption and little "
        "else; to wait longer would leave unwarned whose end comes early (all hourly data, one market):",
        _table(
            ("daily moves count after", "paged: avoidable", "all", "CRITICAL: avoidable", "false alarms / 30 d"),
            [
                (
                    "at once" if not wait_s else _hours(wait_s),
                    _share(score.paged_avoidable),
                    _share(score.paged),
                    _share(score.critical_avoidable),
                    f"{score.false_per_30d:.2f}",
                )
                for wait_s, score in study.waits
            ],
        ),
    ]


def _curve_row(scored: Scored) -> tuple[str, ...]:
    choice, score = scored
    leads = tuple(_hours(lead_s) for lead_s in score.lead_s)
    return (
        choice.family, choice.high, _share(score.paged), _share(score.paged_avoidable), *leads,
        f"{score.false_per_30d:.2f}", f"{score.false_critical_per_quarter:.2f}", _share(score.high_share),
    )  # fmt: skip


def _crash(study: Study) -> list[str]:
    longs = [fall for fall in study.falls if fall.case.kind is Kind.LONG]
    shorts = [fall for fall in study.falls if fall.case.kind is Kind.SHORT]
    gone = [fall for fall in shorts if fall.outcome.liquidated_s is not None]
    ended = [fall for fall in longs if fall.outcome.liquidated_s is not None]
    warned = sum(fall.outcome.lead_s(Tier.HIGH) >= 900 for fall in ended)
    return [
        f"Opened on 3 October at 00:00 UTC, left alone, watched for ten days. {len(ended)} of {len(longs)} longs were "
        f"liquidated, {warned} of those with a page that had stood 15 minutes or more. Prices are perp trades of "
        f"Binance ({' and '.join(CRASH_ONLY)}: as published by others), wicks included; Drift liquidates on its "
        "oracle, which need not have gone so far.",
        _table(
            ("book", "HIGH, standing since", "before the end", "CRITICAL", "liquidated", "away at the look before"),
            [_fall_row(fall) for fall in ended],
        ),
        f"Not liquidated: {', '.join(fall.case.name for fall in longs if fall.outcome.liquidated_s is None)}. Of "
        f"{len(shorts)} shorts of the same sizes {len(gone)} were: "
        + "; ".join(f"{fall.case.name} at {moment(fall.outcome.liquidated_s or 0)}" for fall in gone)
        + ".",
    ]  # fmt: skip


def _fall_row(fall: Fall) -> tuple[str, ...]:
    found = fall.outcome
    since = found.page_s[Tier.HIGH]
    return (
        fall.case.name,
        "-" if since is None or not found.lead_s(Tier.HIGH) else moment(since),
        _hours(found.lead_s(Tier.HIGH)),
        _hours(found.lead_s(Tier.CRITICAL)),
        moment(found.liquidated_s or 0.0),
        _share(found.last_reach_frac),
    )


def _losers(study: Study) -> list[str]:
    total = sum(loss.cases for loss in study.losses)
    shown = study.losses[:_LOSSES_SHOWN]
    rest = total - sum(loss.cases for loss in shown)
    return [
        f"{total:,} liquidations in all the hourly data had no page 15 minutes before. By moment and market:",
        _table(("liquidated", "market", "side", "books", "leverage", "away at the look before", "avoidable"),
               [_loss_row(loss) for loss in shown]),
        (f"And {rest:,} more. " if rest > 0 else "")
        + "Nearly all are one step of the recording in which a price fell or rose by more than anything before it had "
        "made likely. A stream of prices would have shown what lies within such a step; hourly bars cannot, so whether "
        "there was time to act is not known.",
    ]  # fmt: skip


def _loss_row(loss: Loss) -> tuple[str, ...]:
    low, high = loss.leverages[0], loss.leverages[-1]
    return (
        loss.at, loss.asset, loss.kind.value, f"{loss.cases:,}",
        f"{low:g}x" if low == high else f"{low:g}x to {high:g}x", _share(loss.reach_frac),
        "yes" if loss.avoidable else "no",
    )  # fmt: skip


def _method(study: Study, effort: Effort) -> list[str]:
    agreed = study.agreement
    differ = f"; these differ: {', '.join(agreed.differ)}" if agreed.differ else ""
    leverages = ", ".join(f"{leverage:g}" for leverage in LEVERAGES)
    return [
        f"- **Books**: every asset, long and short, at {leverages} times the collateral, opened every "
        f"{effort.every_days} days at midnight UTC and left alone for {WATCHED_DAYS} days; and {effort.of_each} books "
        "each of three markets alike, of a long against a short, and of two against one, drawn at random for every "
        "part. 5 % maintenance everywhere. Each begins without any history of prices, as `keel replay` does.",
        "- **Prices**: each bar plays open, low, high, close (shorts: high before low) at 0, 1/3, 2/3 and 1 of its "
        "length: a look every 20 minutes. Between looks nothing is known, so a lead is known to 20 minutes, and five "
        "minutes to react cannot be told from fifteen.",
        "- **Decisions**: the functions of the bot, `risk/decisions/tiers.py`, `volatility.py`, `nearness.py`, over "
        f"margin in closed form. {agreed.played - len(agreed.differ)} of {agreed.played} books, the crash among them, "
        "played once more through the whole application by the code of `keel replay`, had every tier at the same "
        f"moment, the same end, and the same alarms{differ}.",
        "- **What it cannot show**: fees, funding and interest are left out. A perp's trades are not an oracle. Nobody "
        "adds margin or reduces, so accounts that drift toward their end stay there. Crashes hit all assets at once: "
        "thousands of books are far fewer independent falls, and two years hold perhaps a dozen. Four assets of eight "
        "and fifteen months were held out, but the same crash is in both halves.",
    ]  # fmt: skip


def _below(value: float | None, unit: str) -> str:
    return "-" if value is None else f"below {value:g}{' ' if unit else ''}{unit}"


def _share(value: float) -> str:
    """In percent, rounded down, so that 99.97 never reads as 100."""
    return "-" if math.isnan(value) else f"{math.floor(value * 1_000 + 1e-9) / 10:.1f} %"


def _hours(seconds: float) -> str:
    if math.isnan(seconds):
        return "-"
    if not seconds:
        return "none"
    return f"{seconds / 60:.0f} min" if seconds < _HOUR_S else f"{seconds / _HOUR_S:.1f} h"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    every = [tuple(header), *map(tuple, rows)]
    widths = [max(len(row[column]) for row in every) for column in range(len(header))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in every
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
