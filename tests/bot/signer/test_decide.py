"""The table of decisions: each row one reason to sign or not to."""

import hashlib
import re
from dataclasses import dataclass, replace
from types import MappingProxyType

import pytest

from bot.signer import decide
from bot.signer.decide import Fresh, Raise
from bot.signer.intent import Given, Intent, IntentSide, IntentStyle, Refusal, RefusalCode, SigningVenue
from bot.signer.rules import Rules
from bot.signer.state import DAY_S, Day, Leg, State, Used
from tests.bot.signer.asking import (
    ACCOUNT,
    BTC,
    NOW_S,
    ORACLE,
    OWNER,
    REMAINING,
    SIGNER_KEY,
    SOL,
    changing,
    make_intent,
    make_market,
    make_order,
    make_rules,
    make_stop,
    on_chain,
)
from tests.support import addresses

TODAY = NOW_S // DAY_S
GRAMMAR, CAP, FENCED, TWICE = RefusalCode.GRAMMAR, RefusalCode.CAP, RefusalCode.FENCED, RefusalCode.TWICE
BUY = IntentSide.BUY
USD, ONE = 10**6, 10**9
LIMIT, POST_ONLY, TRIGGER_LIMIT = IntentStyle.LIMIT, IntentStyle.POST_ONLY, IntentStyle.TRIGGER_LIMIT
OPEN = make_rules(reduce_only=False)


