"""What would help really helps, and not by more than it must."""

import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin.build import book_of
from risk.margin.evaluate import evaluate
from risk.margin.health import ratio_percent, worst_ratio_percent
from risk.margin.remedy import Remedy, remedy
from risk.model.account import AccountSnapshot, PerpPosition
from risk.model.market import OracleReading
from tests.risk.builders import (
    evaluated,
    make_account,
    make_balance,
    make_perp_market,
    make_position,
    make_usdc_market,
    ratio_of,
)
from tests.risk.generated import Universe, accounts

TARGETS = st.sampled_from([105.0, 120.0, 150.0, 200.0, 250.0])
ALMOST = 0.99  # of what was recommended


def scope_ratio(account: AccountSnapshot, scope: str) -> float:
    """Ratio of the cross account, or of the isolated position of a market."""
    totals = evaluated(account).maintenance
    if not scope:
        return float(ratio_percent(totals.collateral_usd, totals.requirement_usd)[0])
    names = [account.perp_markets[p.market_index].name for p in account.perp_positions if p.isolated]
    at = names.index(scope)
    return float(ratio_percent(totals.isolated_collateral_usd, totals.isolated_requirement_usd)[at])


def deposit(account: AccountSnapshot, needed: Remedy, share: float) -> AccountSnapshot:
    assert needed.deposit_usd is not None
    if needed.scope:
        position = next(p for p in account.perp_positions if name_of(account, p) == needed.scope)
        quote = account.spot_markets[account.perp_markets[position.market_index].quote_market_index]
        tokens = share * needed.deposit_usd / account.oracles[quote.oracle_id].price_usd
        grown = replace(position, isolated_collateral_tokens=position.isolated_collateral_tokens + tokens)
        return with_positions(account, {position.market_index: grown})
    tokens = share * needed.deposit_usd / account.oracles["usdc"].price_usd
    had = next((b for b in account.spot_balances if b.market_index == 0), make_balance(0.0, market_index=0))
    others = tuple(balance for balance in account.spot_balances if balance.market_index != 0)
    return replace(account, spot_balances=(replace(had, amount_tokens=had.amount_tokens + tokens), *others))


def cut(account: AccountSnapshot, shares: dict[str, float]) -> AccountSnapshot:
    """Parts of positions closed at the oracle: what they were worth stays in their quote amount."""
    changed = {}
    for position in account.perp_positions:
        share = shares.get(name_of(account, position), 0.0)
        price_usd = account.oracles[account.perp_markets[position.market_index].oracle_id].price_usd
        # In whole units: where a margin ratio is a multiple of the notional, one of them shows.
        size = round(position.size_base * 1e9)
        closed = math.trunc(size * share)
        quote = round(position.quote_usd * 1e6) + math.trunc(closed * round(price_usd * 1e6) / 1e9)
        changed[position.market_index] = replace(position, size_base=(size - closed) / 1e9, quote_usd=quote / 1e6)
    return with_positions(account, changed)


def name_of(account: AccountSnapshot, position: PerpPosition) -> str:
    return account.perp_markets[position.market_index].name


def with_positions(account: AccountSnapshot, changed: dict[int, PerpPosition]) -> AccountSnapshot:
    kept = tuple(changed.get(position.market_index, position) for position in account.perp_positions)
    return replace(account, perp_positions=kept)


def remedy_of(account: AccountSnapshot, target: float) -> Remedy:
    """What would help an account; nothing where it needs nothing or is too small for one percent to show."""
    evaluation = evaluated(account)
    totals = evaluation.maintenance
    smallest = min(totals.requirement_usd[0], *totals.isolated_requirement_usd, math.inf)
    if smallest <= 10.0 or worst_ratio_percent(evaluation)[0] >= target:
        return Remedy(target_ratio_percent=target, scope="", deposit_usd=None, cut=None)
    return remedy(book_of([account]), target)


def with_quote(account: AccountSnapshot) -> AccountSnapshot:
    """The account with the quote market among its markets, as a venue brings it."""
    bare = make_account(spot_markets=[make_usdc_market()], perp_markets=[])
    return replace(
        account, spot_markets={**bare.spot_markets, **account.spot_markets}, oracles={**bare.oracles, **account.oracles}
    )


