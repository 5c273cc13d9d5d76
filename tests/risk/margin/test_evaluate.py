"""What holds for every evaluation, whatever the account: batches, scenarios, directions, and what is not known."""

import warnings
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin.book import FleetBook, FloatArray
from risk.margin.build import book_of
from risk.margin.evaluate import Detail, Evaluation, Totals, evaluate
from risk.margin.health import liquidatable, ratio_percent, worst_ratio_percent
from risk.margin.plan import MarginPlan
from risk.model.account import AccountSnapshot, PerpPosition, SpotBalance
from risk.model.market import ContractType
from tests.risk.builders import (
    cross,
    evaluated,
    make_account,
    scaled,
)
from tests.risk.generated import FEEDS, accounts, fleets

FACTORS = st.floats(0.3, 3.0)
FLOOR_USD = 2e-5  # a dozen floors, each a millionth


def figures(evaluation: Evaluation, account: int) -> list[float]:
    """Every number an evaluation has for one account, rows included."""
    book, found = evaluation.book, []
    perps, spots = book.perps.account == account, book.spots.account == account
    isolated = book.perps.account[evaluation.isolated_rows] == account

    def add(values: FloatArray, name: str) -> None:
        if "isolated" in name:
            found.extend(values[isolated].tolist())
        elif name in _PERP_ROWS:
            found.extend(values[perps].tolist())
        elif name in _SPOT_ROWS:
            found.extend(values[spots].tolist())
        else:
            found.append(float(values[account]))

    for totals in (evaluation.maintenance, evaluation.full.initial):
        for field in fields(Totals):
            add(getattr(totals, field.name), field.name)
    for field in fields(Detail):
        if field.name != "initial":
            add(getattr(evaluation.full, field.name), field.name)
    return found


_PERP_ROWS = ("perp_pnl_usd", "perp_notional_usd", "perp_requirement_usd")
_SPOT_ROWS = ("spot_value_usd",)


@pytest.mark.parametrize("strict", [False, True], ids=["plain", "strict"])
@given(fleet=fleets(largest=6))
def test_accounts_evaluated_together_are_evaluated_as_if_alone(fleet: list[AccountSnapshot], strict: bool) -> None:
    together = evaluate(book_of(fleet), strict=strict)
    for at, account in enumerate(fleet):
        alone = figures(evaluated(account, strict=strict), 0)
        assert figures(together, at) == pytest.approx(alone, abs=1e-9, rel=1e-14)


@given(fleet=fleets(largest=4), factors=st.lists(FACTORS, min_size=2, max_size=5))
def test_scenarios_evaluated_together_are_evaluated_as_if_alone(
    fleet: list[AccountSnapshot], factors: list[float]
) -> None:
    book = book_of(fleet)
    usd = book.oracles.price_1e6 / 1e6
    scenarios = np.stack([usd * factor ** np.linspace(0.2, 1, usd.size) for factor in factors])
    plan = MarginPlan.of(book)
    together, maintenance = evaluate(plan, scenarios), evaluate(plan, scenarios, maintenance_only=True)
    for at, prices in enumerate(scenarios):
        alone = evaluate(book, prices)
        for field in fields(Totals):
            expected = getattr(alone.maintenance, field.name)
            assert np.array_equal(getattr(together.maintenance, field.name)[at], expected)
            assert np.array_equal(getattr(maintenance.maintenance, field.name)[at], expected)
            assert np.array_equal(
                getattr(together.full.initial, field.name)[at], getattr(alone.full.initial, field.name)
            )
        assert together.full.equity_usd[at] == pytest.approx(alone.full.equity_usd, abs=1e-9, rel=1e-14)
        assert np.array_equal(worst_ratio_percent(together)[at], worst_ratio_percent(alone))
        assert np.array_equal(liquidatable(together)[at], liquidatable(alone))


@given(account=accounts(), factor=FACTORS)
def test_a_price_of_a_scenario_is_as_good_as_a_price_of_the_book(account: AccountSnapshot, factor: float) -> None:
    if not account.oracles:
        return
    moved = scaled(account, sorted(account.oracles)[0], factor)
    as_scenario = evaluate(book_of([account]), book_of([moved]).oracles.price_1e6 / 1e6)
    # Millionths become USD and millionths again, which may cost one floor; a steep ratio multiplies it.
    assert figures(as_scenario, 0) == pytest.approx(figures(evaluated(moved), 0), abs=0.01, rel=1e-6)


@given(fleet=fleets())
def test_the_order_of_accounts_does_not_matter(fleet: list[AccountSnapshot]) -> None:
    forth, back = evaluate(book_of(fleet)), evaluate(book_of(fleet[::-1]))
    for at in range(len(fleet)):
        assert figures(forth, at) == pytest.approx(figures(back, len(fleet) - 1 - at), abs=1e-9, rel=1e-14)


