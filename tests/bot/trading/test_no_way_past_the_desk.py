"""There is one way to an order: through the desk, with a consent from storage. Types forbid the others; so does this.

Each ``type: ignore`` below is held by mypy, which complains of one that is not needed: should a type ever allow what is
tried here, the type check fails.
"""

import ast
import inspect
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

import risk
from risk.hedging_engine import DriftHedgingEngine
from risk.model.account import Side
from risk.model.hedge import HedgeRequirements
from risk.model.trading import Consent, ConsentKind, NotConsented, OrderBatch, OrderStyle, OrderTerms, digest_of
from risk.portfolio_manager import DriftPortfolioManager
from risk.trade_ports import OrderGateway
from tests.support.trade_world import ACCOUNT, sell, trade_world
from venues.paper.gateway import PaperGateway

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
TERMS = OrderTerms(
    account_id=ACCOUNT, market="SOL-PERP", market_index=0, side=Side.SELL, style=OrderStyle.IOC,
    size_raw_1e9=10**9, limit_raw_1e6=150_000_000, reduce_only=True, expires_at_s=int(NOW.timestamp()) + 60,
)  # fmt: skip
CONSENT = Consent(
    kind=ConsentKind.CONFIRMED, reference="P1", revision=1, given_by=("ann",), digests=frozenset({digest_of([TERMS])}),
    holds_until=NOW + timedelta(minutes=2),
)  # fmt: skip


async def test_a_hedge_cannot_be_handed_to_a_gateway(requirements: HedgeRequirements) -> None:
    async with trade_world() as world:
        gateway, nobody = world.gateway, cast("Any", None)
        engine = DriftHedgingEngine(
            ACCOUNT,
            nobody,
            nobody,
            world.clock,
            desk=gateway,  # type: ignore[arg-type]  # what is tried
        )
        with pytest.raises(AttributeError, match="propose"):
            await engine.execute_hedge_trades(requirements)
        assert await world.position() == 250.0


async def test_a_plan_cannot_be_sent_as_an_order() -> None:
    async with trade_world() as world:
        with pytest.raises(AttributeError):
            await world.gateway.prepare(sell())  # type: ignore[arg-type]  # what is tried
        assert await world.position() == 250.0


@pytest.mark.parametrize(
    "changed",
    [
        replace(TERMS, size_raw_1e9=2 * 10**9),
        replace(TERMS, limit_raw_1e6=149_000_000),
        replace(TERMS, side=Side.BUY),
        replace(TERMS, reduce_only=False),
        replace(TERMS, market="BTC-PERP", market_index=1),
        replace(TERMS, expires_at_s=TERMS.expires_at_s + 1),
        replace(TERMS, style=OrderStyle.LIMIT),
    ],
)
def test_a_batch_of_anything_but_what_was_agreed_to_cannot_be_made(changed: OrderTerms) -> None:
    with pytest.raises(NotConsented):
        OrderBatch(account_id=ACCOUNT, consent=CONSENT, terms=(changed,))


@pytest.mark.parametrize(("terms", "cancels"), [((TERMS, TERMS), ()), ((TERMS,), (7,)), ((), (7,)), ((), ())])
def test_a_batch_holds_neither_more_nor_less_than_was_agreed_to(
    terms: tuple[OrderTerms, ...], cancels: tuple[int, ...]
) -> None:
    with pytest.raises(NotConsented):
        OrderBatch(account_id=ACCOUNT, consent=CONSENT, terms=terms, cancels=cancels)


def test_a_halt_only_cancels() -> None:
    halt = replace(CONSENT, kind=ConsentKind.HALT, digests=frozenset())
    assert OrderBatch(account_id=ACCOUNT, consent=halt, cancels=(7,)).cancels == (7,)
    with pytest.raises(NotConsented, match="only cancels"):
        OrderBatch(account_id=ACCOUNT, consent=halt, terms=(TERMS,))


def test_an_order_of_another_account_is_no_part_of_a_batch() -> None:
    with pytest.raises(NotConsented, match="another account"):
        OrderBatch(account_id="other", consent=CONSENT, terms=(TERMS,))


def test_no_desk_of_risk_knows_a_gateway() -> None:
    """Only ports name it; none of the desks, and nothing they are made of."""
    folder = Path(inspect.getfile(risk)).parent
    naming = [
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name | ast.alias)
        and (node.id if isinstance(node, ast.Name) else node.name) == OrderGateway.__name__
    ]
    assert naming == []
    for desk in (DriftHedgingEngine, DriftPortfolioManager):
        assert "gateway" not in inspect.signature(desk).parameters


def test_consents_are_made_in_storage_alone() -> None:
    root = Path(inspect.getfile(risk)).parent.parent
    makers = {
        str(path.relative_to(root))
        for package in ("risk", "venues", "storage", "bot")
        for path in (root / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == Consent.__name__
    }
    assert makers == {"storage/proposal_consent.py", "storage/proposals.py"}


@pytest.fixture
def requirements() -> HedgeRequirements:
    from risk.model.hedge import HedgeStrategy, HedgeTrade

    hedge = HedgeTrade(
        market="SOL-PERP", side=Side.SELL, size=1.0, hedge_ratio=1.0, priority=1, reasoning="", reduce_only=True
    )
    return HedgeRequirements(
        account_id=ACCOUNT, strategy=HedgeStrategy.DELTA, reference="", target_delta=0.0, current_delta=160.0,
        delta_deviation=160.0, required_trades=(hedge,), estimated_cost=0.1, market_impact=0.0, confidence_score=1.0,
        confidence={}, unhedged=(), variance_reduction=None, net_delta_after=0.0, horizon_hours=24.0, n=0,
        data_age_s=0.0, observed_at=NOW,
    )  # fmt: skip


def test_the_paper_gateway_is_a_gateway() -> None:
    """What the tests above try is the port that trading uses."""
    gateway: type[OrderGateway] = PaperGateway
    assert gateway.prepare is PaperGateway.prepare
