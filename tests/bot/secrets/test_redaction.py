"""What must never be shown is taken out, however it is written."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot import redaction
from bot.alerts.shown import shown
from bot.messages import Accent, Button, File, Line, Message, Picture, Stage, Table, Topic
from bot.redaction import REMOVED, SHORTEST, Redactor

SECRET = "Canary/key+with=signs&7f3a9c"

WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": str.upper,
    "in small letters": str.lower,
    "in a repr": repr,
    "in a repr of bytes": lambda text: repr(text.encode()),
    "in JSON": json.dumps,
    "in JSON in JSON": lambda text: json.dumps(json.dumps({"a": text})),
    "with slashes escaped": lambda text: json.dumps(text).replace("/", "\\/"),
    "in HTML": html.escape,
    "in a path": lambda text: f"/{quote(text, safe='')}/",
    "in a path, slashes kept": quote,
    "in a query": lambda text: f"?key={quote_plus(text)}",
    "in a query, encoded twice": lambda text: quote(quote(text, safe=""), safe=""),
    "every letter encoded": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "in hex": lambda text: text.encode().hex(),
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "in base64 behind one letter": lambda text: base64.b64encode(b":" + text.encode()).decode(),
    "in base64 behind two letters": lambda text: base64.b64encode(b"u:" + text.encode() + b"@").decode(),
    "in base64 amid others": lambda text: base64.b64encode(b"user:" + text.encode() + b"\n\n").decode(),
}


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
def test_a_secret_is_found_however_it_is_written(write: Callable[[str], str]) -> None:
    written = f"before {write(SECRET)} after"
    cleaned = Redactor([SECRET]).text(written)

    assert REMOVED in cleaned
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")
    assert not Redactor([SECRET]).reveals(cleaned)


@given(st.text(min_size=SHORTEST, max_size=40), st.text(max_size=20), st.text(max_size=20))
@example("\u017fecret", "", "")  # its capital letter is that of another one
@example("İİİİİİ", "", "")  # two letters in lower case
@example("ßßßßßß", "", "")
def test_whatever_the_secret_is_nothing_of_it_is_left(secret: str, before: str, after: str) -> None:
    redactor = Redactor([secret])

    assert secret.lower() not in redactor.text(f"{before}{secret}{after}").lower() or secret.lower() in REMOVED


@given(st.text(max_size=200))
def test_a_text_without_secrets_is_left_as_it_is(text: str) -> None:
    assert Redactor([SECRET]).text(text) == text


SHAPES = {
    "a Telegram token": "bot123456789:AAcanaryTokenNobodyConfigured_012345/getMe",
    "a Discord token": "Bot MTQwMDAwMDAwMDAwMDAwMDAwMg.Gcanry.canaryTokenNobodyConfigured0123456789",
    "a webhook": "https://discord.com/api/webhooks/140000000000000000/canaryOfAWebhookNobodyConfigured",
    "a password in a URL": "https://canary:canary-password@rpc.example/",
    "a key file": json.dumps([7] * 64),
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_what_looks_like_a_secret_is_one_even_if_nobody_configured_it(text: str) -> None:
    cleaned = Redactor().text(text)

    assert REMOVED in cleaned
    assert "canary" not in cleaned.lower()
    assert "7, 7" not in cleaned


def test_what_keel_shows_of_the_chain_is_no_secret_by_its_shape() -> None:
    for text in (
        "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d",  # an address
        "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW",  # a signature
        "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d:1",
        "2026-11-23T04:44:52.123456Z 12:34:56 1000:2000",
        "keel.sqlite3.replaced-20261123T044452Z",
    ):
        assert Redactor().text(text) == text


def test_short_texts_do_not_hide_half_of_what_is_said() -> None:
    assert Redactor(["a", "ok", "12345"]).text("ok: a PIN of 12345 digits") == "ok: a PIN of 12345 digits"


def test_neither_repr_nor_str_of_the_redactor_shows_what_it_knows() -> None:
    assert SECRET not in f"{Redactor([SECRET])!r} {Redactor([SECRET])}"


def test_the_last_look_at_a_message_takes_it_out_of_everything_that_is_read() -> None:
    redaction.know([SECRET])
    message = Message(
        blocks=(
            Line(f"line {SECRET}"), Table(rows=((SECRET, "1"),), header=(SECRET, "x")),
            Picture(png=b"png", alt=SECRET), File(name="a.csv", content=b"x", alt=SECRET),
        ),
        buttons=((Button(label=SECRET, data="ack:1"),),), accent=Accent.NONE,
        topics=(Topic(key="a", title=SECRET, stage=Stage.NEWS),),
    )  # fmt: skip

    assert SECRET not in repr(shown(message))
    assert repr(shown(message)).count(REMOVED) == 7


def test_a_message_without_secrets_is_the_same_one() -> None:
    redaction.know([SECRET])
    message = Message(blocks=(Line("main: health 140 %"), Table(rows=(("a", "b"),))))

    assert shown(message) is message
