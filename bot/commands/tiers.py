"""/tiers: where each tier of an account begins. A change is shown first and made by Confirm."""

import math
from collections.abc import Mapping
from dataclasses import replace

from bot.commands import cards
from bot.commands.common import account_of, origin, reply, require_named, require_role
from bot.commands.spec import Command, Denied, PressReply, PressRequest, Request, Services, Usage
from bot.messages import Button, Line, Message
from bot.roster import Watched
from bot.text import numbers
from bot.text.clean import name
from bot.text.tables import fit
from bot.text.typed import number_typed
from risk.decisions.tiers import LADDER, Tier, TierThresholds
from storage import Role

CONFIRM, CANCEL = "tier", "tier-no"
_RATIO, _DISTANCE, _MOVES = "r", "d", "m"
_BY_WORD = {"distance": _DISTANCE, "moves": _MOVES}
_OFF = "off"


async def run(services: Services, request: Request) -> Message:
    watched, rest = account_of(services, request.args)
    if not rest:
        return _show(services, watched)
    if len(rest) not in (2, 3) or (len(rest) == 3 and rest[1].lower() not in _BY_WORD):
        raise Usage("To change a tier give its name and a health ratio, such as critical 130.")
    if request.person is None or not request.person.access.may(Role.ADMIN, watched.account_id):
        raise Denied("Only an admin may change tiers.")
    measure = _BY_WORD[rest[1].lower()] if len(rest) == 3 else _RATIO
    tier, value = _tier(rest[0]), _value(rest[-1], measure)
    card = _card(services, watched, measure, tier, value)
    require_named(services, request.args, rest)
    return card


def _tier(text: str) -> Tier:
    found = [tier for tier in LADDER if tier.name == text.upper()]
    if not found:
        raise Usage(f"No tier is called {name(text)}. Tiers: {', '.join(tier.name for tier in LADDER)}.")
    return found[0]


def _value(text: str, measure: str) -> float | None:
    """A threshold in percent, as a fraction for distances, or in daily moves; None switches either of these off."""
    if measure != _RATIO and text.lower() == _OFF:
        return None
    number = number_typed(text.removesuffix("%").replace(",", ""))
    if number is None or number <= 0:
        raise Usage(f"{name(text)} is not a positive number.")
    if measure == _DISTANCE and number >= 100:
        raise Usage("A distance to liquidation lies below 100%.")
    return float(f"{number / 100 if measure == _DISTANCE else number:.6g}")


def _ladder(thresholds: TierThresholds, measure: str) -> Mapping[Tier, float]:
    if measure == _MOVES:
        return thresholds.distance_sigmas
    return thresholds.distance_frac if measure == _DISTANCE else thresholds.ratio_percent


def _changed(thresholds: TierThresholds, measure: str, tier: Tier, value: float | None) -> TierThresholds:
    """Raises: ValueError when the ladder would not fall any more."""
    ladder = {step: at for step, at in _ladder(thresholds, measure).items() if step is not tier}
    if value is not None:
        ladder[tier] = value
    ordered = {step: ladder[step] for step in LADDER if step in ladder}
    if measure == _DISTANCE:
        return replace(thresholds, distance_frac=ordered)
    if measure == _MOVES:
        return replace(thresholds, distance_sigmas=ordered)
    return replace(thresholds, ratio_percent=ordered)


def _card(services: Services, watched: Watched, measure: str, tier: Tier, value: float | None) -> Message:
    try:
        _changed(watched.thresholds, measure, tier, value)
    except ValueError as exc:
        raise Usage(f"{exc}.") from exc
    old = _ladder(watched.thresholds, measure).get(tier)
    data = (
        f"{CONFIRM}:{cards.mark(watched)}:{measure}:{tier.name}"
        f":{_written(value)}:{_written(old)}:{cards.expiry(services.clock.now())}"
    )
    return Message(
        blocks=(
            Line(f"{watched.nickname}: {_sentence(measure, tier, value)}?", strong=True),
            Line(f"It is {_shown(measure, old)} now. {cards.HOLDS}"),
            origin(services, watched.nickname),
        ),
        buttons=((Button("Confirm", data), Button("Cancel", CANCEL)),),
    )


