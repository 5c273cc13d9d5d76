"""Where each cap ends, to the unit; what counts towards it; and what is refused for what."""

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from bot.signer import caps, decide
from bot.signer.decide import Fresh
from bot.signer.encoding import COMPUTE_BUDGET, PROGRAM, state_address, user_stats_address
from bot.signer.intent import Given, Intent, IntentSide, IntentStyle, Refusal, RefusalCode, SigningVenue
from bot.signer.rules import REFUSALS_WITHIN_S, Rules
from bot.signer.state import DAY_S, Day, State, Used
from tests.bot.signer.asking import (
    ACCOUNT,
    BTC,
    NOW_S,
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
)
from tests.support import addresses

USD, ONE = 10**6, 10**9
CAP, GRAMMAR = RefusalCode.CAP, RefusalCode.GRAMMAR
BUY, LIMIT, TRIGGER_LIMIT = IntentSide.BUY, IntentStyle.LIMIT, IntentStyle.TRIGGER_LIMIT
OPEN = make_rules(reduce_only=False)


def asked(intent: Intent, rules: Rules | None = None, state: State | None = None) -> Fresh | Given | Refusal:
    return decide.sign(state or State(), intent, rules or make_rules(), SIGNER_KEY, now_s=NOW_S)


def refusal(intent: Intent, rules: Rules | None = None, state: State | None = None) -> Refusal:
    answer = asked(intent, rules, state)
    assert isinstance(answer, Refusal)
    return answer