def fresh(intent: Intent, rules: Rules | None = None, state: State | None = None) -> Fresh | Given | Refusal:
    return decide.sign(state or State(), intent, rules or make_rules(), SIGNER_KEY, now_s=NOW_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    why: str
    intent: Intent
    rules: Rules | None = None
    state: State | None = None


def day(**used: object) -> State:
    return State(seen_s=NOW_S, today=replace(Day(number=TODAY), **used))  # type: ignore[arg-type]  # names are the test's


def former(**changes: object) -> State:
    """The leg of make_intent() was signed 200 s ago and could land until height 900."""
    leg = Leg(
        proposal="P1", leg=1, revision=1, digest="other", signature=b"s" * 64, valid_until=900, signed_at_s=NOW_S - 200
    )
    leg = replace(leg, **changes)  # type: ignore[arg-type]  # likewise
    return State(epoch=NOW_S, legs=MappingProxyType({(leg.proposal, leg.leg): leg}))


NO_STOPS = make_rules(stops_without_limit=False)
STOP_LIMIT = make_stop(style=TRIGGER_LIMIT, limit_raw_1e6=110 * USD)
SIGNED = (
    Case(why="sells at once", intent=make_intent()),
    Case(why="buys at once", intent=make_intent(make_order(side=BUY, limit_raw_1e6=160 * USD))),
    Case(why="rests", intent=make_intent(make_order(style=LIMIT))),
    Case(why="only makes", intent=make_intent(make_order(style=POST_ONLY))),
    Case(why="a stop without end", intent=make_intent(make_stop())),
    Case(why="a stop with a limit where others are not allowed", intent=make_intent(STOP_LIMIT), rules=NO_STOPS),
    Case(why="a stop with an end far off", intent=make_intent(make_stop(expires_at_s=NOW_S + 10**7))),
    Case(why="a stop with a limit", intent=make_intent(STOP_LIMIT)),
    Case(why="cancels alone", intent=make_intent(cancels=(3, 4))),
    Case(why="cancels and places", intent=make_intent(make_order(style=LIMIT), cancels=(3,))),
    Case(why="two legs of one market", intent=make_intent(make_order(), make_stop())),
    Case(why="changes an order", intent=make_intent(modifies=changing())),
    Case(why="opens, as its file allows", intent=make_intent(make_order(reduce_only=False)), rules=OPEN),
    Case(
        why="opens behind a trigger, with an end",
        intent=make_intent(replace(STOP_LIMIT, reduce_only=False, expires_at_s=NOW_S + 600)),
        rules=OPEN,
    ),
    Case(
        why="sells above the band: nobody is hurt by a good price",
        intent=make_intent(make_order(limit_raw_1e6=250 * USD)),
    ),
    Case(why="just within every cap of the day", intent=make_intent(), state=day(usd_raw_1e6=2_720 * USD)),
    Case(
        why="just within the market's day",
        intent=make_intent(),
        state=day(markets=(Used(index=SOL, raw_1e9=13 * ONE),)),
    ),
    Case(why="the last second allowed", intent=make_intent(make_order(expires_at_s=NOW_S + 600))),
    Case(
        why="yesterday's use is over",
        intent=make_intent(),
        state=State(today=Day(number=TODAY - 1, usd_raw_1e6=10**12)),
    ),
    Case(why="the former has expired, long ago", intent=make_intent(), state=former()),
    Case(why="a later revision, likewise", intent=make_intent(revision=2), state=former()),
    Case(why="another leg", intent=make_intent(leg=2), state=former(valid_until=9_999)),
    Case(why="another proposal", intent=make_intent(proposal="P2"), state=former(valid_until=9_999)),
    Case(why="a later process", intent=make_intent(epoch=NOW_S + 5), state=State(epoch=NOW_S)),
    Case(why="on paper", intent=make_intent(venue=SigningVenue.PAPER), rules=make_rules(SigningVenue.PAPER)),
    Case(
        why="cancels on paper",
        intent=make_intent(venue=SigningVenue.PAPER, cancels=(1,)),
        rules=make_rules(SigningVenue.PAPER),
    ),
)


@pytest.mark.parametrize("case", SIGNED, ids=lambda case: case.why)
def test_what_is_signed(case: Case) -> None:
    assert isinstance(fresh(case.intent, case.rules, case.state), Fresh)


@dataclass(frozen=True, slots=True, kw_only=True)
class No(Case):
    code: RefusalCode
    says: str


def no(
    why: str, code: RefusalCode, says: str, intent: Intent, rules: Rules | None = None, state: State | None = None
) -> No:
    return No(why=why, code=code, says=says, intent=intent, rules=rules, state=state)


def order_no(why: str, says: str, **changes: object) -> No:
    return no(why, GRAMMAR, says, make_intent(make_order(**changes), message=b""), OPEN)


def cap_no(why: str, says: str, *, rules: Rules | None = None, **changes: object) -> No:
    return no(why, CAP, says, make_intent(make_order(**changes)), rules)


def behind(*more: str) -> Intent:
    return make_intent(remaining=(*REMAINING, *more))


def changes_in(*remaining: str, index: int = SOL) -> Intent:
    return make_intent(modifies=changing(market_index=index), remaining=remaining)


PERP, SPOT = addresses.perp_market_address, addresses.spot_market_address
REFUSED = (
    no(
        "other bytes",
        GRAMMAR,
        "not what the intent says",
        replace(make_intent(), message=make_intent(leg=2, cancels=[1]).message),
    ),
    no("one byte more", GRAMMAR, "not what", replace(make_intent(), message=make_intent().message + b"\0")),
    no(
        "another size in the bytes",
        GRAMMAR,
        "not what",
        replace(make_intent(make_order(size_raw_1e9=1)), message=make_intent().message),
    ),
    no("no bytes", GRAMMAR, "not what", replace(make_intent(), message=b"")),
    no("another venue", GRAMMAR, "signs for drift alone", make_intent(venue=SigningVenue.PAPER)),
    no(
        "paper with a chain",
        GRAMMAR,
        "no chain",
        replace(make_intent(venue=SigningVenue.PAPER), chain=make_intent().chain),
        make_rules(SigningVenue.PAPER),
    ),
    no("a chain without its chain", GRAMMAR, "blockhash", replace(make_intent(), chain=None)),
    no(
        "another account",
        GRAMMAR,
        "none of the signer's",
        make_intent(account=addresses.user_address(OWNER, 1), sub_account=1),
    ),
    no("another sub-account under its address", GRAMMAR, "none of the signer's", make_intent(sub_account=1)),
    no(
        "another owner under its address",
        GRAMMAR,
        "none of the signer's",
        make_intent(authority=addresses.address("bob")),
    ),
    no("nothing to do", GRAMMAR, "nothing in it", replace(make_intent(), orders=())),
    no("no proposal", GRAMMAR, "has an id", make_intent(proposal="")),
    no("a proposal as long as a book", GRAMMAR, "has an id", make_intent(proposal="x" * 101)),
    no("an end before the beginning", GRAMMAR, "before it began", make_intent(valid_until=999)),
    no("too many orders", GRAMMAR, "32 orders", replace(make_intent(), orders=(make_order(),) * 33)),
    no(
        "more than a transaction holds",
        GRAMMAR,
        "more than one transaction",
        make_intent(*([make_order(style=LIMIT)] * 32)),
    ),
    no("cancels one twice", GRAMMAR, "cancelled twice", make_intent(cancels=(3, 3))),
    no("cancels and changes one", GRAMMAR, "changed again", make_intent(cancels=(7,), modifies=changing())),
    no("an id no order can have", GRAMMAR, "2\\^32", replace(make_intent(), cancels=(2**32,))),
    no(
        "a change into one that takes", GRAMMAR, "filled at once", make_intent(modifies=changing(style=IntentStyle.IOC))
    ),
    order_no("no size", "size above 0", size_raw_1e9=0),
    replace(
        order_no(
            "a size beyond the program's",
            "size above 0",
        ),
        intent=replace(make_intent(), orders=(make_order(size_raw_1e9=2**63),)),
    ),
    order_no("a naked market order", "limit price", limit_raw_1e6=0),
    no("a stop with a limit it has not", GRAMMAR, "limit price", make_intent(make_stop(limit_raw_1e6=1))),
    no("a stop that opens", GRAMMAR, "only reduces", make_intent(make_stop(reduce_only=False)), OPEN),
    no("a stop without its side", GRAMMAR, "a side of it", make_intent(make_stop(triggers_above=None))),
    no("a stop without its price", GRAMMAR, "a side of it", make_intent(make_stop(trigger_raw_1e6=0))),
    order_no("a trigger on an order that has none", "a side of it", trigger_raw_1e6=1, triggers_above=True),
    order_no("without end", "last second", expires_at_s=0),
    no(
        "opens behind a trigger, without end",
        GRAMMAR,
        "last second",
        make_intent(replace(STOP_LIMIT, reduce_only=False)),
        OPEN,
    ),
    no("no blockhash", GRAMMAR, "no key in base58", on_chain(blockhash="0OIl")),
    no("no units", GRAMMAR, "compute units", make_intent(unit_limit=0)),
    no("its payer behind the call", GRAMMAR, "none of them again", behind(str(SIGNER_KEY))),
    no("its account behind the call", GRAMMAR, "none of them again", behind(ACCOUNT)),
    no("its owner behind the call", GRAMMAR, "none of them again", behind(OWNER)),
    no("its statistics behind the call", GRAMMAR, "none of them again", behind(addresses.user_stats_address(OWNER))),
    no("the program behind the call", GRAMMAR, "none of them again", behind(addresses.DRIFT_PROGRAM)),
    no("the system program behind the call", GRAMMAR, "none of them again", behind(addresses.SYSTEM_PROGRAM)),
    no("an account twice behind the call", GRAMMAR, "none of them again", behind(ORACLE)),
    no("a crowd behind the call", GRAMMAR, "at most 64", on_chain(remaining=(ORACLE,) * 65)),
    no("a change that could hit another market", GRAMMAR, "by itself", changes_in(PERP(0), PERP(1), SPOT(0))),
    no("a change under another market's caps", GRAMMAR, "by itself", changes_in(PERP(1), SPOT(0))),
    no("a change that could hit a spot order", GRAMMAR, "by itself", changes_in(PERP(0), SPOT(0), SPOT(3))),
    no("a change without a market", GRAMMAR, "by itself", changes_in(SPOT(0))),
    cap_no("a market that is not in the file", "not in the signer's file", market_index=7),
    cap_no("opens", "and no others", reduce_only=False),
    cap_no("too large for its market", "max_order_base", size_raw_1e9=5 * ONE + 1),
    cap_no("worth too much", "max_order_usd", rules=make_rules(max_order_raw_1e6=280 * USD - 1)),
    cap_no(
        "worth too much at the price it will get",
        "max_order_usd",
        rules=make_rules(max_order_raw_1e6=199 * USD),
        side=BUY,
        limit_raw_1e6=1,
    ),
    cap_no("sells for less than the band", "below price_from_usd", limit_raw_1e6=100 * USD - 1),
    cap_no("buys for more than the band", "above price_to_usd", side=BUY, limit_raw_1e6=200 * USD + 1),
    cap_no("lasts too long", "order_lasts_at_most_s", expires_at_s=NOW_S + 601),
    no("a stop without a limit", CAP, "stops_without_limit", make_intent(make_stop()), NO_STOPS),
    no("a trigger below the band", CAP, "outside price_from", make_intent(make_stop(trigger_raw_1e6=100 * USD - 1))),
    no(
        "a trigger above the band",
        CAP,
        "outside price_from",
        make_intent(make_stop(trigger_raw_1e6=200 * USD + 1, triggers_above=True)),
    ),
    no("a changed order beyond the caps", CAP, "max_order_base", make_intent(modifies=changing(size_raw_1e9=6 * ONE))),
    no("a changed order below the band", CAP, "below", make_intent(modifies=changing(limit_raw_1e6=1))),
    no("too many units", CAP, "max_compute_units", make_intent(unit_limit=1_000_001)),
    no("too dear a unit", CAP, "max_unit_price_micro", make_intent(unit_price_micro=200_001)),
    no("the day's worth is used up", CAP, "daily_usd", make_intent(), state=day(usd_raw_1e6=2_720 * USD + 1)),
    no(
        "the market's day is used up",
        CAP,
        "daily_base",
        make_intent(),
        state=day(markets=(Used(index=SOL, raw_1e9=13 * ONE + 1),)),
    ),
    no("the day's fees are used up", CAP, "daily_fee_lamports", make_intent(), state=day(lamports=1_000_000 - 5_299)),
    no("the day's cancellations are used up", CAP, "daily_cancels", make_intent(cancels=(1, 2)), state=day(cancels=9)),
    no("the day's signatures are used up", CAP, "daily_signatures", make_intent(), state=day(signatures=20)),
    no(
        "a clock that went back opens no day again",
        CAP,
        "daily_usd",
        make_intent(),
        state=State(seen_s=NOW_S + DAY_S, today=Day(number=TODAY + 1, usd_raw_1e6=3_000 * USD)),
    ),
    no(
        "two orders together beyond the day",
        CAP,
        "daily_usd",
        make_intent(*[make_order(size_raw_1e9=5 * ONE)] * 3),
        make_rules(daily_raw_1e6=2_099 * USD),
    ),
    no("a process that was replaced", FENCED, "later process", make_intent(epoch=NOW_S - 1), state=State(epoch=NOW_S)),
    no("an epoch that would shut out all others", GRAMMAR, "unix second", make_intent(epoch=NOW_S + DAY_S + 1)),
    no(
        "the former can still land",
        TWICE,
        "until height 1000",
        make_intent(height=1_000),
        state=former(valid_until=1_000),
    ),
    no("the former was just given", TWICE, "less than 120 s", make_intent(), state=former(signed_at_s=NOW_S - 120)),
    no(
        "the former was given by a clock ahead",
        TWICE,
        "less than 120 s",
        make_intent(),
        state=former(signed_at_s=NOW_S + 500),
    ),
    no(
        "a later revision that cannot hurry either",
        TWICE,
        "until height",
        make_intent(revision=2),
        state=former(valid_until=1_000),
    ),
    no("an earlier revision", TWICE, "later revision", make_intent(revision=1), state=former(revision=2)),
)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.why)
def test_what_is_refused_and_why(case: No) -> None:
    answer = fresh(case.intent, case.rules, case.state)

    assert isinstance(answer, Refusal)
    assert answer.code is case.code, answer.why
    assert re.search(case.says, answer.why), answer.why