def strained(account: AccountSnapshot, shares: list[float]) -> AccountSnapshot:
    """The account with quote collateral that brings every scope near a share of its requirement, where it lacks it."""
    account = with_quote(account)
    totals, changed = evaluated(account).maintenance, {}
    isolated = [position for position in account.perp_positions if position.isolated]
    for at, position in enumerate(isolated):
        quote = account.spot_markets[account.perp_markets[position.market_index].quote_market_index]
        lacking = shares[at + 1] * totals.isolated_requirement_usd[at] - totals.isolated_collateral_usd[at]
        tokens = position.isolated_collateral_tokens + float(lacking) / account.oracles[quote.oracle_id].price_usd
        changed[position.market_index] = replace(position, isolated_collateral_tokens=max(0.0, round(tokens, 6)))
    account = with_positions(account, changed)
    lacking = float(shares[0] * totals.requirement_usd[0] - totals.collateral_usd[0])
    if lacking <= 0:
        return account
    just_enough = Remedy(target_ratio_percent=0.0, scope="", deposit_usd=lacking, cut=None)
    return deposit(account, just_enough, 1.0)


def strained_accounts() -> st.SearchStrategy[AccountSnapshot]:
    # One share for the cross account and one for each position that may be isolated.
    shares = st.lists(st.floats(0.3, 2.5), min_size=7, max_size=7)
    return st.builds(strained, accounts(), shares)


@given(account=strained_accounts(), target=TARGETS)
def test_the_deposit_reaches_the_target_and_one_percent_less_does_not(account: AccountSnapshot, target: float) -> None:
    needed = remedy_of(account, target)
    if needed.deposit_usd is None or needed.deposit_usd < 1.0:
        return
    assert scope_ratio(deposit(account, needed, 1.0), needed.scope) >= target * (1 - 1e-8)
    assert scope_ratio(deposit(account, needed, ALMOST), needed.scope) < target


@given(account=strained_accounts(), target=TARGETS)
def test_the_cut_reaches_the_target_and_one_percent_less_does_not(account: AccountSnapshot, target: float) -> None:
    needed = remedy_of(account, target)
    if needed.cut is None or needed.cut.fraction < 1e-3:
        return
    market, fraction = needed.cut.market, needed.cut.fraction
    assert scope_ratio(cut(account, {market: fraction}), needed.scope) >= target
    assert scope_ratio(cut(account, {market: fraction * ALMOST}), needed.scope) < target


@given(account=strained_accounts(), target=TARGETS)
def test_no_other_single_cut_of_less_notional_would_do(account: AccountSnapshot, target: float) -> None:
    needed = remedy_of(account, target)
    if needed.cut is None or needed.scope:
        return
    for position in account.perp_positions:
        price_usd = account.oracles[account.perp_markets[position.market_index].oracle_id].price_usd
        notional_usd = abs(position.size_base) * price_usd
        if position.isolated or notional_usd == 0:
            continue
        share = min(1.0, ALMOST * needed.cut.notional_usd / notional_usd)
        assert scope_ratio(cut(account, {name_of(account, position): share}), "") < target


LEGS = st.tuples(st.floats(1, 100), st.sampled_from([0.03, 0.05, 0.1]), st.sampled_from([1, -1]))


def spread(legs: list[tuple[float, float, int]], share: float) -> AccountSnapshot:
    """Positions of similar size in markets of their own, on a share of what they require."""
    markets = [
        make_perp_market(name=f"M{at}-PERP", market_index=at, oracle_id=f"feed {at}", maintenance_ratio=ratio)
        for at, (_, ratio, _) in enumerate(legs)
    ]
    positions = [make_position(side * size, market_index=at) for at, (size, _, side) in enumerate(legs)]
    usdc = share * sum(100 * size * ratio for size, ratio, _ in legs)
    prices = {market.oracle_id: 100.0 for market in markets}
    return make_account(*positions, usdc=round(usdc, 6), perp_markets=markets, prices=prices)