def day(**used: object) -> State:
    return State(seen_s=NOW_S, today=replace(Day(number=NOW_S // DAY_S), **used))  # type: ignore[arg-type]  # fields


# Caps: the last that is signed, and the first that is not.

BEYOND = [
    ("worth", make_order(size_raw_1e9=5 * ONE, limit_raw_1e6=200 * USD), {"limit_raw_1e6": 200 * USD + 1}),
    ("worth at the trigger", make_stop(size_raw_1e9=5 * ONE, trigger_raw_1e6=200 * USD), {"size_raw_1e9": 5 * ONE + 1}),
    ("low trigger", make_stop(trigger_raw_1e6=100 * USD), {"trigger_raw_1e6": 100 * USD - 1}),
    ("high trigger", make_stop(trigger_raw_1e6=200 * USD), {"trigger_raw_1e6": 200 * USD + 1}),
    ("buys", make_order(side=BUY, limit_raw_1e6=200 * USD), {"limit_raw_1e6": 200 * USD + 1}),
    ("sells", make_order(limit_raw_1e6=100 * USD), {"limit_raw_1e6": 100 * USD - 1}),
    ("size", make_order(size_raw_1e9=5 * ONE), {"size_raw_1e9": 5 * ONE + 1}),
    ("lasts", make_order(expires_at_s=NOW_S + 600), {"expires_at_s": NOW_S + 601}),
]  # fmt: skip


@pytest.mark.parametrize(("order", "change"), [case[1:] for case in BEYOND], ids=[case[0] for case in BEYOND])
def test_an_order_exactly_at_its_cap_is_signed_and_one_unit_more_is_not(order: object, change: dict[str, int]) -> None:
    assert isinstance(asked(make_intent(order)), Fresh)  # type: ignore[arg-type]  # an order
    assert refusal(make_intent(replace(order, **change))).code is CAP  # type: ignore[arg-type,type-var]  # likewise


def test_compute_units_and_their_price_are_capped_to_the_unit() -> None:
    free = make_rules(daily_fee_lamports=10**9)
    assert isinstance(asked(make_intent(unit_limit=1_000_000), free), Fresh)
    assert "compute units" in refusal(make_intent(unit_limit=1_000_001), free).why
    assert isinstance(asked(make_intent(unit_price_micro=200_000), free), Fresh)
    assert "compute unit" in refusal(make_intent(unit_price_micro=200_001), free).why


@pytest.mark.parametrize(
    ("name", "most", "text"),
    [
        ("cancels", 10 - 2, "cancellations"),
        ("signatures", 20 - 1, "signatures"),
        ("lamports", 1_000_000 - 5_300, "fees"),
        ("usd_raw_1e6", (3_000 - 280) * USD, "orders would be worth more than daily_usd"),
    ],
)
def test_a_day_is_full_when_it_is_full_and_not_before(name: str, most: int, text: str) -> None:
    intent = make_intent(make_order(), cancels=(1, 2))
    assert isinstance(asked(intent, None, day(**{name: most})), Fresh)
    assert text in refusal(intent, None, day(**{name: most + 1})).why


def test_a_market_is_full_for_the_day_when_it_is_full_and_not_before() -> None:
    state = day(markets=(Used(index=SOL, raw_1e9=13 * ONE),))
    assert isinstance(asked(make_intent(), None, state), Fresh)
    assert "daily_base" in refusal(make_intent(make_order(size_raw_1e9=2 * ONE + 1)), None, state).why
    assert isinstance(asked(make_intent(make_order(market_index=BTC)), None, state), Fresh)


def test_an_order_that_may_open_must_end_even_where_it_waits_for_a_trigger() -> None:
    opens = make_stop(style=TRIGGER_LIMIT, limit_raw_1e6=110 * USD, reduce_only=False, expires_at_s=NOW_S + 601)
    assert refusal(make_intent(opens), OPEN).code is CAP
    assert isinstance(asked(make_intent(replace(opens, expires_at_s=NOW_S + 600)), OPEN), Fresh)
    assert isinstance(asked(make_intent(replace(opens, reduce_only=True)), OPEN), Fresh)


def test_what_is_taken_from_a_day_counts_everything_once() -> None:
    rules = make_rules()
    changed = make_intent(make_order(style=LIMIT), cancels=(1, 2, 3), modifies=changing())
    cost = caps.cost_of(changed, rules)
    assert (cost.cancels, cost.usd_raw_1e6) == (4, 2 * 280 * USD)
    both = make_intent(make_order(market_index=BTC, size_raw_1e9=ONE), make_order(), make_order(size_raw_1e9=3))
    assert caps.cost_of(both, rules).markets == (Used(index=SOL, raw_1e9=2 * ONE + 3), Used(index=BTC, raw_1e9=ONE))
    assert caps.cost_of(make_intent(venue=SigningVenue.PAPER), make_rules(SigningVenue.PAPER)).lamports == 0
    # A fraction of a millionth, and of a lamport, counts as a whole one.
    assert caps.cost_of(make_intent(make_order(size_raw_1e9=1)), rules).usd_raw_1e6 == 1
    assert caps.cost_of(make_intent(unit_limit=1, unit_price_micro=1), rules).lamports == 5_001


# Grammar.


@pytest.mark.parametrize(
    ("orders", "cancels", "following", "size"),
    [(3, 12, 16, 0), (2, 22, 17, 0), (1, 24, 19, 0), (3, 30, 14, 1), (4, 12, 14, 1)],
)
def test_as_much_as_a_transaction_holds_is_signed_and_a_byte_more_is_not(
    orders: int, cancels: int, following: int, size: int
) -> None:
    more = tuple(addresses.address(f"more {number}") for number in range(following))
    intent = make_intent(*[make_order()] * orders, cancels=range(cancels), remaining=(*REMAINING, *more))
    # One signature and its count lead a transaction.
    assert 1 + 64 + len(intent.message) == 1_232 + size, "the test needs other numbers"
    rules = make_rules(daily_cancels=100)
    if size == 0:
        assert isinstance(asked(intent, rules), Fresh)
    else:
        assert "more than one transaction holds" in refusal(intent, rules).why


@pytest.mark.parametrize("length", [1, 100])
def test_an_id_of_a_proposal_may_be_as_long_as_is_said(length: int) -> None:
    assert isinstance(asked(make_intent(proposal="p" * length)), Fresh)


@pytest.mark.parametrize("length", [0, 101])
def test_an_id_of_a_proposal_is_neither_empty_nor_longer(length: int) -> None:
    assert "a proposal has an id of 1 to 100 characters" in refusal(make_intent(proposal="p" * length)).why


def test_a_message_may_end_at_the_height_it_began_at() -> None:
    assert isinstance(asked(make_intent(height=1_000, valid_until=1_000)), Fresh)
    assert "would end before it began" in refusal(make_intent(height=1_000, valid_until=999)).why


def test_every_id_of_an_order_fits_the_venue_s_integer() -> None:
    largest = 2**32 - 1
    assert isinstance(asked(make_intent(cancels=(0, largest))), Fresh)
    for intent in (
        replace(make_intent(cancels=(1, 2)), cancels=(1, largest + 1)),
        replace(make_intent(modifies=changing()), modifies=changing(largest + 1)),
    ):
        assert refusal(intent).why == "an order's id is at most 2^32 - 1"


def test_what_an_order_is_changed_into_is_judged_like_a_new_one() -> None:
    intent = replace(make_intent(modifies=changing()), modifies=changing(size_raw_1e9=0))
    assert refusal(intent).why == "an order has a size above 0"
    market = make_rules(markets={SOL: make_market(max_order_raw_1e9=ONE)})
    assert "larger than max_order_base" in refusal(make_intent(modifies=changing()), market).why


@pytest.mark.parametrize("name", ["limit_raw_1e6", "trigger_raw_1e6", "expires_at_s"])
def test_numbers_beyond_what_the_venue_can_hold_are_no_order(name: str) -> None:
    order = make_stop(style=TRIGGER_LIMIT, limit_raw_1e6=110 * USD, expires_at_s=NOW_S + 60)
    for value, text in ((2**63, "a number in an order is too large"), (2**63 - 1, None)):
        answer = refusal(replace(make_intent(order), orders=(replace(order, **{name: value}),)))  # type: ignore[arg-type]  # a number
        assert (answer.why == "a number in an order is too large") is (text is not None)


def test_an_index_of_a_market_is_one_the_venue_can_have() -> None:
    order = make_order(market_index=2**16 - 1)
    assert refusal(make_intent(order)).code is CAP
    beyond = replace(make_intent(), orders=(replace(order, market_index=2**16),))
    assert refusal(beyond).why == "a market's index is at most 65535"


def test_compute_units_are_what_a_transaction_can_say() -> None:
    assert refusal(make_intent(unit_limit=2**32 - 1)).code is CAP
    assert refusal(make_intent(unit_limit=0)).code is GRAMMAR


def test_sixty_four_accounts_may_follow_and_no_more() -> None:
    many = [addresses.address(f"more {number}") for number in range(65)]
    assert "more than one transaction holds" in refusal(make_intent(remaining=many[:64])).why
    assert "at most 64 accounts follow" in refusal(make_intent(remaining=many)).why


@pytest.mark.parametrize(
    "key",
    [
        str(SIGNER_KEY), OWNER, ACCOUNT, str(user_stats_address(Pubkey.from_string(OWNER))), str(state_address()),
        str(PROGRAM), str(COMPUTE_BUDGET), str(Pubkey.default()),
    ],
)  # fmt: skip
def test_no_account_of_the_call_itself_follows_it_again(key: str) -> None:
    intent = make_intent()
    assert intent.chain is not None
    twice = replace(intent, chain=replace(intent.chain, remaining=(*REMAINING, key)))
    assert "none of them again" in refusal(twice).why


def test_orders_of_two_markets_are_never_changed_together() -> None:
    with_btc = (*REMAINING, addresses.perp_market_address(BTC), addresses.address("oracle of BTC"))
    both = (*changing(1), *changing(2, market_index=BTC))
    assert "an order is changed by itself" in refusal(make_intent(modifies=both, remaining=with_btc)).why
    assert "an order is changed by itself" in refusal(make_intent(modifies=changing(1), remaining=with_btc)).why
    assert isinstance(asked(make_intent(modifies=(*changing(1), *changing(2)))), Fresh)


# Locks.


def test_what_is_expected_is_written_down_a_hundred_times_in_ten_minutes() -> None:
    old = NOW_S - REFUSALS_WITHIN_S
    full = State(expected_at_s=(old + 1,) * 100)
    assert not is_noted(full)
    assert is_noted(State(expected_at_s=(old + 1,) * 99))
    assert is_noted(State(expected_at_s=(old,) * 100))
    # A clock that went back forgets nothing it has seen.
    assert is_noted(replace(full, seen_s=NOW_S + 10))
    assert is_noted(full, RefusalCode.GRAMMAR, counted=True)
    assert not is_noted(State(), RefusalCode.LOCKED, counted=True)


def is_noted(state: State, code: RefusalCode = RefusalCode.TWICE, *, counted: bool = False) -> bool:
    return decide.worth_a_row(state, code, counted=counted, now_s=NOW_S)


@pytest.mark.parametrize(
    ("code", "intent", "counts"),
    [
        (RefusalCode.MALFORMED, None, True),
        (RefusalCode.GRAMMAR, make_intent(cancels=(1,)), True),
        (CAP, make_intent(), True),
        (CAP, make_intent(modifies=changing()), True),
        (CAP, make_intent(make_order(), cancels=(1,)), True),
        (CAP, make_intent(cancels=(1,)), False),
        (CAP, None, True),
        (RefusalCode.FENCED, make_intent(), False),
        (RefusalCode.TWICE, make_intent(), False),
        (RefusalCode.STRANGER, None, False),
    ],
)
def test_what_locks_is_what_should_never_happen(code: RefusalCode, intent: Intent | None, counts: bool) -> None:
    assert decide.counts(code, intent) is counts


def test_what_is_locked_is_not_locked_again() -> None:
    rules = make_rules(lock_after_refusals=3)
    refused = State(refused_at_s=(NOW_S,) * 3)
    assert decide.why_lock(refused, rules) == "after 3 refusals within ten minutes"
    assert decide.why_lock(replace(refused, locked="by hand"), rules) == ""
    assert decide.why_lock(State(refused_at_s=(NOW_S,) * 2), rules) == ""
