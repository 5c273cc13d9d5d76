"""The loopback Bot API server refuses what the real one refuses, and loses nothing it should keep."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.png import tiny_png
from tests.support.telegram.errors import ApiError
from tests.support.telegram.markup import Entity, parse
from tests.support.telegram_server import Fault, TelegramServer

ANN = 1001
Json = dict[str, Any]


class Client:
    """Raw requests, as any library makes them."""

    def __init__(self, server: TelegramServer, http: httpx.AsyncClient) -> None:
        self._server = server
        self._http = http

    async def ask(self, method: str, files: Json | None = None, **fields: object) -> Json:
        data = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
        url = f"{self._server.url}/bot{self._server.token}/{method}"
        answer: Json = (await self._http.post(url, data=data, files=files)).json()
        return answer

    async def refusal(self, method: str, **fields: Any) -> str:
        answer = await self.ask(method, **fields)
        assert not answer["ok"]
        return str(answer["description"])


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        server.add_user(ANN)
        yield server


@pytest.fixture
async def client(server: TelegramServer) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        yield Client(server, http)


def keyboard(*rows: int, data: str = "d", label: str = "Ack") -> Json:
    return {"inline_keyboard": [[{"text": label, "callback_data": data}] * keys for keys in rows]}


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("a &lt;b&gt; &amp; &quot;c&quot;", 'a <b> & "c"', ()),
        ("<b>H<i>I</i></b> 3 > 2", "HI 3 > 2", (Entity("italic", "I"), Entity("bold", "HI"))),
        ("<pre>a\n b</pre>&nope; &#65;&#x42;", "a\n b&nope; AB", (Entity("pre", "a\n b"),)),
        ('<a href="https://x.example?a=1&amp;b=2">x</a>', "x", (Entity("text_link", "x"),)),
        ("<b></b>", "", ()),
    ],
)
def test_markup_becomes_text_and_looks(source: str, text: str, entities: tuple[Entity, ...]) -> None:
    assert (parse(source).text, parse(source).entities) == (text, entities)


@pytest.mark.parametrize(
    "source", ["<b>", "</b>", "<b></i>", "<script>x</script>", "1 < 2", "<b", "<b><i></b></i>", "<>"]
)
def test_broken_markup_is_refused(source: str) -> None:
    with pytest.raises(ApiError, match="can't parse entities"):
        parse(source)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": "<b>", "parse_mode": "HTML"}, "can't parse entities"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "\U0001f4c8" * 2049}, "message is too long"),
        ({"text": "  \n"}, "message text is empty"),
        ({"text": "a", "reply_markup": keyboard(1, data="x" * 65)}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "reply_markup": keyboard(9)}, "too many buttons"),
        ({"text": "a", "reply_markup": keyboard(1, label="")}, "non-empty"),
        ({"text": "a", "chat_id": "5"}, "chat not found"),
        ({"text": "a", "message_thread_id": 3}, "message thread not found"),
    ],
)
async def test_what_telegram_refuses_is_refused(
    client: Client, server: TelegramServer, fields: Json, words: str
) -> None:
    assert words in await client.refusal("sendMessage", **({"chat_id": ANN} | fields))
    assert server.messages() == []


async def test_what_telegram_takes_is_taken(client: Client, server: TelegramServer) -> None:
    await client.ask("sendMessage", chat_id=ANN, text="&lt;" * 4096, parse_mode="HTML", reply_markup=keyboard(8, 1))
    await client.ask("sendPhoto", {"photo": ("c.png", tiny_png())}, chat_id=ANN, caption="x" * 1024)
    text, photo = server.messages(ANN)
    assert (text.text, [len(row) for row in text.keyboard]) == ("<" * 4096, [8, 1])
    assert photo.photo == tiny_png()


@pytest.mark.parametrize("photo", [b"", b"GIF89a", tiny_png(width=100, height=2)])
async def test_pictures_telegram_cannot_show_are_refused(client: Client, photo: bytes) -> None:
    answer = await client.ask("sendPhoto", {"photo": ("c.png", photo)}, chat_id=ANN)
    assert answer["error_code"] == 400


async def test_edits_are_refused_in_telegrams_words(client: Client, server: TelegramServer) -> None:
    await client.ask("sendMessage", chat_id=ANN, text="a", reply_markup=keyboard(1))
    await client.ask("sendPhoto", {"photo": ("c.png", tiny_png())}, chat_id=ANN, caption="b")
    text, photo = (message.message_id for message in server.messages())
    same = {"text": " a ", "reply_markup": keyboard(1)}
    assert "message is not modified" in await client.refusal("editMessageText", chat_id=ANN, message_id=text, **same)
    assert "no text" in await client.refusal("editMessageText", chat_id=ANN, message_id=photo, text="c")
    assert "no caption" in await client.refusal("editMessageCaption", chat_id=ANN, message_id=text, caption="c")
    assert "edit not found" in await client.refusal("editMessageText", chat_id=ANN, message_id=7, text="c")
    await client.ask("editMessageText", chat_id=ANN, message_id=text, text="a")
    assert server.messages()[0].keys == ()
    assert [len(revision.keyboard) for revision in server.messages()[0].edits] == [1]


async def test_updates_come_again_until_a_later_one_is_asked_for(client: Client, server: TelegramServer) -> None:
    for text in ("/a", "/b", "/c"):
        await server.say(ANN, text)
    first = [update["update_id"] for update in (await client.ask("getUpdates"))["result"]]
    assert [update["update_id"] for update in (await client.ask("getUpdates", limit=2))["result"]] == first[:2]
    rest = (await client.ask("getUpdates", offset=first[1]))["result"]
    assert [update["message"]["text"] for update in rest] == ["/b", "/c"]
    assert (await client.ask("getUpdates", offset=first[2] + 1))["result"] == []
    assert server.unconfirmed == []


async def test_a_poll_waits_and_a_second_one_ends_it(client: Client, server: TelegramServer) -> None:
    first = asyncio.ensure_future(client.ask("getUpdates", timeout=30))
    await server.wait_for(lambda: server.is_polled)
    second = asyncio.ensure_future(client.ask("getUpdates", timeout=30))
    assert (await first)["error_code"] == 409
    await server.say(ANN, "/a")
    assert [update["message"]["text"] for update in (await second)["result"]] == ["/a"]


async def test_a_query_can_be_answered_once(client: Client, server: TelegramServer) -> None:
    await client.ask("sendMessage", chat_id=ANN, text="a", reply_markup=keyboard(1))
    query = await server.press(ANN, server.messages()[0], "Ack")
    assert (await client.ask("answerCallbackQuery", callback_query_id=query, text="Done"))["ok"]
    assert "query is too old" in await client.refusal("answerCallbackQuery", callback_query_id=query)
    assert server.answers == {query: "Done"}


async def test_a_fault_strikes_as_often_as_it_says_and_only_where_it_says(
    client: Client, server: TelegramServer
) -> None:
    server.add_user(2)
    server.inject(Fault(method="send", chat=ANN, times=2, status=429, retry_after=7))
    assert (await client.ask("sendMessage", chat_id=2, text="a"))["ok"]
    for _ in range(2):
        answer = await client.ask("sendMessage", chat_id=ANN, text="a")
        assert (answer["error_code"], answer["parameters"]) == (429, {"retry_after": 7})
    assert (await client.ask("sendMessage", chat_id=ANN, text="a"))["ok"]


async def test_the_bot_can_leave_a_chat_and_look_at_one(client: Client, server: TelegramServer) -> None:
    server.add_group(-5, "Strangers")
    assert (await client.ask("getChat", chat_id=-5))["result"]["title"] == "Strangers"
    assert (await client.ask("leaveChat", chat_id=-5))["ok"]
    assert server.api.left == [-5]
    assert "chat not found" in await client.refusal("sendMessage", chat_id=-5, text="a")


def test_it_runs_on_its_own_and_is_driven_over_http() -> None:
    command = [sys.executable, "-m", "tests.support.telegram_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process, httpx.Client(trust_env=False) as http:
        try:
            assert process.stdout is not None
            settings = dict(process.stdout.readline().strip().split("=", 1) for _ in range(3))
            url = settings["TELEGRAM_BASE_URL"]
            bot = f"{url}/bot{settings['TELEGRAM_TOKEN']}"
            http.post(f"{bot}/sendMessage", data={"chat_id": ANN, "text": "a", "reply_markup": json.dumps(keyboard(1))})
            (shown,) = http.get(f"{url}/control/messages", params={"chat": ANN}).json()
            assert (shown["text"], shown["buttons"]) == ("a", ["Ack"])
            http.post(f"{url}/control/say", json={"text": "/health"})
            http.post(f"{url}/control/press", json={"message": shown["message"], "button": "Ack"})
            updates = http.post(f"{bot}/getUpdates").json()["result"]
            assert [next(key for key in update if key != "update_id") for update in updates] == [
                "message",
                "callback_query",
            ]
            http.post(f"{url}/control/fault", json={"method": "getMe", "status": 502})
            assert http.post(f"{bot}/getMe").status_code == 502
        finally:
            process.kill()