@given(account=st.builds(spread, st.lists(LEGS, min_size=2, max_size=5), st.floats(0.3, 1.5)), target=TARGETS)
def test_cutting_everything_alike_reaches_the_target_where_no_single_cut_does(
    account: AccountSnapshot, target: float
) -> None:
    needed = remedy_of(account, target)
    if needed.cut_all_frac is None or needed.cut_all_frac < 1e-3:
        return
    assert needed.cut is None
    legs = [name_of(account, p) for p in account.perp_positions if not p.isolated]
    assert scope_ratio(cut(account, dict.fromkeys(legs, needed.cut_all_frac)), "") >= target * (1 - 1e-8)
    assert scope_ratio(cut(account, dict.fromkeys(legs, needed.cut_all_frac * ALMOST)), "") < target
    for leg in legs:
        assert scope_ratio(cut(account, {leg: 1.0}), "") < target


def test_strained_accounts_need_deposits_and_cuts() -> None:
    """The tests above prove little if most accounts need nothing."""
    random = Random(0)
    everybody = [account for seed in range(15) for account in Universe(Random(seed)).accounts(10)]
    found = [remedy_of(strained(account, [random.uniform(0.3, 2.5) for _ in range(7)]), 200.0) for account in everybody]
    assert sum(needed.deposit_usd is not None and needed.deposit_usd > 1.0 for needed in found) > 50
    assert sum(needed.cut is not None and needed.cut.fraction > 1e-3 for needed in found) > 30
    assert sum(bool(needed.scope) for needed in found) > 10


def test_a_single_long_by_hand() -> None:
    """Ten SOL at 100 on 60 USDC: 60 of 50 is 120 %; 250 % wants 125 of collateral or 480 of notional."""
    needed = remedy(book_of([make_account(make_position(10.0), usdc=60.0)]), 250.0)
    assert needed.scope == ""
    assert needed.target_ratio_percent == 250.0
    assert needed.deposit_usd == pytest.approx(65.0, rel=1e-5)
    assert needed.cut is not None
    assert needed.cut.market == "SOL-PERP"
    assert needed.cut.notional_usd == pytest.approx(520.0, rel=1e-5)
    assert needed.cut.size_base == pytest.approx(5.2, rel=1e-5)
    assert needed.cut.fraction == pytest.approx(0.52, rel=1e-5)
    assert needed.cut_all_frac is None


def test_a_healthy_account_needs_nothing() -> None:
    needed = remedy(book_of([make_account(make_position(10.0), usdc=125.0)]), 250.0)
    assert (needed.deposit_usd, needed.cut, needed.cut_all_frac) == (0.0, None, None)


def test_the_worst_scope_is_the_one_that_is_helped() -> None:
    own = make_position(0.1, entry_usd=50_000.0, market_index=1, isolated=True, isolated_collateral_tokens=310.0)
    needed = remedy(book_of([make_account(make_position(10.0), own, usdc=60.0)]), 250.0)
    assert needed.scope == ""
    richer = replace(own, isolated_collateral_tokens=2_000.0)
    needed = remedy(book_of([make_account(make_position(10.0), richer, usdc=60.0)]), 250.0)
    assert needed.cut is not None
    assert needed.cut.market == "SOL-PERP"
    poorer = replace(own, isolated_collateral_tokens=270.0)
    needed = remedy(book_of([make_account(make_position(10.0), poorer, usdc=60.0)]), 250.0)
    assert needed.scope == "BTC-PERP"
    assert needed.deposit_usd == pytest.approx(625.0 - 270.0, rel=1e-5)
    assert needed.cut is not None
    assert needed.cut.market == "BTC-PERP"
    assert needed.cut.notional_usd == pytest.approx(5_000.0 * (1 - 270 / 625), rel=1e-5)


def test_the_leg_that_frees_most_margin_is_cut() -> None:
    account = make_account(
        make_position(10.0), make_position(0.02, entry_usd=50_000.0, market_index=1), usdc=240.0,
        perp_markets=[replace(m, maintenance_ratio=ratio) for m, ratio in zip(
            make_account().perp_markets.values(), (0.05, 0.10), strict=True)],
    )  # fmt: skip
    needed = remedy(book_of([account]), 200.0)
    assert needed.cut is not None
    assert needed.cut.market == "BTC-PERP"
    assert needed.cut.notional_usd == pytest.approx(300.0, rel=1e-5)