def exposed(account: AccountSnapshot, feed: str, direction: int, *, orders: bool) -> AccountSnapshot:
    """The same account with everything a feed prices on one side: long and deposited, or short and borrowed.

    Size premiums of perps are taken away: a position that needs more than its notional gains by any fall.
    """

    def perp(position: PerpPosition) -> PerpPosition:
        market = account.perp_markets[position.market_index]
        if market.oracle_id != feed:
            return position
        size = abs(position.size_base) * direction
        # An unfilled sale of a prediction contract is the one order that a rise makes cheaper.
        resting = orders and market.contract_type is not ContractType.PREDICTION
        kept = position if resting else replace(position, open_bids_base=0.0, open_asks_base=0.0)
        return replace(kept, size_base=size, quote_usd=-size * account.oracles[feed].price_usd, funding_usd=0.0)

    def spot(balance: SpotBalance) -> SpotBalance:
        if account.spot_markets[balance.market_index].oracle_id != feed:
            return balance
        kept = balance if orders else replace(balance, open_bids_tokens=0.0, open_asks_tokens=0.0)
        return replace(kept, amount_tokens=abs(balance.amount_tokens) * direction)

    return replace(
        account,
        perp_positions=tuple(map(perp, account.perp_positions)),
        spot_balances=tuple(map(spot, account.spot_balances)),
        perp_markets={index: replace(market, imf_factor=0.0) for index, market in account.perp_markets.items()},
    )


def scopes(account: AccountSnapshot) -> list[tuple[float, float]]:
    """Maintenance collateral and requirement of the cross account and of every isolated position, USD."""
    totals = evaluated(account).maintenance
    own = zip(totals.isolated_collateral_usd.tolist(), totals.isolated_requirement_usd.tolist(), strict=True)
    return [cross(account), *own]


def moving_feed(account: AccountSnapshot, pick: int) -> str | None:
    """One of the feeds of an account. Those of quote tokens are left out: what is owed in them falls with them."""
    feeds = [feed for feed in sorted(account.oracles) if not feed.startswith("usd")]
    return feeds[pick % len(feeds)] if feeds else None


PICKS = st.integers(0, len(FEEDS) - 1)


@given(account=accounts(), pick=PICKS, direction=st.sampled_from([1, -1]), start=FACTORS, adverse=st.floats(1.0, 3.0))
def test_an_adverse_price_never_adds_margin(
    account: AccountSnapshot, pick: int, direction: int, start: float, adverse: float
) -> None:
    """Margin is collateral minus requirement. What rests in the book is hurt by a rise, whichever side it is on."""
    feed = moving_feed(account, pick)
    if feed is None:
        return
    before = scaled(exposed(account, feed, direction, orders=direction < 0), feed, start)
    after = scaled(before, feed, adverse**-direction)
    for (had, needed), (has, needs) in zip(scopes(before), scopes(after), strict=True):
        assert has - needs <= had - needed + FLOOR_USD + 1e-12 * (abs(had) + needed)


@given(account=accounts(), pick=PICKS, direction=st.sampled_from([1, -1]), start=FACTORS, adverse=st.floats(1.0, 3.0))
def test_an_adverse_price_never_improves_health(
    account: AccountSnapshot, pick: int, direction: int, start: float, adverse: float
) -> None:
    """Up to a ratio of 1 / margin ratio, 200 % for the steepest market here: beyond it, an account is so rich that its
    requirement falls faster than its collateral."""
    feed = moving_feed(account, pick)
    if feed is None:
        return
    before = scaled(exposed(account, feed, direction, orders=False), feed, start)
    after = scaled(before, feed, adverse**-direction)
    for (had, needed), (has, needs) in zip(scopes(before), scopes(after), strict=True):
        if 0 <= had <= 2 * needed and needs > 1.0:
            assert has / needs <= had / needed + 1e-4 / needs


@given(account=accounts(), deposit=st.floats(0.01, 1e6))
def test_adding_quote_collateral_never_lowers_health(account: AccountSnapshot, deposit: float) -> None:
    """Of the cross account, and of an isolated position for its own collateral."""
    richer = deposited(account, deposit)
    assert scopes(richer)[0][0] >= scopes(account)[0][0]
    assert scopes(richer)[0][1] <= scopes(account)[0][1]
    for initial in (False, True):
        # Below nothing the ratio says less the more is owed.
        assert max(0.0, ratio(richer, initial=initial)) >= max(0.0, ratio(account, initial=initial))
    for before, after in zip(scopes(account)[1:], scopes(isolated_deposited(account, deposit))[1:], strict=True):
        assert after[0] > before[0] - FLOOR_USD
        assert after[1] == before[1]


