"""Who hears of an incident: routes and their steps, what no route tells, wishes of chats, and nobody to tell."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.alerts.hearers import Hearers, KnownRoute
from bot.alerts.resolving import Resolver
from bot.alerts.routes_file import parse_routes
from risk.decisions.hearing import EVERYTHING, ChatPreferences, Verbosity
from risk.decisions.incidents import Cause, CauseKind, Incident, IncidentStatus
from risk.decisions.quiet_hours import QuietSpan
from risk.decisions.tiers import Tier
from storage import EVERYWHERE, Access, Audience, LinkedChat, LinkedPerson, Receiver, Role

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SENDERS = {name: name for name in ("telegram", "discord", "discord-webhook", "service:pager")}
PAGER = '[services.pager]\nurl = "json://127.0.0.1"\n'


def receiver(sender: str, chat: str, thread: str = "") -> Receiver:
    return Receiver(transport=sender, chat=chat, thread=thread)


GROUP, TOPIC = receiver("telegram", "-100"), receiver("telegram", "-100", "7")
ANN_T, ANN_D, BOB = receiver("telegram", "1"), receiver("discord", "11"), receiver("telegram", "2")
DESK, SERVICE = receiver("telegram", "-555"), receiver("service:pager", "pager")
CONSOLE = receiver("console", "console")


def person(name: str) -> LinkedPerson:
    return LinkedPerson(
        person_id=name.lower(), transport="telegram", user_id=name, display_name=name, owner=False, linked_at=NOW
    )


def chat(of: Receiver, person_id: str, *, private: bool = True, accounts: Collection[str] = ()) -> LinkedChat:
    return LinkedChat(
        transport=of.transport, chat=of.chat, thread=of.thread, person_id=person_id, private=private, linked_at=NOW,
        accounts=frozenset(accounts),
    )  # fmt: skip


CHATS = (
    chat(ANN_T, "ann"), chat(ANN_D, "ann"), chat(BOB, "bob"),
    chat(GROUP, "ann", private=False, accounts=[EVERYWHERE]),
)  # fmt: skip
ALL_OF_ADMIN = Access(roles={EVERYWHERE: Role.ADMIN})
ONLY_MAIN = Access(roles={"id-of-main": Role.VIEWER})


def hearers(
    text: str = "",
    *,
    bob: Access = ALL_OF_ADMIN,
    chats: tuple[LinkedChat, ...] = CHATS,
    preferences: Mapping[Receiver, ChatPreferences] | None = None,
    unreachable: Collection[Receiver] = (),
    console: bool = False,
    event: str = "",
) -> Hearers:
    routes = parse_routes(text)
    audience = Audience(chats=chats, access={"ann": ALL_OF_ADMIN, "bob": bob})
    persons = {"ann": (person("Ann"),), "bob": (person("Bob"),), "nobody": ()}
    resolver = Resolver(audience=audience, persons=persons, names=("Ann", "Bob"), senders=SENDERS)
    return Hearers(
        routes=tuple(
            KnownRoute(rule=rule, steps=tuple(resolver.step(step.to, step.after) for step in rule.steps))
            for rule in routes.routes
        ),
        everybody=resolver.everybody("default/1"),
        always=(CONSOLE,) if console else (),
        ways=tuple(resolver.way(entry) for entry in routes.fallback.order),
        called={"id-of-main": frozenset({"main", "id-of-main"}), "id-of-hedge": frozenset({"hedge", "id-of-hedge"})},
        preferences=preferences or {},
        unreachable=frozenset(unreachable),
        event_of=lambda _: event,
    )


def incident(tier: Tier = Tier.HIGH, account: str = "id-of-main", **changes: object) -> Incident:
    found = Incident(
        incident_id=1, cause=Cause(kind=CauseKind.HEALTH, account_id=account), tier=tier, peak=tier,
        status=IncidentStatus.OPEN, opened_at=NOW, changed_at=NOW, rang_at=NOW,
    )  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]


def told(of: Hearers, what: Incident, after_s: float = 0, market: str = "") -> set[Receiver]:
    """Whose turn it is, and who wants to hear of it."""
    recipients = of.recipients(what, market, NOW + timedelta(seconds=after_s))
    assert len({one.receiver for one in recipients}) == len(recipients)
    return {one.receiver for one in recipients if not one.follow_up}


def following(of: Hearers, what: Incident, after_s: float = 0) -> set[Receiver]:
    """Who hears how it goes on, if they heard of it before."""
    recipients = of.recipients(what, "", NOW + timedelta(seconds=after_s))
    return {one.receiver for one in recipients if one.follow_up}


EVERYBODY = {ANN_T, ANN_D, BOB, GROUP}
STEPS = (
    """