def test_two_legs_are_cut_together_where_one_is_not_enough() -> None:
    account = make_account(make_position(10.0), make_position(0.02, entry_usd=50_000.0, market_index=1), usdc=55.0)
    needed = remedy(book_of([account]), 250.0)
    assert needed.cut is None
    assert needed.cut_all_frac == pytest.approx(1 - 55 / 250, rel=1e-5)


def test_a_part_of_a_position_is_cut_where_closing_all_of_it_would_expose_its_orders() -> None:
    """Sales rest beyond the position: without the position they would need more than with a part of it."""
    position = make_position(10.0, open_asks_base=-16.0, open_orders=1)
    account = make_account(position, usdc=88.0)
    needed = remedy(book_of([account]), 200.0)
    assert needed.cut is not None
    assert needed.cut.size_base == pytest.approx(1.2, rel=1e-2)
    assert scope_ratio(cut(account, {"SOL-PERP": needed.cut.fraction}), "") >= 200.0
    assert scope_ratio(cut(account, {"SOL-PERP": 1.0}), "") < 200.0


def test_nothing_to_cut_leaves_the_deposit() -> None:
    needed = remedy(book_of([make_account(usdc=100.0, balances=[make_balance(-0.5)])]), 250.0)
    assert needed.cut is None
    assert needed.cut_all_frac is None
    assert needed.deposit_usd == pytest.approx(137.5 - 100.0, rel=1e-5)


def test_a_deposit_is_found_for_an_account_without_a_quote_balance() -> None:
    needed = remedy(book_of([make_account(make_position(1.0), balances=[make_balance(0.06)])]), 250.0)
    assert needed.deposit_usd == pytest.approx(12.5 - 5.4, rel=1e-4)


def test_a_deposit_pays_back_a_debt_in_the_quote_token_first() -> None:
    account = make_account(usdc=-100.0, balances=[make_balance(2.0)])
    needed = remedy(book_of([account]), 250.0)
    # 180 of 100 is 180 %; 72 are allowed.
    assert needed.deposit_usd == pytest.approx(28.0, rel=1e-4)
    assert ratio_of(account) == pytest.approx(180.0)


def test_a_deposit_is_in_dollars_whatever_the_quote_token_is_worth() -> None:
    account = make_account(make_position(10.0), usdc=60.0, prices={"usdc": 0.8})
    needed = remedy(book_of([account]), 250.0)
    # Requirement and deposits are worth 0.8 each.
    assert needed.deposit_usd == pytest.approx(0.8 * 65.0, rel=1e-4)


def test_an_account_that_owes_more_than_it_has_is_told_what_it_owes() -> None:
    needed = remedy(book_of([make_account(make_position(0.0, quote_usd=-50.0))]), 250.0)
    assert needed.deposit_usd == pytest.approx(50.0, rel=1e-4)
    assert needed.cut is None


def test_no_quote_deposit_helps_in_the_second_pool() -> None:
    needed = remedy(book_of([make_account(make_position(10.0), balances=[make_balance(0.6)], pool_id=1)]), 250.0)
    assert needed.deposit_usd is None
    assert needed.cut is not None


def test_without_a_price_nothing_is_recommended() -> None:
    account = make_account(make_position(10.0), usdc=60.0)
    blind = replace(account, oracles={**account.oracles, "sol": OracleReading(oracle_id="sol", price_usd=math.nan)})
    assert remedy(book_of([blind]), 250.0) == Remedy(
        target_ratio_percent=250.0, scope="", deposit_usd=None, cut=None, cut_all_frac=None
    )


def test_the_recommendation_is_of_the_engine_the_alerts_use() -> None:
    account = make_account(make_position(10.0), usdc=60.0)
    needed = remedy(book_of([account]), 250.0)
    healed = evaluate(book_of([deposit(account, needed, 1.0)]))
    assert worst_ratio_percent(healed) >= 250.0 - 1e-6
    assert np.isfinite(worst_ratio_percent(healed)).all()