def ratio(account: AccountSnapshot, *, initial: bool) -> float:
    evaluation = evaluated(account)
    totals = evaluation.full.initial if initial else evaluation.maintenance
    return float(ratio_percent(totals.collateral_usd, totals.requirement_usd)[0])


def deposited(account: AccountSnapshot, tokens: float) -> AccountSnapshot:
    others = tuple(balance for balance in account.spot_balances if balance.market_index != 0)
    quote = next((balance for balance in account.spot_balances if balance.market_index == 0), None)
    if quote is None:
        own = make_account(usdc=tokens)
        return replace(
            account, spot_balances=(*own.spot_balances, *others),
            spot_markets={**account.spot_markets, 0: account.spot_markets.get(0, own.spot_markets[0])},
            oracles={"usdc": own.oracles["usdc"], **account.oracles},
        )  # fmt: skip
    return replace(account, spot_balances=(replace(quote, amount_tokens=quote.amount_tokens + tokens), *others))


def isolated_deposited(account: AccountSnapshot, tokens: float) -> AccountSnapshot:
    return replace(
        account,
        perp_positions=tuple(
            replace(position, isolated_collateral_tokens=position.isolated_collateral_tokens + tokens)
            if position.isolated
            else position
            for position in account.perp_positions
        ),
    )


@given(account=accounts())
def test_strict_prices_never_flatter(account: AccountSnapshot) -> None:
    plain, strict = evaluated(account), evaluated(account, strict=True)
    for ours, theirs in ((plain.maintenance, strict.maintenance), (plain.full.initial, strict.full.initial)):
        margin = ours.collateral_usd - ours.requirement_usd
        assert theirs.collateral_usd - theirs.requirement_usd <= margin + FLOOR_USD + 1e-12 * abs(margin)


@given(account=accounts())
def test_a_custom_ratio_and_initial_rules_never_ask_for_less(account: AccountSnapshot) -> None:
    plain = evaluated(replace(account, max_margin_ratio=0.0))
    stricter = evaluated(replace(account, max_margin_ratio=max(account.max_margin_ratio, 0.05)))
    assert np.array_equal(plain.maintenance.collateral_usd, stricter.maintenance.collateral_usd)
    assert np.array_equal(plain.maintenance.requirement_usd, stricter.maintenance.requirement_usd)
    margins = [e.full.initial.collateral_usd - e.full.initial.requirement_usd for e in (plain, stricter)]
    assert margins[1] <= margins[0] + FLOOR_USD + 1e-12 * abs(margins[0])


@given(fleet=fleets(), pick=PICKS)
def test_a_missing_price_leaves_everything_that_needs_it_unknown(fleet: list[AccountSnapshot], pick: int) -> None:
    book = book_of(fleet)
    if not book.oracles.ids:
        return
    feed = book.oracles.ids[pick % len(book.oracles.ids)]
    blind = np.where(np.array(book.oracles.ids) == feed, np.nan, book.oracles.price_1e6 / 1e6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluation, known = evaluate(book, blind), evaluate(book, book.oracles.price_1e6 / 1e6)
        ratios = worst_ratio_percent(evaluation)
    for at, account in enumerate(fleet):
        if feed in account.oracles and needs(account, feed):
            assert np.isnan(ratios[at])
        elif feed not in account.oracles:
            assert figures(evaluation, at) == figures(known, at)


def needs(account: AccountSnapshot, feed: str) -> bool:
    """Whether any row of an account is priced by a feed."""
    markets = [account.perp_markets[position.market_index] for position in account.perp_positions]
    quotes = [account.spot_markets[market.quote_market_index] for market in markets]
    held = [account.spot_markets[balance.market_index] for balance in account.spot_balances]
    return feed in {market.oracle_id for market in (*quotes, *held)} | {market.oracle_id for market in markets}


def with_problems(book: FleetBook, at: int) -> FleetBook:
    return replace(book, accounts=replace(book.accounts, problems={at: ("its data is damaged",)}))


@given(fleet=fleets())
def test_an_account_with_a_problem_has_no_figures_and_leaves_those_of_others_alone(
    fleet: list[AccountSnapshot],
) -> None:
    book = book_of(fleet)
    good, evaluation = evaluate(book), evaluate(with_problems(book, 1))
    assert np.isnan(worst_ratio_percent(evaluation)[1])
    assert not liquidatable(evaluation)[1]
    totals, detail = evaluation.maintenance, evaluation.full
    own = book.perps.account[evaluation.isolated_rows] == 1
    for values in (totals.collateral_usd[1], totals.requirement_usd[1], detail.initial.collateral_usd[1]):
        assert np.isnan(values)
    for values in (totals.isolated_collateral_usd[own], detail.initial.isolated_requirement_usd[own]):
        assert np.isnan(values).all()
    for at in range(len(fleet)):
        if at != 1:
            assert figures(evaluation, at) == figures(good, at)