def test_the_same_message_again_is_the_same_signature_even_when_nothing_more_may_be_signed() -> None:
    intent = make_intent()
    first = fresh(intent)
    assert isinstance(first, Fresh)
    state = replace(former(digest=first.digest, valid_until=9_999), today=Day(number=TODAY, signatures=20))

    assert fresh(intent, state=state) == Given(signature=b"s" * 64, again=True)


def test_the_same_message_again_is_refused_to_a_process_that_was_replaced() -> None:
    intent = make_intent()
    first = fresh(intent)
    assert isinstance(first, Fresh)
    state = replace(former(digest=first.digest), epoch=NOW_S + 1)

    answer = fresh(intent, state=state)

    assert isinstance(answer, Refusal)
    assert answer.code is FENCED


def test_what_an_order_takes_from_the_day() -> None:
    orders = make_order(), make_stop(size_raw_1e9=10**9), make_order(side=BUY, limit_raw_1e6=90 * USD, style=LIMIT)
    answer = fresh(make_intent(*orders, cancels=(5,)))

    assert isinstance(answer, Fresh)
    assert answer.cost.usd_raw_1e6 == (280 + 120 + 200) * USD  # a low bid counts at the low end of the band
    assert answer.cost.markets == (Used(index=SOL, raw_1e9=5 * ONE),)
    assert answer.cost.lamports == 5_000 + 300
    assert answer.cost.cancels == 1