[[routes]]
name = "desk"
accounts = ["Main"]
from = "HIGH"
steps = [
    { to = ["telegram:-555", "person:ann"] },
    { after = "5 min", to = ["person:bob"] },
    { after = "10 min", to = ["service:pager"] },
]
"""
    + PAGER
)
FIRST = {DESK, ANN_T, ANN_D}


def test_without_routes_every_linked_chat_hears_at_once() -> None:
    assert told(hearers(), incident(Tier.WATCH)) == EVERYBODY
    assert told(hearers(console=True), incident(account="")) == EVERYBODY | {CONSOLE}


@pytest.mark.parametrize(
    ("after_s", "expected"),
    [(0, FIRST), (299, FIRST), (300, FIRST | {BOB}), (599, FIRST | {BOB}), (600, FIRST | {BOB, SERVICE})],
)
def test_the_next_step_is_told_while_nobody_takes_it_on(after_s: float, expected: set[Receiver]) -> None:
    assert told(hearers(STEPS), incident(), after_s) == expected


def test_each_receiver_knows_the_step_it_was_chosen_by() -> None:
    recipients = hearers(STEPS).recipients(incident(), "", NOW + timedelta(minutes=10))
    steps = {one.receiver: one.receiver.route for one in recipients if not one.follow_up}

    assert steps == {DESK: "desk/1", ANN_T: "desk/1", ANN_D: "desk/1", BOB: "desk/2", SERVICE: "desk/3"}


def test_whoever_acknowledges_stops_the_steps_to_come() -> None:
    acked = incident(status=IncidentStatus.ACKED, acked_by="ann", acked_at=NOW + timedelta(minutes=1))

    assert told(hearers(STEPS), acked, 3_600) == FIRST
    assert following(hearers(STEPS), acked, 3_600) >= {BOB, SERVICE}


def test_a_worse_tier_begins_anew_with_the_first_step_and_whoever_heard_hears_on() -> None:
    worse = incident(Tier.CRITICAL, rang_at=NOW + timedelta(minutes=7))

    assert told(hearers(STEPS), worse, 420) == FIRST
    assert following(hearers(STEPS), worse, 420) == {BOB, SERVICE, GROUP}
    assert told(hearers(STEPS), worse, 720) == FIRST | {BOB}


def test_a_snooze_is_no_answer() -> None:
    assert told(hearers(STEPS), incident(snoozed_until=NOW + timedelta(hours=1)), 300) == FIRST | {BOB}


def test_the_end_is_told_to_everybody_who_may_have_heard_and_to_nobody_else() -> None:
    over = incident(Tier.OK, peak=Tier.HIGH, status=IncidentStatus.RESOLVED, resolved_at=NOW)

    assert told(hearers(STEPS), over, 700) == set()
    assert following(hearers(STEPS), over, 700) == EVERYBODY | {DESK, SERVICE}


def test_what_no_route_is_about_goes_to_every_linked_chat() -> None:
    assert told(hearers(STEPS), incident(Tier.WARNING)) == EVERYBODY
    assert told(hearers(STEPS), incident(account="id-of-hedge")) == EVERYBODY
    assert told(hearers(STEPS), incident(account="")) == EVERYBODY
    assert told(hearers(STEPS), incident(Tier.UNKNOWN)) == FIRST


def test_what_has_eased_stays_with_those_who_know_it() -> None:
    eased = incident(Tier.WARNING, peak=Tier.CRITICAL)

    assert told(hearers(STEPS), eased) == set()
    assert following(hearers(STEPS), eased) >= FIRST


def test_every_route_that_fits_applies() -> None:
    more = '[[routes]]\nname = "wide"\nkinds = ["health"]\nsteps = [{ to = ["person:bob"] }]\n'

    assert told(hearers(more + STEPS), incident()) == FIRST | {BOB}
    assert told(hearers(more + STEPS), incident(Tier.WATCH)) == {BOB}
    assert told(hearers(more + STEPS), incident(cause=Cause(kind=CauseKind.LIMIT, account_id="id-of-main"))) == FIRST


def test_a_route_that_begins_later_does_not_keep_it_from_everybody() -> None:
    late = '[[routes]]\nname = "late"\nsteps = [{ after = "10 min", to = ["service:pager"] }]\n' + PAGER

    assert told(hearers(late), incident()) == EVERYBODY
    assert told(hearers(late), incident(), 600) == EVERYBODY | {SERVICE}


def test_a_route_that_points_nowhere_is_as_none() -> None:
    nowhere = '[[routes]]\nname = "nowhere"\nsteps = [{ to = ["person:nobody"] }]\n'

    assert told(hearers(nowhere), incident()) == EVERYBODY


def test_a_step_that_reaches_nobody_does_not_make_the_next_one_wait() -> None:
    first_gone = STEPS.replace('"telegram:-555", "person:ann"', '"person:nobody"')

    assert told(hearers(first_gone), incident()) == {BOB}
    assert told(hearers(STEPS, unreachable=FIRST), incident()) == FIRST | {BOB}
    assert told(hearers(STEPS, unreachable=FIRST | {BOB}), incident()) == FIRST | {BOB, SERVICE}
    assert told(hearers(STEPS, unreachable=FIRST | {BOB, SERVICE}), incident()) == FIRST | {BOB, SERVICE} | EVERYBODY


def test_one_chat_of_a_step_that_is_gone_is_no_reason_to_hurry() -> None:
    assert told(hearers(STEPS, unreachable=[ANN_T, DESK]), incident()) == FIRST


def test_people_hear_only_of_accounts_they_may_see() -> None:
    text = '[[routes]]\nname = "bob"\nsteps = [{ to = ["person:bob"] }]\n'

    assert told(hearers(text, bob=ONLY_MAIN), incident()) == {BOB}
    assert told(hearers(text, bob=ONLY_MAIN), incident(account="id-of-hedge")) == {ANN_T, ANN_D, GROUP}
    assert told(hearers(bob=ONLY_MAIN), incident(account="id-of-hedge")) == {ANN_T, ANN_D, GROUP}
    assert BOB not in following(hearers(bob=ONLY_MAIN), incident(account="id-of-hedge"))


def test_a_chat_the_file_names_hears_what_the_file_says() -> None:
    text = '[[routes]]\nname = "topic"\nsteps = [{ to = ["telegram:-100/7"] }]\n'

    assert told(hearers(text, chats=()), incident()) == {TOPIC}


NIGHT = ChatPreferences(quiet=(QuietSpan(begins_minute=11 * 60, ends_minute=13 * 60),))


def test_quiet_hours_of_a_chat_hold_back_what_it_is_told_and_nobody_elses() -> None:
    routing = hearers(preferences={BOB: NIGHT})
    holds = {one.receiver: one.hold_until for one in routing.recipients(incident(), "", NOW)}

    assert holds == {ANN_T: None, ANN_D: None, GROUP: None, BOB: NOW + timedelta(hours=1)}
    critical = {one.receiver: one.hold_until for one in routing.recipients(incident(Tier.CRITICAL), "", NOW)}
    assert set(critical.values()) == {None}


def test_a_muted_market_is_told_to_the_others_alone_and_its_end_to_whoever_heard_of_it() -> None:
    routing = hearers(preferences={BOB: replace(EVERYTHING, muted={"SOL-PERP": NOW + timedelta(hours=1)})})

    assert told(routing, incident(), market="SOL-PERP") == EVERYBODY - {BOB}
    assert BOB not in {one.receiver for one in routing.recipients(incident(), "SOL-PERP", NOW)}
    over = incident(Tier.OK, market="SOL-PERP", status=IncidentStatus.RESOLVED)
    assert BOB in {one.receiver for one in routing.recipients(over, "SOL-PERP", NOW)}
    assert BOB in told(routing, incident(), after_s=3_600, market="SOL-PERP")


def test_an_event_that_everybody_switched_off_is_told_to_everybody_where_it_is_critical() -> None:
    off = dict.fromkeys(EVERYBODY, replace(EVERYTHING, events={"withdrawal": False}))
    event = Cause(kind=CauseKind.EVENT, account_id="id-of-main", subject="withdrawal")
    one_listens = {one: wants for one, wants in off.items() if one != ANN_T}

    assert told(hearers(preferences=off, event="withdrawal"), incident(cause=event)) == set()
    assert told(hearers(preferences=off, event="withdrawal"), incident(Tier.CRITICAL, cause=event)) == EVERYBODY
    assert told(hearers(preferences=one_listens, event="withdrawal"), incident(Tier.CRITICAL, cause=event)) == {ANN_T}
    # A terminal that nobody may be looking at is nobody.
    with_terminal = hearers(preferences=off, event="withdrawal", console=True)
    assert told(with_terminal, incident(Tier.CRITICAL, cause=event)) == EVERYBODY | {CONSOLE}


def test_something_that_passed_is_told_once_by_the_same_rules() -> None:
    passed = incident(Tier.HIGH, status=IncidentStatus.RESOLVED, resolved_at=NOW)

    assert told(hearers(STEPS), passed) == FIRST
    assert following(hearers(STEPS), passed) == set()
    assert told(hearers(preferences={BOB: replace(EVERYTHING, verbosity=Verbosity.CRITICAL)}), passed) == EVERYBODY


def test_whoever_a_fallback_told_hears_how_it_goes_on() -> None:
    text = '[fallback]\norder = ["discord", "service:pager"]\n' + PAGER

    assert following(hearers(text), incident(Tier.CRITICAL)) == {SERVICE}
    assert told(hearers(text), incident(Tier.CRITICAL)) == EVERYBODY


def test_what_it_decides_for_an_unchanged_incident_is_the_same_again() -> None:
    routing = hearers(STEPS)

    assert routing.recipients(incident(), "", NOW) == routing.recipients(incident(), "", NOW + timedelta(seconds=1))
