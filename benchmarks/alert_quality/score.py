"""What many outcomes say of one set of thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.alert_quality.cases import A_DAY_S, WATCHED_DAYS, Case
from benchmarks.alert_quality.outcome import Outcome
from bot.replaying.alarms import Alarms
from risk.decisions.tiers import Tier

TIME_TO_ACT_S = 15 * 60
JUMP_FRAC = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Figures of one part of the data under one set of thresholds; a share is NaN where there is nothing to share.

    Attributes:
        liquidated: Cases that ended so; ``avoidable`` are those among them that somebody could have known of.
        paged: Share of all liquidations with a page that stood for 15 minutes and more when they came.
        paged_avoidable: The same of the avoidable ones; likewise ``critical_avoidable`` for a CRITICAL page.
        lead_s: Quantiles .05, .25 and .5 of the lead of the page, over the avoidable liquidations.
        false_per_30d: Alarms of HIGH or worse that were false, in 30 days of watching.
        false_critical_per_quarter: False CRITICAL alarms in 91 days of watching.
        false_critical_per_account: The same for one account: until the quarter or the account is over.
        more_than_one: Share of accounts with two false CRITICAL alarms or more.
        high_share: Share of the time watched in HIGH or worse; likewise ``critical_share``.
    """

    cases: int
    liquidated: int
    avoidable: int
    paged: float
    paged_avoidable: float
    critical_avoidable: float
    lead_s: tuple[float, float, float]
    false_per_30d: float
    false_critical_per_quarter: float
    false_critical_per_account: float
    more_than_one: float
    high_share: float
    critical_share: float


def avoidable(case: Case, outcome: Outcome) -> bool:
    """Whether a person could have done something about a liquidation.

    Somebody looked at the open account at least 15 minutes before, the look at which it was opened aside; and at the
    last look before, liquidation was no further than 10 % away: what falls further within one step of the recording
    leaves nobody a price to act at, in that recording.
    """
    return (
        outcome.liquidated_s is not None
        and case.opened_s < outcome.last_look_s <= outcome.liquidated_s - TIME_TO_ACT_S
        and outcome.last_reach_frac <= JUMP_FRAC
    )


def score(cases: Sequence[Case], outcomes: Sequence[Outcome]) -> Score:
    """Figures of these cases."""
    pairs = list(zip(cases, outcomes, strict=True))
    ended = [outcome for _, outcome in pairs if outcome.liquidated_s is not None]
    foreseen = [outcome for case, outcome in pairs if avoidable(case, outcome)]
    leads = [outcome.lead_s(Tier.HIGH) for outcome in foreseen]
    watched_s = sum(outcome.watched_s for outcome in outcomes)
    false = np.array([outcome.alarms[Tier.CRITICAL].false for outcome in outcomes])
    return Score(
        cases=len(pairs),
        liquidated=len(ended),
        avoidable=len(foreseen),
        paged=_in_time(ended, Tier.HIGH),
        paged_avoidable=_in_time(foreseen, Tier.HIGH),
        critical_avoidable=_in_time(foreseen, Tier.CRITICAL),
        lead_s=_quantiles(leads),
        false_per_30d=_rate([one.alarms[Tier.HIGH] for one in outcomes], watched_s, 30),
        false_critical_per_quarter=_rate([one.alarms[Tier.CRITICAL] for one in outcomes], watched_s, WATCHED_DAYS),
        false_critical_per_account=float(false.mean()) if false.size else float("nan"),
        more_than_one=float((false > 1).mean()) if false.size else float("nan"),
        high_share=sum(one.standing_s[Tier.HIGH] for one in outcomes) / watched_s if watched_s else float("nan"),
        critical_share=sum(one.standing_s[Tier.CRITICAL] for one in outcomes) / watched_s
        if watched_s
        else float("nan"),
    )


def _in_time(outcomes: Sequence[Outcome], tier: Tier) -> float:
    if not outcomes:
        return float("nan")
    return sum(outcome.lead_s(tier) >= TIME_TO_ACT_S for outcome in outcomes) / len(outcomes)


def _rate(alarms: Sequence[Alarms], watched_s: float, days: int) -> float:
    return sum(one.false for one in alarms) / watched_s * A_DAY_S * days if watched_s else float("nan")


def _quantiles(values: Sequence[float]) -> tuple[float, float, float]:
    if not values:
        return (float("nan"),) * 3
    low, quarter, middle = np.quantile(values, [0.05, 0.25, 0.5], method="lower").tolist()
    return low, quarter, middle