def test_parts_of_a_dollar_and_of_a_lamport_count_as_whole_ones() -> None:
    answer = fresh(make_intent(make_order(size_raw_1e9=1), unit_limit=1, unit_price_micro=1))

    assert isinstance(answer, Fresh)
    assert (answer.cost.usd_raw_1e6, answer.cost.lamports) == (1, 5_001)


@pytest.mark.parametrize(
    ("kept", "asked", "expected"),
    [
        (0, NOW_S, Raise(epoch=NOW_S, known=False)),
        (NOW_S, NOW_S, Raise(epoch=NOW_S, known=True)),
        (NOW_S, NOW_S + 1, Raise(epoch=NOW_S + 1, known=False)),
        (NOW_S, NOW_S + 300, Raise(epoch=NOW_S + 300, known=False)),
        (NOW_S + 2 * DAY_S, NOW_S + 2 * DAY_S, Raise(epoch=NOW_S + 2 * DAY_S, known=True)),  # the clock was set back
        (NOW_S + DAY_S, NOW_S + DAY_S + 1, Raise(epoch=NOW_S + DAY_S + 1, known=False)),  # and a process began after
        (NOW_S + DAY_S, NOW_S + DAY_S + 2, GRAMMAR),
        (NOW_S, NOW_S - 1, FENCED),
        (NOW_S, NOW_S + 301, GRAMMAR),
        (NOW_S, 2**64 - 1, GRAMMAR),
    ],
)
def test_who_may_ask_from_now_on(kept: int, asked: int, expected: Raise | RefusalCode) -> None:
    answer = decide.enter(State(epoch=kept), asked, now_s=NOW_S)

    assert (answer.code if isinstance(answer, Refusal) else answer) == expected


