"""kill -9 while orders go out: none goes out twice, none without a yes, and none is lost without a word.

``python -m benchmarks.order_kills`` does it 1,000 times.
"""

import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

pytest.importorskip("driftpy", reason="orders on drift need driftpy; install keel[drift] from its lock")

from risk.decisions.proposals import LEGS, PROPOSALS, LegEvent, ProposalEvent
from tests.support.drift_program import arrived
from tests.support.order_kills.moments import NEVER_SEEN, SCENES, crash_point
from tests.support.order_kills.node import Transaction, Truth
from tests.support.order_kills.run import ROOT, Harvest, harvest, toll
from tests.support.order_kills.verdict import Verdict, verdict

KILLS = 100
EXECUTION = ROOT / "bot" / "trading" / "execution.py"
FOREIGN = ("telegram", "discord", "matplotlib", "prompt_toolkit", "apprise", "bot.app", "bot.commands")
# What a press and the legs bring about by themselves; the desk and storage have moments of their own for these.
BY_OTHERS = {
    ProposalEvent.VOTED, ProposalEvent.APPROVED, ProposalEvent.REVISED, ProposalEvent.COMPLETED,
    ProposalEvent.PARTLY_COMPLETED, ProposalEvent.CAME_TO_NOTHING,
}  # fmt: skip


@pytest.mark.timeout(300)
async def test_a_hundred_kills_send_no_order_twice_none_unasked_and_lose_none() -> None:
    found = await toll(KILLS, at_once=2, seed=5)

    assert not found.duplicates
    assert not found.unapproved
    assert not found.lost
    assert not found.wrong
    assert set(SCENES) <= set(found.at), "every named moment came"
    assert found.signer_kills, "the signer died as well"
    assert sum(one.landed for one in found.verdicts) > KILLS / 3, "orders went out all the while"


def test_every_state_change_is_a_moment_to_die_at() -> None:
    named = {crash_point(moment) for moment in SCENES}
    of_legs = {f"leg {event.value}" for _, event in LEGS if event not in NEVER_SEEN}
    of_proposals = {event.value for _, event in PROPOSALS if event not in BY_OTHERS}
    assert {f"leg {event.value}" for event in LegEvent if event not in NEVER_SEEN} == of_legs
    assert of_legs | of_proposals <= named
    assert {"voted", "pressed", "revised", "proposed"} <= named
    literal = {line.split('"')[1] for line in EXECUTION.read_text().splitlines() if '_crash_point("' in line}
    assert literal <= named


def test_the_bot_that_is_killed_is_a_desk_alone() -> None:
    code = "import sys, tests.support.order_kills.worker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "bot.trading.execution" in loaded
    assert not {name for name in loaded if name.startswith(FOREIGN)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harvested() -> AsyncIterator[Harvest]:
    async with harvest(0, 12, seed=3) as found:
        yield found


def _first(truth: Truth, wanted: Callable[[Transaction], bool]) -> int:
    return next(at for at, one in enumerate(truth.transactions) if wanted(one))


def _with(truth: Truth, at: int, **changes: object) -> Truth:
    changed = replace(truth.transactions[at], **changes)  # type: ignore[arg-type]  # fields of it
    return replace(truth, transactions=(*truth.transactions[:at], changed, *truth.transactions[at + 1 :]))


def _moved(one: Transaction) -> bool:
    return one.landed and bool(one.moved)


def _landed_twice(truth: Truth) -> Truth:
    return replace(truth, transactions=(*truth.transactions, truth.transactions[_first(truth, _moved)]))


def _unknown_bytes(truth: Truth) -> Truth:
    return _with(truth, _first(truth, _moved), signature="never stored")


def _other_order(truth: Truth) -> Truth:
    at = _first(truth, _moved)
    raw = truth.transactions[at].raw
    (order,) = [one for call in arrived(raw) for one in call.orders]
    size = order.base_1e9
    return _with(truth, at, raw=raw.replace(size.to_bytes(8, "little"), (2 * size).to_bytes(8, "little")))


def _never_landed(truth: Truth) -> Truth:
    return _with(truth, _first(truth, _moved), landed=False, moved={})


def _filled_more(truth: Truth) -> Truth:
    at = _first(truth, _moved)
    return _with(truth, at, moved={index: 2 * by for index, by in truth.transactions[at].moved.items()})


def _other_position(truth: Truth) -> Truth:
    return replace(truth, positions={index: base + 1 for index, base in truth.positions.items()})


def _other_orders(truth: Truth) -> Truth:
    return replace(truth, orders=truth.orders ^ {4_000_000_000})


@pytest.mark.parametrize(
    ("tampered", "what"),
    [
        (_landed_twice, "duplicates"),
        (_unknown_bytes, "unapproved"),
        (_other_order, "unapproved"),
        (_never_landed, "wrong"),
        (_filled_more, "wrong"),
        (_other_position, "wrong"),
        (_other_orders, "wrong"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_the_verdict_notices(harvested: Harvest, tampered: Callable[[Truth], Truth], what: str) -> None:
    assert (await verdict(harvested.database, harvested.truth)).sound
    found = await verdict(harvested.database, tampered(harvested.truth))
    assert getattr(found, what)


LOSSES: dict[str, str] = {
    "an approved proposal that never ended": "UPDATE proposals SET state = 'executing', finished_at = NULL",
    "an end without a word": "UPDATE proposals SET reason = '', state = 'failed'",
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.asyncio(loop_scope="module")
async def test_the_verdict_misses(harvested: Harvest, tmp_path: Path, loss: str) -> None:

    copy = tmp_path / "copy.db"
    with sqlite3.connect(harvested.database) as whole, sqlite3.connect(copy) as part:
        whole.backup(part)
        part.execute(LOSSES[loss])
    found: Verdict = await verdict(copy, harvested.truth)
    assert found.lost
