"""The file of routes: what it may say, and the sentence for every mistake in it."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.routes import (
    ChatTarget,
    PersonTarget,
    Platform,
    Routes,
    SenderChats,
    ServiceTarget,
    WebhookTarget,
)
from bot.alerts.routes_file import BadRoutes, load_routes, parse_routes
from risk.decisions.incidents import CauseKind
from risk.decisions.tiers import Tier

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "routes.example.toml"

WHOLE = """
[[routes]]
name = "desk"
accounts = ["main", "hedge"]
from = "high"
kinds = ["health", "event"]
steps = [
    { to = ["telegram:-100123/12", "person:Ann"] },
    { after = "5 min", to = ["person:discord/3001", "discord:1400", "discord-webhook"] },
    { after = "10 min", to = "service:pager" },
]

[[routes]]
name = "all the rest"
steps = [{ to = ["telegram-desk2:55"] }]

[services.pager]
url = "json://user:secret-of-the-pager@127.0.0.1"
rings_through_dnd = true

[services.mail]
url_env = "MAIL_URL"

[senders.telegram-desk2]
platform = "telegram"
token_file = "desk2.token"

[fallback]
order = ["discord", "discord-webhook", "service:mail"]
after = "5 s"

[escalation]
unanswered_after = "1 h"
"""


def parsed(text: str, **environment: str) -> Routes:
    return parse_routes(
        text,
        environment={"MAIL_URL": "mailto://secret-of-the-mail", **environment},
        look=lambda path: f"in {path.name}",
    )


def problems(text: str, **environment: str) -> tuple[str, ...]:
    with pytest.raises(BadRoutes) as refused:
        parsed(text, **environment)
    return refused.value.problems


def mistakes(text: str) -> tuple[str, ...]:
    """None, where a text is fine."""
    try:
        parsed(text)
    except BadRoutes as refused:
        return refused.problems
    return ()


def test_everything_a_file_may_say_is_read() -> None:
    routes = parsed(WHOLE)
    desk, rest = routes.routes

    assert (desk.name, desk.accounts, desk.least) == ("desk", ("main", "hedge"), Tier.HIGH)
    assert desk.kinds == {CauseKind.HEALTH, CauseKind.EVENT}
    assert [step.after for step in desk.steps] == [timedelta(0), timedelta(minutes=5), timedelta(minutes=10)]
    assert desk.steps[0].to == (ChatTarget(sender="telegram", chat="-100123", thread="12"), PersonTarget(name="Ann"))
    assert desk.steps[1].to == (
        PersonTarget(name="discord/3001"), ChatTarget(sender="discord", chat="1400"), WebhookTarget(),
    )  # fmt: skip
    assert desk.steps[2].to == (ServiceTarget(name="pager"),)
    assert (rest.accounts, rest.least, rest.kinds) == ((), Tier.WATCH, frozenset())
    assert rest.steps[0].to == (ChatTarget(sender="telegram-desk2", chat="55"),)
    assert routes.services["pager"].rings_through_dnd
    assert not routes.services["mail"].rings_through_dnd
    assert routes.senders["telegram-desk2"].platform is Platform.TELEGRAM
    assert routes.senders["telegram-desk2"].token.get_secret_value() == "in desk2.token"
    assert routes.fallback.order == (SenderChats(sender="discord"), WebhookTarget(), ServiceTarget(name="mail"))
    assert (routes.fallback.after, routes.unanswered_after) == (timedelta(seconds=5), timedelta(hours=1))


def test_an_empty_file_means_that_everybody_hears_at_once() -> None:
    assert parsed("") == Routes()


def test_secrets_are_known_to_whoever_must_hide_them_and_shown_by_nothing() -> None:
    routes = parsed(WHOLE)

    assert set(routes.secrets) == {
        "json://user:secret-of-the-pager@127.0.0.1", "mailto://secret-of-the-mail", "in desk2.token",
    }  # fmt: skip
    assert not [secret for secret in routes.secrets if secret in repr(routes)]


ONE = '[[routes]]\nname = "desk"\nsteps = [{ to = ["telegram:1"] }]\n'
MISTAKES = {
    "no TOML": ("[[routes]\n", "this is no TOML"),
    "a key there is none of": ("[[route]]\n", "the file: route means nothing here; did you mean routes?"),
    "a route in single brackets": ('[routes]\nname = "a"\n', "[routes]: write [[routes]] with two brackets"),
    "a route that is a text": ('routes = ["a"]\n', "route number 1: a route is a table"),
    "a route without a name": (
        '[[routes]]\nsteps = [{ to = ["telegram:1"] }]\n', "line 1, route number 1: name is missing",
    ),
    "a name that is a number": ("[[routes]]\nname = 3\n", "name is a text in quotes"),
    "a name that could be another's": (ONE.replace('"desk"', '"a/b>c"'), "a name has letters, digits"),
    "a name of Keel's own": (ONE.replace('"desk"', '"Default"'), "this name is Keel's own"),
    "a name given twice": (ONE + ONE.replace('"desk"', '"Desk"'), "two routes have this name"),
    "no steps": ('\n[[routes]]\nname = "desk"\n', "line 2, route desk: it points nowhere: give it steps"),
    "steps of nothing": ('[[routes]]\nname = "desk"\nsteps = []\n', "line 3, route desk: it points nowhere"),
    "a step to nobody": (
        ONE.replace('["telegram:1"]', "[]"), "line 3, route desk, step 1: it points nowhere: to is a list of",
    ),
    "a step without a receiver": (ONE.replace('to = ["telegram:1"]', 'after = "1 s"'), "step 1: it points nowhere"),
    "a step that is a text": (ONE.replace('{ to = ["telegram:1"] }', '"telegram:1"'), "a step is written"),
    "a receiver that is a number": (ONE.replace('"telegram:1"', "1"), "a receiver is a text"),
    "a receiver that points nowhere": (ONE.replace("telegram:1", "telegram:"), "telegram: points nowhere; write"),
    "a receiver without a sender": (ONE.replace("telegram:1", "ann"), "ann points nowhere; write telegram:CHAT"),
    "a sender misspelled": (ONE.replace("telegram:1", "telegramm:1"), "no sender telegramm; did you mean telegram?"),
    "a sender there is none of": (ONE.replace("telegram:1", "matrix:1"), "no sender matrix; senders are telegram,"),
    "a chat by its name": (ONE.replace("telegram:1", "telegram:@desk"), "chats and threads are numbers"),
    "a topic by its name": (ONE.replace("telegram:1", "telegram:1/news"), "chats and threads are numbers"),
    "a service there is none of": (
        ONE.replace("telegram:1", "service:pager"), "there is no service pager; add [services.pager]",
    ),
    "a person without a name": (ONE.replace("telegram:1", "person:"), "person: points nowhere"),
    "a receiver told twice": (
        ONE.replace("] }]", '] }, { after = "1 s", to = ["telegram:1"] }]'), "telegram:1 is told in step 1 already",
    ),
    "a time without a unit": (
        ONE.replace("{ to", '{ after = "5", to'), "route desk, step 1: after: '5' is no time; write it like 30m",
    ),
    "a time that is a number": (ONE.replace("{ to", "{ after = 5, to"), 'after is a time in quotes, such as "5 min"'),
    "a time of nothing": (ONE.replace("{ to", '{ after = "0 s", to'), "after is nothing"),
    "a time of a month": (ONE.replace("{ to", '{ after = "30 d", to'), "30 d is too long; at most 7 d"),
    "a time that goes back": (
        ONE.replace("] }]", '] }, { after = "5 m", to = ["telegram:2"] }, { after = "4 m", to = ["telegram:3"] }]'),
        "route desk, step 3: its after must be longer than that of the step before",
    ),
    "a second step at once": (
        ONE.replace("] }]", '] }, { to = ["telegram:2"] }]'), "step 2: its after must be longer",
    ),
    "a tier there is none of": (ONE + 'from = "PANIC"\n', "from is one of WATCH, WARNING, HIGH, CRITICAL, LIQUIDATING"),
    "a kind there is none of": (ONE + 'kinds = ["weather"]\n', "weather is no kind of alert; kinds are health"),
    "accounts that are a text": (ONE + 'accounts = "main"\n', "accounts is a list of nicknames"),
    "accounts of nothing": (ONE + "accounts = []\n", "accounts is a list of nicknames; leave it out for all"),
    "a key of a route": (ONE + 'account = ["main"]\n', "account means nothing here; did you mean accounts?"),
    "a service without a URL": ("[services.pager]\n", "line 1, service pager: it needs exactly one of url_file or"),
    "a service with two": ('[services.pager]\nurl = "a"\nurl_env = "B"\n', "it needs exactly one of"),
    "a service that is a text": ('[services]\npager = "json://secret"\n', "it is a table of its own: [services.pager]"),
    "a service whose variable is not set": (
        '[services.pager]\nurl_env = "NOT_THERE"\n', "the variable NOT_THERE is not set; set it in the environment",
    ),
    "a switch in quotes": (
        '[services.pager]\nurl = "a"\nrings_through_dnd = "yes"\n', "rings_through_dnd is true or false",
    ),
    "a sender without a token": ('[senders.two]\nplatform = "telegram"\n', "it needs exactly one of token_file or"),
    "a token in the open": (
        '[senders.two]\nplatform = "telegram"\ntoken = "secret"\n', "sender two: token means nothing here",
    ),
    "a platform there is none of": (
        '[senders.two]\nplatform = "icq"\ntoken_env = "MAIL_URL"\n', "platform is one of telegram, discord",
    ),
    "a sender that is there already": (
        '[senders.telegram]\nplatform = "telegram"\ntoken_env = "MAIL_URL"\n', "this name is taken by Keel itself",
    ),
    "a fallback that is a text": ('[fallback]\norder = "discord"\n', "order is a list"),
    "a fallback to nowhere": ('[fallback]\norder = ["fax"]\n', "[fallback]: fax points nowhere"),
    "an escalation in words": ('escalation = "never"\n', "escalation: this is a table: [escalation]"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_place_and_what_to_do(text: str, sentence: str) -> None:
    found = problems(text)

    assert any(sentence in problem for problem in found), found
    assert not any("secret" in problem for problem in found)


def test_all_mistakes_are_named_at_once() -> None:
    found = problems(ONE.replace("telegram:1", "fax:1") + 'from = "PANIC"\n\n[fallback]\nafter = "soon"\n')

    assert len(found) == 3
    assert found[0].startswith("line 3, route desk, step 1")
    assert found[2].startswith("line 7, [fallback]")


MANY = """[[routes]]
name = "desk"  # [[routes]]
# from = "nothing"
from = "PANIC"
kinds = ["weather"]
steps = [
    { to = ["telegram:1", "person:{"] },
    { after = "soon", to = ["fax:1"] },
]

