"""Nobody sees a byte of an account they have no role for, whatever they type or press, and wherever.

What somebody is answered must not depend on accounts they may not see: it is the same whether those are well or in
liquidation, and the name of one means as little as a name nobody has.
"""

import asyncio
import re
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.alerts.desk import Finding
from bot.commands.registry import all_commands, all_presses
from bot.messages import Picture, TryAgain
from bot.sight import SeenIncidents
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from risk.model.account import AccountSnapshot
from storage import Role
from tests.risk.builders import make_account, make_balance, make_position
from tests.support.bot_world import HOME, BotWorld, bot_world
from tests.support.recording_transport import Sent
from tests.support.team import group, member

EVERY_COMMAND = sorted(all_commands())
EVERY_PRESS = sorted(all_presses(all_commands()))
SEEN, HIDDEN, NOBODY = "alpha", "qxqxq", "zxzxz"
HIDDEN_ID = f"account-of-{HIDDEN}"
SECRETS = (HIDDEN, HIDDEN_ID, "BTC-PERP", "77,7", "77.7K", "77.8K", "3.3333")

ARGUMENTS = (
    "", "{account}", "1", "2 1h", "{account} leverage 3", "{account} critical 130", "critical 130", "viewer {account}",
    "viewer alpha for Eve", "name {account} mine", "name alpha {account}", "default {account}", "Owner",
    "Owner none {account}", "now", "08:00", "account {account}", "zone Mars/Olympus", "{account} 7d dark", "distance",
    "all", "alpha {account}", "SOL-PERP 1h", "NOSUCH-PERP",
)  # fmt: skip


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a picture shows is said beside it as well."""
    for name in ("equity_chart", "health_chart", "distance_chart"):
        monkeypatch.setattr(f"bot.commands.chart.{name}", lambda *args, **given: b"PNG")
    monkeypatch.setattr("bot.digests.compose.equity_chart", lambda *args, **given: b"PNG")


def rich() -> AccountSnapshot:
    """The hidden account while it is well."""
    return make_account(make_position(3.3333, entry_usd=50_000.0, market_index=1), usdc=77_777.77)


def ruined() -> AccountSnapshot:
    """The same in liquidation, with other figures."""
    return make_account(
        make_position(7.7777, entry_usd=50_000.0, market_index=1), usdc=10_000.0, balances=[make_balance(77.77)],
        being_liquidated=True,
    )  # fmt: skip


async def told(world: BotWorld, user: str, text: str, *, chat: str = "", private: bool = True) -> str:
    """Everything somebody is answered, pictures described, with buttons. Handles of cards are random."""
    heard = await world.say(text, user=user, chat=chat or user, private=private)
    return "\n".join(shown(one) for one in heard)


def shown(one: Sent) -> str:
    buttons = [f"{button.label} {button.data}" for row in one.message.buttons for button in row]
    pictures = [f"{block.name} {block.alt}" for block in one.message.blocks if isinstance(block, Picture)]
    text = "\n".join((one.text, *buttons, *pictures))
    text = re.sub(r"[0-9a-f]{24}|(?<=:)[-_A-Za-z0-9]{16}(?=\n|$)", "HANDLE", text)
    return re.sub(r"[0-9A-HJKMNP-Z]{4}-[0-9A-HJKMNP-Z]{4}", "CODE", text)


async def everything(
    hidden: AccountSnapshot, texts: Sequence[str], *, role: Role, chat: str = "", private: bool = True
) -> list[str]:
    """What Eve hears to each text, while the account she may not see is in some state."""
    async with bot_world(SEEN, HIDDEN, limits=None) as world:
        eve = await member(world, "eve", role, SEEN)
        await group(world, "desk", SEEN)
        world.reader.accounts[HIDDEN_ID] = make_account(usdc=1.0)
        await world.check(140)
        await world.app.limits.check()
        await world.app.equity.record()
        # What happens to the other one comes behind, for alerts are numbered one after the other.
        world.reader.accounts[HIDDEN_ID] = hidden
        for _ in range(3):
            await world.check()
        await world.app.limits.check()
        await world.app.equity.record()
        await world.deliver()
        heard = [sent for sent in world.transport.sent if sent.chat in ("eve", "desk")]
        assert eve.person_id
        answers = [shown(one) for one in heard]
        for text in texts:
            answers.append(await told(world, "eve", text, chat=chat, private=private))
        return answers


@pytest.mark.parametrize(
    ("role", "chat", "private"),
    [(Role.VIEWER, "", True), (Role.ADMIN, "", True), (Role.ADMIN, "desk", False), (Role.ADMIN, "unlinked", False)],
)
async def test_no_answer_depends_on_an_account_one_may_not_see(role: Role, chat: str, *, private: bool) -> None:
    texts = [f"/{command} {words}".format(account=NOBODY) for command in EVERY_COMMAND for words in ARGUMENTS]
    well = await everything(rich(), texts, role=role, chat=chat, private=private)
    ill = await everything(ruined(), texts, role=role, chat=chat, private=private)

    for asked, one, other in zip(["", *texts], well[-len(texts) - 1 :], ill[-len(texts) - 1 :], strict=True):
        assert one == other, asked
    assert well == ill
    for answer in well:
        assert not [secret for secret in SECRETS if secret in answer], answer


@pytest.mark.parametrize(("role", "chat", "private"), [(Role.ADMIN, "", True), (Role.VIEWER, "desk", False)])
@pytest.mark.parametrize(("asked", "nobody"), [(HIDDEN, NOBODY), (HIDDEN_ID, f"account-of-{NOBODY}")])
async def test_a_name_one_may_not_see_is_a_name_nobody_has(
    asked: str, nobody: str, role: Role, chat: str, *, private: bool
) -> None:
    words = [f"/{command} {words}" for command in EVERY_COMMAND for words in ARGUMENTS if "{account}" in words]
    theirs = [one.format(account=asked) for one in words]
    nobodys = [one.format(account=nobody) for one in words]
    named = await everything(rich(), theirs, role=role, chat=chat, private=private)

    # A name that is too long for its place is cut.
    assert [one.replace(asked, nobody).replace(asked[:12], nobody[:12]) for one in named] == await everything(
        rich(), nobodys, role=role, chat=chat, private=private
    )


WORDS = st.sampled_from(
    [*(f"/{name}" for name in EVERY_COMMAND), SEEN, HIDDEN_ID, "1", "2", "3", "off", "all", "viewer"]
)


@settings(
    max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(st.lists(WORDS, min_size=1, max_size=5).map(" ".join), max_size=12), st.sampled_from(list(Role)))
def test_whatever_is_typed_says_nothing_of_it(texts: list[str], role: Role) -> None:
    echoes = re.compile(re.escape(HIDDEN_ID))
    for answer in asyncio.run(everything(ruined(), texts, role=role)):
        assert not [secret for secret in SECRETS if secret in echoes.sub("", answer)], answer


async def status_of(world: BotWorld, number: int) -> str:
    incident = await world.app.services.incidents.find(number)
    assert incident is not None
    return incident.status.value


async def test_a_responder_of_one_account_answers_no_alert_of_another() -> None:
    async with bot_world(SEEN, HIDDEN) as world:
        await member(world, "eve", Role.RESPONDER, SEEN)
        await member(world, "bob", Role.VIEWER, HIDDEN)
        world.put(110, HIDDEN_ID)
        await world.check(400)
        assert await world.press("ack:1", user="eve") == "There is no alert #1."
        assert await world.press("snooze:1:60", user="eve") == "There is no alert #1."
        assert await world.press("details:1", user="eve") == "There is no alert #1."
        assert (await told(world, "eve", "/ack 1")).startswith("There is no alert #1.")
        # Somebody who may see it and holds too little is told so.
        assert await world.press("ack:1", user="bob") == "This needs the role responder; yours is viewer."
        assert await status_of(world, 1) == "open"

        await world.check(110)
        assert (await world.press("ack:2", user="eve")).startswith("Acked alert #2.")
        assert await status_of(world, 1) == "open"


async def test_a_role_for_one_account_is_no_role_for_another_that_may_be_seen() -> None:
    async with bot_world(SEEN, HIDDEN, limits=None) as world:
        eve = await member(world, "eve", Role.ADMIN, SEEN)
        await member(world, "eve", Role.VIEWER, HIDDEN)
        world.put(110, HIDDEN_ID)
        await world.check(400)

        assert await world.press("ack:1", user="eve") == (
            "This needs the role responder for the account of this alert; yours is viewer."
        )
        assert (await told(world, "eve", f"/limits {HIDDEN} leverage 3")).startswith("Only an admin may change limits.")
        card = await world.say(f"/limits {HIDDEN} leverage 3")
        notice = await world.press(card[0].data("Confirm"), user="eve", ref=card[0].ref)
        assert notice == f"This needs the role admin for {HIDDEN}; yours is viewer."
        assert eve.access.roles


async def test_what_concerns_everybody_is_seen_and_answered_by_everybody_linked() -> None:
    async with bot_world(SEEN, HIDDEN) as world:
        await member(world, "eve", Role.RESPONDER, SEEN)
        await world.check(400)
        venue = Cause(kind=CauseKind.DATA, subject="venue")
        await world.app.desk.settle([Finding(cause=venue, tier=Tier.UNKNOWN, fact="nobody answers")])

        assert "#1 UNKNOWN all accounts" in await told(world, "eve", "/alerts")
        assert (await world.press("ack:1", user="eve")).startswith("Acked alert #1.")


async def test_what_could_not_be_delivered_is_for_who_may_see_all_accounts() -> None:
    async with bot_world(SEEN, HIDDEN) as world:
        await member(world, "eve", Role.ADMIN, SEEN)
        before = await told(world, "eve", "/alerts")
        world.transport.fail(HOME, TryAgain("down"))
        world.put(110, HIDDEN_ID)
        await world.check(400)

        assert "Not delivered: 1 waiting" in (await world.say("/alerts", chat="elsewhere"))[0].text
        assert await told(world, "eve", "/alerts") == before


async def test_no_incident_of_another_account_is_found_by_its_number() -> None:
    async with bot_world(SEEN, HIDDEN) as world:
        world.put(110, HIDDEN_ID)
        await world.check(110)
        eve = await member(world, "eve", Role.ADMIN, SEEN)
        incidents = SeenIncidents(world.app.services.incidents, eve.access)

        shown = await incidents.by_ids([1, 2])
        assert {one.cause.account_id for one in shown.values()} == {f"account-of-{SEEN}"}
        assert {one.incident_id for one in await incidents.open_incidents()} == set(shown)


@pytest.mark.parametrize("prefix", EVERY_PRESS)
async def test_no_button_tells_a_viewer_anything_of_another_account(prefix: str) -> None:
    async with bot_world(SEEN, HIDDEN) as world:
        await member(world, "eve", Role.ADMIN, SEEN)
        world.reader.accounts[HIDDEN_ID] = ruined()
        await world.check(400)
        for data in (prefix, f"{prefix}:1", f"{prefix}:2", f"{prefix}:1:60", f"{prefix}:0", f"{prefix}:numbers:de"):
            before = len(world.transport.sent), len(world.transport.edits)
            notice = await world.press(data, user="eve")
            said = [shown(one) for one in world.transport.sent[before[0] :]]
            said += [str(message) for _, message in world.transport.edits[before[1] :]]
            for text in (notice, *said):
                assert not [secret for secret in SECRETS if secret in text], (data, text)


async def test_somebody_without_any_role_may_ask_and_sees_nothing() -> None:
    async with bot_world(SEEN) as world:
        nobody = await member(world, "eve", Role.VIEWER, SEEN)
        await world.app.services.people.take(nobody.person_id, "account-of-alpha")
        await world.check(110)
        for text in ("/health", "/portfolio", "/liq", "/chart", "/accounts"):
            answer = await told(world, "eve", text)
            assert answer.startswith("You may see no account yet."), answer
        assert "alpha" not in await told(world, "eve", "/alerts")
        assert "No open alert" in await told(world, "eve", "/alerts")
