"""Paper orders that somebody has to sign: nothing else lands, and what was signed lands once."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from risk.model.trading import FateKind, Signed
from tests.support.plain_signer import PlainSigner
from tests.venues.paper.builders import make_exchange, open_funded
from tests.venues.paper.order_builders import Desk, make_batch, make_terms
from venues.errors import VenueRejected, VenueUnavailable
from venues.paper import PaperGateway
from venues.paper.markets import SOL_ORACLE

pytest.importorskip("solders", reason="signatures are made with solders; install keel[solana]")


@pytest.fixture
def signer() -> PlainSigner:
    return PlainSigner()


@pytest.fixture
def desk(signer: PlainSigner) -> Desk:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0)]})
    open_funded(exchange)
    made = Desk.at(exchange)
    return replace(made, gateway=PaperGateway(made.venue, clock=made.clock, signer=signer))


async def test_what_the_signer_signed_lands(desk: Desk, signer: PlainSigner) -> None:
    batch = make_batch(make_terms())
    signed = await desk.gateway.prepare(batch)
    (asked,) = signer.asked
    assert (asked.batch, asked.message, asked.valid_until) == (batch, None, signed.last_valid_height)
    assert asked.valid_until - asked.height == 150
    await desk.gateway.send(signed)
    assert (await desk.fate(signed)).kind is FateKind.LANDED


async def test_what_nobody_signed_does_not_land(desk: Desk) -> None:
    unsigned = await PaperGateway(desk.venue, clock=desk.clock).prepare(make_batch(make_terms()))
    with pytest.raises(VenueRejected, match="nobody has signed"):
        await desk.gateway.send(unsigned)


async def test_what_another_key_signed_does_not_land(desk: Desk) -> None:
    other = PaperGateway(desk.venue, clock=desk.clock, signer=PlainSigner("eve"))
    with pytest.raises(VenueRejected, match="does not fit the signer's key"):
        await desk.gateway.send(await other.prepare(make_batch(make_terms())))


Change = Callable[[dict[str, Any]], object]
CHANGES: dict[str, Change] = {
    "a larger order": lambda told: told["orders"][0].update(size_raw_1e9=told["orders"][0]["size_raw_1e9"] * 2),
    "a worse price": lambda told: told["orders"][0].update(limit_raw_1e6=1_000_000),
    "an order more": lambda told: told["orders"].append(told["orders"][0]),
    "no order": lambda told: told["orders"].clear(),
    "a cancellation": lambda told: told["cancels"].append(1),
    "another account": lambda told: told.update(account="bob-0"),
    "a longer life": lambda told: told.update(last_valid_slot=told["last_valid_slot"] + 1),
    "an order that adds": lambda told: told["orders"][0].update(reduce_only=not told["orders"][0]["reduce_only"]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_other_orders_around_the_same_signature_do_not_land(desk: Desk, change: Change) -> None:
    signed = await desk.gateway.prepare(make_batch(make_terms()))
    told = json.loads(signed.raw)
    change(told)
    with pytest.raises(VenueRejected):
        await desk.gateway.send(replace(signed, raw=json.dumps(told, sort_keys=True).encode()))
    assert (await desk.fate(signed)).kind is FateKind.PENDING


async def test_one_signature_in_other_wrapping_lands_once(desk: Desk) -> None:
    signed = await desk.gateway.prepare(make_batch(make_terms()))
    told = json.loads(signed.raw)
    again = replace(signed, raw=json.dumps({**told, "serial": told["serial"] + 1}).encode())
    for one in (signed, again):
        await desk.gateway.send(one)
    assert len(desk.exchange.world.post.landings) == 1


def _cut(told: dict[str, Any]) -> None:
    told["signature"] = told["signature"][:-4]


def _no_message(told: dict[str, Any]) -> None:
    del told["message"]


def _transaction(told: dict[str, Any]) -> None:
    told["message"] = base64.b64encode(b"\x01\x00\x01").decode()


@pytest.mark.parametrize("change", [_cut, _no_message, _transaction])
async def test_bytes_that_are_no_orders_are_refused(desk: Desk, change: Change) -> None:
    signed = await desk.gateway.prepare(make_batch(make_terms()))
    told = json.loads(signed.raw)
    change(told)
    for name in (signed.signature, _named(told)):
        with pytest.raises(VenueRejected):
            await desk.gateway.send(Signed(signature=name, raw=json.dumps(told).encode(), last_valid_height=10**9))


def _named(told: dict[str, Any]) -> str:
    return base64.b64decode(told["signature"] + "=" * (-len(told["signature"]) % 4)).hex()


@pytest.mark.parametrize("refusal", [VenueRejected("the signer refused: no"), VenueUnavailable("it does not answer")])
async def test_what_the_signer_says_no_to_is_not_prepared(
    desk: Desk, signer: PlainSigner, refusal: VenueRejected | VenueUnavailable
) -> None:
    signer.refusal = refusal
    with pytest.raises(type(refusal), match=str(refusal)):
        await desk.gateway.prepare(make_batch(make_terms()))


async def test_what_the_venue_would_refuse_is_never_signed(desk: Desk, signer: PlainSigner) -> None:
    with pytest.raises(VenueRejected):
        await desk.gateway.prepare(make_batch(make_terms(size=0.0000001)))
    assert not signer.asked