[[routes]]
name = "Desk"
steps = 3

[services.pager]
rings_through_dnd = "yes"
url = "nothing://secret"
"""


def test_each_mistake_is_named_with_the_line_of_its_key_and_the_others() -> None:
    with pytest.raises(BadRoutes) as refused:
        parse_routes(MANY, trouble=lambda service: f"the URL of service {service.name} is none that is known")

    assert list(dict.fromkeys(problem.partition(":")[0] for problem in refused.value.problems)) == [
        "line 4, route desk",
        "line 5, route desk",
        "line 8, route desk, step 2",
        "line 12, route Desk",
        "line 13, route Desk",
        "line 16, service pager",
        "line 17, service pager",
    ]
    assert "secret" not in str(refused.value)


def test_without_a_file_there_are_no_routes_unless_one_was_asked_for(tmp_path: Path) -> None:
    nowhere = tmp_path / "routes.toml"

    assert load_routes(nowhere, environment={}, required=False) == Routes()
    with pytest.raises(BadRoutes, match=r"routes\.toml: there is no such file; write one, or leave ROUTES_FILE out"):
        load_routes(nowhere, environment={}, required=True)


def test_a_file_that_is_no_text_and_a_folder_are_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "routes.toml"
    file.write_bytes(b"\xff\xfe")

    with pytest.raises(BadRoutes, match="it is not UTF-8 text"):
        load_routes(file, environment={}, required=True)
    with pytest.raises(BadRoutes, match="it cannot be read"):
        load_routes(tmp_path, environment={}, required=True)


def test_secrets_come_from_files_beside_it_and_a_missing_or_empty_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "routes.toml"
    file.write_text('[services.pager]\nurl_file = "pager.url"\n')

    with pytest.raises(BadRoutes, match=r"service pager: .*pager\.url cannot be opened \(No such file"):
        load_routes(file, environment={}, required=True)
    secret = tmp_path / "pager.url"
    secret.write_text("\n")
    secret.chmod(0o600)
    with pytest.raises(BadRoutes, match=r"pager\.url is empty"):
        load_routes(file, environment={}, required=True)
    secret.write_text("json://127.0.0.1/secret\n")
    secret.chmod(0o644)
    with pytest.raises(BadRoutes, match=r"others can read the secret; run chmod 600"):
        load_routes(file, environment={}, required=True)
    secret.chmod(0o600)
    assert load_routes(file, environment={}, required=True).secrets == ("json://127.0.0.1/secret",)


def test_a_file_with_secrets_that_others_can_read_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "routes.toml"
    file.write_text('[services.pager]\nurl = "json://127.0.0.1/secret"\n')

    file.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP)
    assert load_routes(file, environment={}, required=True).exposed
    file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert not load_routes(file, environment={}, required=True).exposed
    file.write_text(ONE)
    file.chmod(0o644)
    assert not load_routes(file, environment={}, required=True).exposed


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_no_text_trips_it(text: str) -> None:
    assert all(mistakes(text))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["routes", "services", "senders", "fallback", "escalation", "x"]), JSON))
def test_no_shape_trips_it(document: dict[str, object]) -> None:
    def toml(value: object) -> str:
        match value:
            case None:
                return '""'
            case bool():
                return str(value).lower()
            case int():
                return str(max(-(2**63), min(value, 2**63 - 1)))
            case str():
                return (
                    '"'
                    + "".join(f"\\U{ord(letter):08X}" for letter in value if not 0xD800 <= ord(letter) < 0xE000)
                    + '"'
                )
            case list():
                return "[" + ", ".join(map(toml, value)) + "]"
            case dict():
                unique = {key.encode("ascii", "replace").decode(): inner for key, inner in value.items()}
                return "{" + ", ".join(f"{toml(key)} = {toml(inner)}" for key, inner in unique.items()) + "}"
        raise AssertionError(value)

    text = "\n".join(f"{key} = {toml(value)}" for key, value in document.items())
    assert not [problem for problem in mistakes(text) if "this is no TOML" in problem], text


def test_the_example_is_what_the_file_may_say() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    environment = {"PAGER_URL": "json://127.0.0.1", "TELEGRAM_TOKEN_DESK2": "1:x"}
    whole = text.replace("\n#[", "\n[").replace("\n#platform", "\nplatform").replace("\n#token", "\ntoken")

    for version in (text, whole):
        routes = parse_routes(version, environment=environment, look=lambda path: "mailto://127.0.0.1")
        assert [route.name for route in routes.routes] == ["desk", "fills and deposits"]
        assert routes.services["pager"].rings_through_dnd
        assert list(routes.senders) == (["telegram-desk2"] if version is whole else [])
