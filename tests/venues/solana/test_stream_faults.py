"""A node that fails in every way a node can: the stream ends in words, and the next attempt goes elsewhere."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.scenarios import OnePosition, sol_long
from tests.support.solana_rpc import (
    UPGRADE,
    BitFlip,
    Delay,
    Garbage,
    HttpError,
    RateLimit,
    Refusal,
    Reset,
    SolanaRpc,
    StaleSlot,
    Truncate,
    Unanswered,
    Withheld,
    WrongOwner,
)
from tests.support.solana_rpc.faults import Injection
from tests.support.waiting import given_up, pass_by, until
from tests.venues.solana.conftest import StillClock
from tests.venues.solana.streaming import QUICK, READ, SECRET, SUBSCRIBE, Heard, gone_from, listening, reader
from venues.errors import BadAccountData, VenueRejected, VenueUnavailable
from venues.solana.adapter import connect


@pytest.fixture
def scene() -> OnePosition:
    return sol_long()


@pytest.fixture
async def rpc(scene: OnePosition) -> AsyncIterator[SolanaRpc]:
    async with SolanaRpc(scene.world, slots_per_s=25) as rpc:
        yield rpc


FAULTY_DATA = {
    "truncated": (Truncate(length=4_000), "4000 bytes"),
    "of a stranger": (WrongOwner(), "is owned by"),
    "of another type": (BitFlip(offset=0), "another type"),
    "of somebody else": (BitFlip(offset=10), "does not say it is that account"),
}


@pytest.mark.parametrize(("fault", "why"), FAULTY_DATA.values(), ids=FAULTY_DATA)
async def test_an_account_told_with_damage_is_refused_as_a_reading_refuses_it(
    rpc: SolanaRpc, scene: OnePosition, fault: Truncate | WrongOwner | BitFlip, why: str, figure: Gauge
) -> None:
    async with listening(rpc, scene.user) as (heard, _):
        rpc.inject(fault, pubkeys=[scene.user], methods=[SUBSCRIBE])
        rpc.put_account(scene.user, lamports=77)
        with figure.timing(Measure.LEFT_AFTER):
            error = await heard.ended()
        assert isinstance(error, BadAccountData)
        assert why in str(error)


def silent(rpc: SolanaRpc) -> None:
    rpc.silence_websockets(3_600)


def frozen(rpc: SolanaRpc) -> None:
    rpc.set_tick(0)


def gone_back(rpc: SolanaRpc) -> None:
    rpc.set_tick(0)
    rpc.set_slot(rpc.slot - 3)


@pytest.mark.parametrize("fault", [silent, frozen, gone_back])
async def test_silence_ends_a_stream(
    rpc: SolanaRpc, scene: OnePosition, fault: Callable[[SolanaRpc], None], figure: Gauge
) -> None:
    async with listening(rpc, scene.user, settings=replace(QUICK, stream_silence_s=0.5), tries=5) as (heard, _):
        fault(rpc)
        with figure.timing(Measure.LEFT_AFTER):
            error = await heard.ended()
        assert isinstance(error, VenueUnavailable)
        assert "no new slot for 0.5 s" in str(error)


async def test_a_node_that_speaks_of_slots_alone_is_not_silent(rpc: SolanaRpc, scene: OnePosition) -> None:
    async with listening(rpc, scene.user) as (heard, _):
        rpc.inject(Withheld())
        for _ in range(4):
            last = heard.last.slot
            pass_by(QUICK.stream_silence_s / 2)
            await until(lambda last=last: heard.error or heard.last.slot > last + 5)  # type: ignore[misc]  # bound
        assert heard.error is None


def notification(subscription: int, slot: int) -> str:
    result = {"slot": slot, "parent": 1, "root": 1}
    return json.dumps(
        {"jsonrpc": "2.0", "method": "slotNotification", "params": {"result": result, "subscription": subscription}}
    )


BREAKS: dict[str, tuple[Callable[[SolanaRpc], object], str]] = {
    "cut": (lambda rpc: rpc.drop_websockets(), "broke off"),
    "closed": (lambda rpc: rpc.close_websockets(1001), r"closed the websocket \(1001\)"),
    "closed without a reason": (lambda rpc: rpc.close_websockets(1000), r"closed the websocket \(1000\)"),
    "words": (lambda rpc: rpc.say_over_websockets("we will be back soon"), "no notification"),
    "no object": (lambda rpc: rpc.say_over_websockets("[1, 2]"), "no notification"),
    "foreign subscription": (lambda rpc: rpc.say_over_websockets(notification(12_345, rpc.slot)), "never made"),
    "answer to nothing": (lambda rpc: rpc.say_over_websockets('{"id": 99999, "result": 5}'), "never made"),
    "error out of nowhere": (lambda rpc: rpc.say_over_websockets('{"error": {"message": "busy"}}'), "busy"),
    "endless message": (lambda rpc: rpc.say_over_websockets("x" * (2**20 + 1)), "longer than any"),
    "leap": (lambda rpc: rpc.advance(10_000), "leaps to slot"),
    "late accounts": (lambda rpc: rpc.inject(StaleSlot(slots=500), methods=[SUBSCRIBE]), "slots late"),
}


@pytest.mark.parametrize(("break_it", "why"), BREAKS.values(), ids=BREAKS)
async def test_a_connection_that_cannot_be_relied_on_ends_in_words(
    rpc: SolanaRpc, scene: OnePosition, break_it: Callable[[SolanaRpc], object], why: str, figure: Gauge
) -> None:
    async with listening(rpc, scene.user) as (heard, _):
        break_it(rpc)
        with figure.timing(Measure.LEFT_AFTER):
            error = await heard.ended()
        assert isinstance(error, VenueUnavailable)
        await heard.stop()
        with pytest.raises(VenueUnavailable, match=why):
            raise error
        assert SECRET not in str(error)


async def test_what_was_told_before_the_connection_broke_is_shown_first(rpc: SolanaRpc, scene: OnePosition) -> None:
    async with listening(rpc, scene.user) as (heard, _):
        rpc.set_oracle(scene.oracle, "101")
        rpc.close_websockets()
        await heard.ended()
        assert heard.price(scene.oracle) == 101


async def test_what_was_told_before_the_connection_broke_is_not_shown_later_than_it_broke(
    rpc: SolanaRpc, scene: OnePosition
) -> None:
    """Shown at its pace, it would pass for news when it is old, and the loss would be known as late."""
    slowly = replace(QUICK, slot_pace_s=60.0, stream_pace_s=60.0)
    async with listening(rpc, scene.user, settings=slowly) as (heard, _):
        rpc.set_oracle(scene.oracle, "101")
        rpc.close_websockets()
        await heard.ended()
        assert heard.price(scene.oracle) == 101


REFUSED: dict[str, tuple[Callable[[SolanaRpc], Injection], type[Exception], str]] = {
    "503": (lambda rpc: rpc.inject(HttpError(status=503), methods=[UPGRADE]), VenueUnavailable, "HTTP status 503"),
    "403": (lambda rpc: rpc.inject(HttpError(status=403), methods=[UPGRADE]), VenueRejected, "does not allow"),
    "404": (lambda rpc: rpc.inject(HttpError(status=404), methods=[UPGRADE]), VenueRejected, "no RPC at this path"),
    "redirect": (lambda rpc: rpc.inject(HttpError(status=302), methods=[UPGRADE]), VenueRejected, "not followed"),
    "429": (lambda rpc: rpc.inject(RateLimit(retry_after_s=9), methods=[UPGRADE]), VenueUnavailable, "429"),
    "no websocket": (lambda rpc: rpc.inject(Garbage(), methods=[UPGRADE]), VenueUnavailable, "HTTP status 200"),
    "cut": (lambda rpc: rpc.inject(Reset(), methods=[UPGRADE]), VenueUnavailable, "does not answer as a websocket"),
    "slow": (lambda rpc: rpc.inject(Delay(seconds=3_600), methods=[UPGRADE]), VenueUnavailable, "within 30 s"),
    "no subscriptions": (
        lambda rpc: rpc.inject(Refusal(code=-32_601, message=f"no plan for {SECRET}"), methods=[SUBSCRIBE]),
        VenueUnavailable, r"allows no subscription to the account \w+: no plan for \[secret\]",
    ),
    "no slots": (
        lambda rpc: rpc.inject(Refusal(message="not here"), methods=["slotSubscribe"]), VenueUnavailable,
        "no subscription to slots: not here",
    ),
    "some subscriptions": (
        lambda rpc: rpc.inject(Unanswered(), methods=[SUBSCRIBE], count=1), VenueUnavailable, "1 subscriptions unconf",
    ),
    "no reading": (lambda rpc: rpc.inject(HttpError(status=503), methods=[READ]), VenueUnavailable, "HTTP status 503"),
    "another cluster": (
        lambda rpc: rpc.inject(Refusal(code=-32_601), methods=["getGenesisHash"]), VenueRejected, "answered",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("refuse", "kind", "why"), REFUSED.values(), ids=REFUSED)
async def test_a_stream_that_cannot_begin_says_why(
    rpc: SolanaRpc, scene: OnePosition, refuse: Callable[[SolanaRpc], Injection], kind: type[Exception], why: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    refused = refuse(rpc)
    async with reader(rpc) as adapter:
        never_answers = isinstance(refused.fault, Delay | Unanswered)
        beginning = anext(adapter.stream([scene.user]))
        with pytest.raises(kind, match=why) as caught:
            await (given_up(beginning, heard=lambda: refused.hits) if never_answers else beginning)
        assert SECRET not in str(caught.value)
    assert SECRET not in "".join(record.getMessage() for record in caplog.records if record.name != "httpx")


async def test_a_redirect_is_not_followed_for_it_would_take_the_key_along(rpc: SolanaRpc, scene: OnePosition) -> None:
    async with SolanaRpc(scene.world, slots_per_s=25) as thief, reader(rpc) as adapter:
        rpc.inject(HttpError(status=307, location=f"{thief.ws_url}/{SECRET}"), methods=[UPGRADE])
        assert isinstance(await Heard(adapter, scene.user).ended(), VenueRejected)
        assert thief.calls == []
        assert thief.subscriptions.count == 0


async def test_a_node_that_is_somewhere_else_than_its_readings_is_refused(rpc: SolanaRpc, scene: OnePosition) -> None:
    async with SolanaRpc(replace(scene.world, slot=scene.world.slot + 9_000), slots_per_s=25) as elsewhere:
        settings = replace(QUICK, rpc_urls=(rpc.url,), ws_url=elsewhere.ws_url)
        adapter = connect(settings, clock=StillClock())
        heard = Heard(adapter, scene.user)
        error = await heard.ended()
        assert isinstance(error, VenueUnavailable)
        assert "slot" in str(error)
        await adapter.close()


async def test_a_node_behind_what_was_read_is_left(rpc: SolanaRpc, scene: OnePosition) -> None:
    async with SolanaRpc(replace(scene.world, slot=scene.world.slot - 5_000), slots_per_s=25) as behind:
        settings = replace(QUICK, rpc_urls=(rpc.url,), ws_url=behind.ws_url)
        adapter = connect(settings, clock=StillClock())
        heard = Heard(adapter, scene.user)
        while not heard.error:
            pass_by(QUICK.stream_silence_s / 4)  # never long enough to call it silent
            await asyncio.sleep(0.2)
        assert "behind what was already read" in str(await heard.ended())
        await adapter.close()


async def test_the_next_attempt_goes_to_the_next_endpoint_and_round_again(rpc: SolanaRpc, scene: OnePosition) -> None:
    async with SolanaRpc(scene.world, slots_per_s=25) as second, reader(rpc, second) as adapter:
        for node, other in ((rpc, second), (second, rpc), (rpc, second)):
            heard = Heard(adapter, scene.user)
            await heard.begun()
            assert node.subscriptions.count > 0
            assert other.subscriptions.count == 0
            node.drop_websockets()
            await heard.ended()
            await gone_from(node)


async def test_one_endpoint_without_websockets_is_no_reason_to_give_up(rpc: SolanaRpc, scene: OnePosition) -> None:
    rpc.inject(HttpError(status=404), methods=[UPGRADE])
    async with SolanaRpc(scene.world, slots_per_s=25) as second, reader(rpc, second) as adapter:
        first = await Heard(adapter, scene.user).ended()
        assert isinstance(first, VenueUnavailable)
        heard = Heard(adapter, scene.user)
        await heard.begun()
        second.inject(HttpError(status=404), methods=[UPGRADE])
        second.drop_websockets()
        await heard.ended()
        assert isinstance(await Heard(adapter, scene.user).ended(), VenueUnavailable)
        assert isinstance(await Heard(adapter, scene.user).ended(), VenueRejected), "now there is nothing left"


async def test_an_endpoint_that_asks_for_a_pause_gets_it(rpc: SolanaRpc, scene: OnePosition) -> None:
    limit = rpc.inject(RateLimit(retry_after_s=9), methods=[UPGRADE])
    async with reader(rpc) as adapter:
        for _ in range(2):
            assert "429" in str(await Heard(adapter, scene.user).ended())
        assert limit.hits == 1
