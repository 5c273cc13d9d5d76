"""keel check looks at trading: what is allowed, where orders go, who signs them, who has to agree, what is in force."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.checking import signing
from bot.checking.facts import Fact, Standing, passed
from bot.checking.trading import look
from bot.config import Settings, load_settings
from bot.signer.intent import Enter
from risk.decisions.proposals import LegEvent
from risk.model.proposal import Purpose
from risk.model.trading import TradingState
from storage import (
    Accounts,
    Epochs,
    EquityLog,
    Grant,
    LinkClaim,
    LinkedPerson,
    People,
    Pins,
    Role,
    SeenJournal,
    SignerMemory,
    Store,
    TradingStates,
    WatchedAccount,
)
from tests.storage.builders import NOW, make_sample
from tests.storage.trading_builders import Desk, make_draft, make_legs, make_standing, make_stop
from tests.support.drift_trading import DELEGATE, OWNER, account_id, trading_world
from tests.support.signer_process import AccountLines, SignerProcess, signer_process
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


async def test_trading_that_is_off_is_one_fact_and_no_signer_is_asked(tmp_path: Path) -> None:
    settings = on_paper(tmp_path, trading_enabled=False, signer_socket="/nowhere/signer.sock")
    off, signer = await look(settings, NOW, 1.0)
    assert (off.standing, off.text) == (Standing.OK, "switched off: nothing is proposed and nothing goes out")
    assert "nobody asks while trading is switched off" in signer.text


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


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., SignerProcess]]:
    """Signers by what is special about them, each started once."""
    pytest.importorskip("solders", reason="the signer needs solders; install keel[solana]")
    running: dict[str, SignerProcess] = {}
    with contextlib.ExitStack() as stack:

        def find(name: str, **special: Any) -> SignerProcess:
            if name not in running:
                folder = tmp_path_factory.mktemp("signer")
                given: dict[str, Any] = {"venue": "drift", "accounts": [AccountLines.of(OWNER)], "key": DELEGATE}
                running[name] = stack.enter_context(signer_process(folder, **(given | special)))
            return running[name]

        yield find


# One signer of a file that is narrow in every way.
NARROW: dict[str, Any] = {"order_lasts_at_most_s": 60, "stops_without_limit": False, "daily_cancels": 0}
SPOIL: dict[str, tuple[dict[str, Any], dict[str, Any], str, Standing, str]] = {
    "its delegate's key": ({}, {}, "signer's key", Standing.OK, "it is the delegate"),
    "all that it allows": (
        {"daily_usd": 5_000, "max_order_usd": 250}, {}, "signer's caps", Standing.OK, "$250 an order, $5,000 a day",
    ),
    "a market's caps": (
        {}, {}, "signer's market", Standing.OK, "SOL-PERP: 1,000 an order, 100,000 a day, between $50.00 and $500",
    ),
    "only what reduces": ({}, {}, "signer's orders", Standing.OK, "only those that reduce"),
    "also what adds": ({"reduce_only": False}, {}, "signer's orders", Standing.ADVICE, "add to a position"),
    "orders that last too long": (
        NARROW, {}, "signer's orders", Standing.WRONG, "an order lasts 120 s here and 60 s at most there",
    ),
    "no stops": (NARROW, {}, "signer's stops", Standing.ADVICE, "so /stop and /sleep are refused"),
    "any stops": ({}, {}, "signer's stops", Standing.OK, "which fill at whatever price there is"),
    "nothing left to cancel": (
        NARROW, {}, "signer's caps", Standing.WRONG, "/halt and /cancel take nothing off",
    ),
    "the same user": ({}, {}, "signer's user", Standing.ADVICE, "can read its key file; who may ask: user"),
    "the owner's key": (
        {"key": OWNER, "allow_owner_key": True}, {}, "signer's key", Standing.WRONG, "it owns main and can withdraw",
    ),
    "the owner's key on purpose": (
        {"key": OWNER, "allow_owner_key": True}, {"allow_owner_key": True}, "signer's key", Standing.ADVICE,
        "as ALLOW_OWNER_KEY allows",
    ),
    "a stranger's key": ({"key": "eve"}, {}, "signer's key", Standing.WRONG, "it is not the delegate of main"),
    "another account": (
        {"accounts": [AccountLines.of("bob")]}, {}, "signer", Standing.WRONG, "it signs nothing for main",
    ),
    "another venue": (
        {"venue": "paper", "accounts": ["demo-0"]}, {}, "signer", Standing.WRONG, "signs for paper, and orders go to",
    ),
    "a stranger itself": (
        {"allowed_uids": [4_711], "answers": False}, {}, "signer", Standing.WRONG, "it refuses to say who it is: user",
    ),
    "a node that is down": (
        {}, {"rpc_urls": "http://127.0.0.1:9"}, "signer's key", Standing.ADVICE, "nobody could be asked",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("special", "changes", "subject", "standing", "text"), SPOIL.values(), ids=SPOIL)
async def test_who_signs_and_within_what(
    tmp_path: Path, rpc: SolanaRpc, signers: Callable[..., SignerProcess], special: dict[str, Any],
    changes: dict[str, Any], subject: str, standing: Standing, text: str,
) -> None:  # fmt: skip
    signer = signers(repr(special), **special)
    settings = on_drift(tmp_path, rpc, signer_socket=str(signer.socket), **changes)
    found = await look(settings, NOW, 20.0)

    (fact,) = (one for one in found if one.subject == subject and text in one.text)
    assert fact.standing is standing, fact
    assert fact.remedy or standing is Standing.OK
    if standing is Standing.WRONG:
        assert not passed(found)
    assert of(found, "orders").text.startswith("go to drift through 127.0.0.1")


async def test_a_check_takes_nothing_over_from_the_bot_that_runs(
    tmp_path: Path, rpc: SolanaRpc, signers: Callable[..., SignerProcess]
) -> None:
    signer = signers("{}")
    before = signer.state.joinpath("journal-000001.jsonl").read_bytes()
    assert passed(await look(on_drift(tmp_path, rpc, signer_socket=str(signer.socket)), NOW, 20.0))
    assert signer.state.joinpath("journal-000001.jsonl").read_bytes() == before


async def test_a_bot_that_another_one_has_taken_over_from_is_not_said_to_trade(
    tmp_path: Path, rpc: SolanaRpc, signers: Callable[..., SignerProcess]
) -> None:
    signer = signers("entered by another")
    settings = on_drift(tmp_path, rpc, signer_socket=str(signer.socket))
    async with await Store.open(tmp_path / "keel.sqlite3") as store:
        epoch = await Epochs(store).take(NOW)
    assert of(await look(settings, NOW, 20.0), "trading state").text == "active"
    signer.ask(Enter(epoch=epoch + 1))
    state = of(await look(settings, NOW, 20.0), "trading state")
    assert (state.standing, "another Keel process" in state.text) == (Standing.WRONG, True)


async def test_without_a_signer_nothing_is_sent_on_drift_and_nothing_is_missing_on_paper(
    tmp_path: Path, rpc: SolanaRpc
) -> None:
    wrong = of(await look(on_drift(tmp_path, rpc), NOW, 5.0), "orders")
    assert (wrong.standing, "nobody signs any" in wrong.text) == (Standing.WRONG, True)
    assert "SIGNER_SOCKET" in wrong.remedy
    assert of(await look(on_paper(tmp_path), NOW, 5.0), "orders").standing is Standing.OK


async def test_a_signer_that_does_not_answer_is_wrong_on_every_venue(tmp_path: Path) -> None:
    wrong = of(await look(on_paper(tmp_path, signer_socket=str(tmp_path / "none.sock")), NOW, 5.0), "signer")
    assert wrong.standing is Standing.WRONG
    assert "it does not answer: there is no socket" in wrong.text


async def test_caps_that_are_wider_than_what_the_account_holds_are_worth_a_word(
    tmp_path: Path, rpc: SolanaRpc, signers: Callable[..., SignerProcess]
) -> None:
    signer = signers("wide", daily_usd=5_000)
    async with await Store.open(tmp_path / "keel.sqlite3") as store:
        watched = WatchedAccount(account_id=account_id(), venue="drift", nickname="main", added_at=NOW)
        await Accounts(store).watch(watched)
        await EquityLog(store).record([replace(make_sample(account_id=account_id()), equity_usd=4_000.0)])
        found = of(await look(on_drift(tmp_path, rpc, signer_socket=str(signer.socket)), NOW, 20.0), "signer's caps")
    assert found.standing is Standing.ADVICE
    assert "$5,000 a day" in found.text
    assert "wider than the $4,000 that its accounts hold" in found.text


async def test_a_journal_that_is_not_the_one_that_was_seen_is_wrong(
    tmp_path: Path, rpc: SolanaRpc, signers: Callable[..., SignerProcess]
) -> None:
    settings = on_drift(tmp_path, rpc, signer_socket=str(signers("{}").socket))
    async with await Store.open(tmp_path / "keel.sqlite3") as store:
        await SignerMemory(store).see(SeenJournal(journal="another", rows=1, head=""))
        found = of(await look(settings, NOW, 20.0), "signer's journal")
    assert found.standing is Standing.WRONG
    assert "keeps another journal than before" in found.text
    assert "/resume takes it as it is" in found.remedy


def test_the_setting_of_earlier_versions_is_said_to_be_left_over() -> None:
    (found,) = signing.left_over({"KEY_FILE": "/home/ann/key.json"})
    assert (found.standing, "/home/ann" in found.text) == (Standing.ADVICE, False)
    assert signing.left_over({"SIGNER_SOCKET": "/run/keel-signer/signer.sock"}) == []