def _written(value: float | None) -> str:
    return _OFF if value is None else repr(value)


def _read(text: str) -> float | None:
    return None if text == _OFF else float(text)


def _shown(measure: str, value: float | None) -> str:
    if value is None:
        return _OFF
    if measure == _MOVES:
        return f"{numbers.daily_moves(value)} daily moves"
    return numbers.percent_of_fraction(value) if measure == _DISTANCE else numbers.health_ratio(value)


def _sentence(measure: str, tier: Tier, value: float | None) -> str:
    if measure == _MOVES:
        if value is None:
            return f"{tier.name} no longer looks at daily moves"
        return f"{tier.name} below {_shown(measure, value)} to liquidation"
    what = "distance to liquidation" if measure == _DISTANCE else "health ratio"
    if value is None:
        return f"{tier.name} no longer looks at the {what}"
    return f"{tier.name} below a {what} of {_shown(measure, value)}"


async def confirm(services: Services, press: PressRequest) -> PressReply:
    mark, measure, tier_name, value, old, expires = press.args
    watched, tier = cards.marked(services.roster, mark), Tier[tier_name]
    if watched is None:
        return cards.over("This account is not watched any more. Nothing was changed.")
    require_role(press.person, Role.ADMIN, watched)
    if measure not in (_RATIO, _DISTANCE, _MOVES):
        raise ValueError("no such measure")
    if cards.expired(expires, services.clock.now()):
        return cards.over("This card has expired. Nothing was changed; ask again with /tiers.")
    if _ladder(watched.thresholds, measure).get(tier) != _read(old):
        return cards.over(f"{tier.name} was changed meanwhile. Nothing was changed by this card; look at /tiers.")
    thresholds = _changed(watched.thresholds, measure, tier, _read(value))
    await services.accounts.save_thresholds(watched.account_id, thresholds)
    services.roster.change(replace(watched, thresholds=thresholds))
    done = Line(f"{watched.nickname}: {_sentence(measure, tier, _read(value))} now", strong=True)
    was = Line(f"Was {_shown(measure, _read(old))}. {cards.confirmed_by(press)} The next check uses it.")
    return PressReply(notice="Changed", replace=Message(blocks=(done, was, origin(services, watched.nickname))))


def _show(services: Services, watched: Watched) -> Message:
    thresholds, now = watched.thresholds, services.watch.tier(watched.account_id).tier
    rows = [
        (tier.name, _shown(_RATIO, thresholds.ratio_percent.get(tier)), _moves(thresholds.distance_sigmas.get(tier)),
         _shown(_DISTANCE, thresholds.distance_frac.get(tier)))
        for tier in LADDER
    ]  # fmt: skip
    sigmas = services.watch.nearness(watched.account_id)
    near = [Line(f"Now {_shown(_MOVES, sigmas)} to liquidation.")] if math.isfinite(sigmas) else []
    return reply(
        services, watched, Line(f"{watched.nickname}: {now.name} now", strong=True), *near,
        Line("A tier begins below any of:"), fit(rows, header=("tier", "ratio", "moves", "distance")),
        Line(
            "It is left where the milder one begins, after"
            f" {thresholds.ease_dwell.total_seconds():.0f} s. Moves: how far the book may go in a day."
        ),
        Line("Change: /tiers critical 130, /tiers critical moves 0.5, /tiers critical distance 5%, or off."),
    )  # fmt: skip


def _moves(value: float | None) -> str:
    return _OFF if value is None else numbers.daily_moves(value)


COMMAND = Command(
    name="tiers",
    usage="/tiers [account] [TIER [moves|distance] VALUE]",
    summary="where tiers begin, or change one",
    run=run,
    presses={CONFIRM: confirm, CANCEL: cards.cancel},
    press_role=Role.ADMIN,
    per_account=True,
)