def test_a_thousand_processes_a_day_are_enough() -> None:
    answer = decide.enter(day(epochs=1_000), NOW_S, now_s=NOW_S)

    assert isinstance(answer, Refusal)
    assert answer.code is CAP


def test_market_caps_are_each_market_s_own() -> None:
    rules = make_rules(markets={SOL: make_market(), BTC: make_market(index=BTC, max_order_raw_1e9=1)})
    both = make_intent(make_order(), make_order(market_index=BTC, size_raw_1e9=2))

    answer = fresh(both, rules)

    assert isinstance(answer, Refusal)
    assert "max_order_base" in answer.why


@pytest.mark.parametrize(
    ("proposal", "leg", "expected"), [("P1", 1, Given), ("P1", 2, RefusalCode.TWICE), ("P2", 1, RefusalCode.TWICE)]
)
def test_one_message_is_one_leg_s_alone(proposal: str, leg: int, expected: object) -> None:
    intent = make_intent()
    state = former(digest=hashlib.sha256(intent.message).hexdigest())
    other = Leg(
        proposal="P9", leg=9, revision=1, digest="other", signature=b"", valid_until=900, signed_at_s=NOW_S - 200
    )
    state = replace(state, legs=MappingProxyType({**state.legs, ("P9", 9): other}))
    answer = fresh(replace(intent, proposal=proposal, leg=leg), state=state)

    assert (answer.code if isinstance(answer, Refusal) else type(answer)) == expected
