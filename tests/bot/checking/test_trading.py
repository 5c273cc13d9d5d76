"""keel check looks at trading: what is allowed, where orders go, who signs them, who has to agree, what is in force."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.checking.facts import Fact, Standing, passed
from bot.checking.trading import look
from bot.config import Settings, load_settings
from risk.decisions.proposals import LegEvent
from risk.model.proposal import Purpose
from risk.model.trading import TradingState
from storage import Grant, LinkClaim, LinkedPerson, People, Pins, Role, Store, TradingStates
from tests.storage.builders import NOW
from tests.storage.trading_builders import Desk, make_draft, make_legs, make_standing, make_stop
from tests.support.drift_trading import account_id, key_file, trading_world
from tests.support.solana_rpc import SolanaRpc, running_rpc

PAPER = "demo-0"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def rpc() -> Iterator[SolanaRpc]:
    with running_rpc(trading_world()) as running:
        yield running


def on_paper(folder: Path, **changes: Any) -> Settings:
    """A bot that trades on paper, and on nothing else that the machine has."""
    given: dict[str, Any] = {"trading_enabled": True, "database_path": folder / "keel.sqlite3"}
    return load_settings(None, **(given | changes))


def on_drift(folder: Path, rpc: SolanaRpc, **changes: Any) -> Settings:
    given: dict[str, Any] = {
        "venue": "drift", "rpc_urls": rpc.url, "accounts": f"{account_id()}=main", "data_url": "off",
        "key_file": str(key_file(folder)),
    }  # fmt: skip
    return on_paper(folder, **(given | changes))


async def people(store: Store, *grants: Grant) -> list[LinkedPerson]:
    """Everybody has one grant; the owner comes first, who may do everything."""
    found: list[LinkedPerson] = []
    for number, grant in enumerate((None, *grants)):
        here = People(store)
        if grant is None:
            code = await here.issue_link_code(NOW, Role.ADMIN, timedelta(hours=1), owner=True)
        else:
            code = await here.invite([grant], by=found[0].person_id, now=NOW, ttl=timedelta(hours=1))
        claim = LinkClaim(
            person_id=f"p{number}", transport="telegram", user_id=str(number), display_name="Ann", chat=str(number)
        )
        person = await here.redeem_link_code(code, claim, NOW)
        assert isinstance(person, LinkedPerson)
        found.append(person)
    return found


def of(found: list[Fact], subject: str) -> Fact:
    (one,) = (fact for fact in found if fact.subject == subject)
    return one


async def test_trading_that_is_off_is_one_fact_and_no_key_is_looked_at(tmp_path: Path) -> None:
    settings = on_paper(tmp_path, trading_enabled=False, key_file="/nowhere/key.json")
    (off,) = await look(settings, NOW, 1.0)
    assert (off.standing, off.text) == (Standing.OK, "switched off: nothing is proposed and nothing goes out")


async def test_on_paper_everything_that_bounds_it_is_said(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "keel.sqlite3") as store:
        await people(store)
        found = await look(on_paper(tmp_path), NOW, 1.0)
    assert {fact.subject: fact.text for fact in found} == {
        "trading": "switched on, for orders that only reduce",
        "caps": "$10,000 an order, $50,000 a day and account, $25,000 under a standing approval; at most 0.5% worse "
        "than quoted; a card is good for 120 s",
        "orders": "go to paper money, which lives inside Keel",
        "trading state": "active",
        "approvals": "one trader's yes is enough",
    }
    assert {fact.standing for fact in found} == {Standing.OK}


async def test_orders_that_may_enlarge_are_worth_a_word(tmp_path: Path) -> None:
    found = await look(on_paper(tmp_path, trading_reduce_only=False, trading_daily_usd=500.0), NOW, 1.0)
    for subject in ("trading", "caps"):
        assert of(found, subject).standing is Standing.ADVICE
        assert of(found, subject).remedy


async def test_a_rule_for_an_account_nobody_watches_is_wrong(tmp_path: Path) -> None:
    (wrong,) = await look(on_paper(tmp_path, trading_approvals="fund=2@0"), NOW, 1.0)
    assert (wrong.standing, wrong.subject) == (Standing.WRONG, "approvals")
    assert "names fund, which is not watched" in wrong.text
    assert "(main)" in wrong.remedy


async def test_a_quorum_of_more_people_than_there_are_is_wrong(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "keel.sqlite3") as store:
        await people(store, Grant(account_id=PAPER, role=Role.VIEWER))
        settings = on_paper(tmp_path, trading_approvals="2@10000")
        wrong = of(await look(settings, NOW, 1.0), "approvals")
        assert wrong.standing is Standing.WRONG
        assert wrong.text == "more than $10,000 of main takes 2 approvals, and 1 may trade it"
        await people_more(store, Role.TRADER)
        assert of(await look(settings, NOW, 1.0), "approvals").standing is Standing.OK


async def people_more(store: Store, role: Role) -> None:
    here = People(store)
    code = await here.invite([Grant(account_id=PAPER, role=role)], by="p0", now=NOW, ttl=timedelta(hours=1))
    claim = LinkClaim(person_id="more", transport="telegram", user_id="99", display_name="Bob", chat="99")
    assert isinstance(await here.redeem_link_code(code, claim, NOW), LinkedPerson)


async def test_a_pin_that_nobody_has_is_wrong_and_one_that_some_lack_is_advice(tmp_path: Path) -> None:
    settings = on_paper(tmp_path, trading_pin_above_usd=1_000.0)
    async with await Store.open(tmp_path / "keel.sqlite3") as store:
        owner, trader = await people(store, Grant(account_id=PAPER, role=Role.TRADER))
        nobody = of(await look(settings, NOW, 1.0), "PIN")
        await Pins(store).set(owner.person_id, "4711", now=NOW)
        some = of(await look(settings, NOW, 1.0), "PIN")
        await Pins(store).set(trader.person_id, "4712", now=NOW)
        everybody = of(await look(settings, NOW, 1.0), "PIN")
    assert [one.standing for one in (nobody, some, everybody)] == [Standing.WRONG, Standing.ADVICE, Standing.OK]
    assert nobody.text == "a Confirm from $1,000 on takes a PIN, and nobody who may trade has one"
    assert "1 of 2" in some.text
    assert "keel pin set" in nobody.remedy


@pytest.mark.parametrize(
    ("state", "by", "standing", "text"),
    [
        (TradingState.HALTED, "keel", Standing.WRONG, "by Keel itself: an order nobody knows"),
        (TradingState.HALTED, "p0", Standing.ADVICE, "by Ann: an order nobody knows"),
        (TradingState.REDUCING, "p0", Standing.ADVICE, "REDUCING since "),
    ],
)
async def test_trading_that_was_stopped_is_said_with_who_did_it(
    tmp_path: Path, state: TradingState, by: str, standing: Standing, text: str
) -> None:
    async with await Store.open(tmp_path / "keel.sqlite3") as store:
        await people(store)
        await TradingStates(store).set(state, by=by, reason="an order nobody knows", now=NOW)
        found = of(await look(on_paper(tmp_path), NOW, 1.0), "trading state")
    assert found.standing is standing
    assert text in found.text
    assert "/resume" in found.remedy


async def test_a_standing_approval_in_force_is_said_with_what_is_left(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "keel.sqlite3") as store:
        await people(store)
        desk = await Desk.over(store)
        draft = make_draft(purpose=Purpose.ARM, legs=(), standing=replace(make_standing(), account_id=PAPER))
        await desk.press(await desk.put(replace(draft, account_id=PAPER)))
        found = await look(on_paper(tmp_path), NOW, 1.0)
    assert of(found, "standing approval S1").text == (
        "in force for main in SOL-PERP: $1,000 of $1,000 left until 5 Jan 2026 20:00 UTC; /disarm ends it"
    )


async def test_orders_that_rest_while_trading_is_off_are_said(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "keel.sqlite3") as store:
        desk = await Desk.over(store)
        draft = make_draft(legs=make_legs(make_stop()), purpose=Purpose.STOP)
        await desk.leg(await desk.executing(draft), LegEvent.SIGNED, LegEvent.SENT, LegEvent.LANDED, LegEvent.RESTS)
        off = await look(on_paper(tmp_path, trading_enabled=False), NOW, 1.0)
        on = await look(on_paper(tmp_path), NOW, 1.0)
    assert of(off, "resting orders").standing is Standing.ADVICE
    assert of(off, "resting orders").text == "1 order of Keel's rests at the venue although trading is off"
    assert of(on, "resting orders").standing is Standing.OK


SPOIL: dict[str, tuple[Callable[[Path], dict[str, Any]], str, Standing, str]] = {
    "its delegate's key": (lambda _: {}, "key file", Standing.OK, "its key is the delegate"),
    "no key": (lambda _: {"key_file": ""}, "orders", Standing.WRONG, "and no key signs any"),
    "a key others can read": (
        lambda folder: {"key_file": str(with_mode(folder, 0o440))}, "key file", Standing.WRONG, "mode 0440",
    ),
    "no such file": (
        lambda folder: {"key_file": str(folder / "none.json")}, "key file", Standing.WRONG, "cannot be opened",
    ),
    "the owner's key": (
        lambda folder: {"key_file": str(key_file(folder, "ann"))}, "key file", Standing.WRONG, "owns main",
    ),
    "the owner's key on purpose": (
        lambda folder: {"key_file": str(key_file(folder, "ann")), "allow_owner_key": True}, "key file",
        Standing.ADVICE, "as ALLOW_OWNER_KEY allows",
    ),
    "a stranger's key": (
        lambda folder: {"key_file": str(key_file(folder, "eve"))}, "key file", Standing.WRONG,
        "is not the delegate of main",
    ),
    "a node elsewhere": (
        lambda _: {"rpc_urls": "https://rpc.example.com/x"}, "orders", Standing.WRONG, "rpc.example.com is not this",
    ),
    "a node that is down": (
        lambda _: {"rpc_urls": "http://127.0.0.1:9"}, "key file", Standing.ADVICE, "nobody could be asked",
    ),
}  # fmt: skip


def with_mode(folder: Path, mode: int) -> Path:
    path = key_file(folder, "eve")
    path.chmod(mode)
    return path


@pytest.mark.parametrize(("changes", "subject", "standing", "text"), SPOIL.values(), ids=SPOIL)
async def test_where_orders_go_and_whose_key_signs_them(
    tmp_path: Path, rpc: SolanaRpc, changes: Callable[[Path], dict[str, Any]], subject: str, standing: Standing,
    text: str,
) -> None:  # fmt: skip
    found = await look(on_drift(tmp_path, rpc, **changes(tmp_path)), NOW, 5.0)

    fact = of(found, subject)
    assert fact.standing is standing, fact
    assert text in fact.text
    assert passed(found) is (standing is not Standing.WRONG)
    assert fact.remedy or standing is Standing.OK
