"""The loopback Discord refuses what the real one refuses, hides what it hides, and repeats what was missed."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse

from tests.support.discord.markdown import Mark, pings, read
from tests.support.discord.model import APPLICATION
from tests.support.discord_server import Channel, DiscordServer, Fault

ANN, BOB = 1001, 1002
Json = dict[str, Any]


class Client:
    """Raw requests, as any library makes them."""

    def __init__(self, server: DiscordServer, http: httpx.AsyncClient) -> None:
        self._server, self._http = server, http
        self.last: httpx.Response

    async def ask(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
        headers = {"Authorization": f"Bot {self._server.token if token is None else token}"}
        self.last = await self._http.request(method, f"{self._server.api_url}{path}", json=body, headers=headers)
        return self.last.json()

    async def refused(self, method: str, path: str, body: object = None) -> tuple[int, int]:
        """Status and Discord's own code."""
        answer = await self.ask(method, path, body)
        return self.last.status_code, answer["code"]


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
def desk(server: DiscordServer) -> Channel:
    return server.add_channel(server.add_guild())


@pytest.fixture
async def client(server: DiscordServer) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        yield Client(server, http)


@pytest.fixture
async def gateway(server: DiscordServer, desk: Channel) -> AsyncIterator[ClientWebSocketResponse]:
    """Somebody who has just identified."""
    async with ClientSession() as session, session.ws_connect(server.gateway_url) as socket:
        assert (await socket.receive_json())["op"] == 10
        await socket.send_json({"op": 2, "d": {"token": server.token, "intents": 1 << 12}})
        assert [(await socket.receive_json())["t"] for _ in range(2)] == ["READY", "GUILD_CREATE"]
        yield socket


def button(custom_id: str = "a", label: str = "Ack") -> Json:
    return {"type": 2, "style": 2, "label": label, "custom_id": custom_id}


def row(*buttons: Json) -> Json:
    return {"type": 1, "components": list(buttons)}


@pytest.mark.parametrize(
    ("source", "text", "kinds"),
    [
        ("**a** *b* _c_ __d__ ~~e~~ ||f|| `g`", "a b c d e f g", "bold italic italic underline strike spoiler code"),
        ("```\n a  1\n```", " a  1", "code block"),
        ("# a\n-# b\n> c\n- d\n1. e", "a\nb\nc\nd\ne", "heading small quote list list"),
        ("[a](https://b.example) <https://c.example>", "a https://c.example", "link link"),
        ("<@1> <#2> <:e:3> <t:4> :smile:", "[mention] [mention] [mention] [mention] [emoji]", "mention " * 4 + "emoji"),
        (r"\*a\* \<@1> 1\. \# b", "*a* <@1> 1. # b", ""),
        ("a_b_c 2 * 3 * 4 12:30:45 \\a", "a_b_c 2 * 3 * 4 12:30:45 \\a", ""),
    ],
)
def test_markdown_is_read_as_clients_read_it(source: str, text: str, kinds: str) -> None:
    seen = read(source)
    assert (seen.text, [mark.kind.replace(" ", "-") for mark in seen.marks]) == (
        text,
        kinds.replace("code block", "code-block").split(),
    )


def test_what_is_in_bold_is_read_too() -> None:
    assert read(r"**a \* *b***").marks[-1] == Mark("bold", "a * b")
    assert pings("hi @everyone and <@12>") == ("@everyone", "<@12>")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"content": "x" * 2001}, 50035),
        ({"content": "  "}, 50006),
        ({"content": "x", "components": [row(*[button(str(n)) for n in range(6)])]}, 50035),
        ({"content": "x", "components": [row(button(str(n))) for n in range(6)]}, 50035),
        ({"content": "x", "components": [row(button(), button())]}, 50035),
        ({"content": "x", "components": [row(button("i" * 101))]}, 50035),
        ({"content": "x", "components": [row(button(label=""))]}, 50035),
        ({"content": "x", "attachments": [{"id": 0, "filename": "a.png"}]}, 50035),
        ({"content": "x", "nonce": "n" * 26}, 50035),
        ({"embeds": [{"description": "x" * 4097}]}, 50035),
        ({"embeds": [{"title": "x" * 257}]}, 50035),
        ({"embeds": [{"description": "x" * 4000}, {"description": "x" * 2001}]}, 50035),
        ({"embeds": [{"description": "x", "color": 1 << 24}]}, 50035),
        ({"embeds": [{"fields": [{"name": "n", "value": "v"}] * 26}]}, 50035),
        ({"embeds": [{}]}, 50035),
        ({"embeds": [{"description": "x"}] * 11}, 50035),
        ({"embeds": [{"description": "x"}], "flags": 4}, 50006),
        ({"content": "x", "allowed_mentions": {"parse": ["roles"], "roles": ["1"]}}, 50035),
    ],
)
async def test_a_message_beyond_the_limits_is_refused(client: Client, desk: Channel, body: Json, code: int) -> None:
    assert await client.refused("POST", f"/channels/{desk.channel_id}/messages", body) == (400, code)


async def test_strangers_and_what_is_not_there_are_refused(client: Client, desk: Channel) -> None:
    await client.ask("GET", "/users/@me", token="wrong")
    assert client.last.status_code == 401
    assert await client.refused("POST", "/channels/5/messages", {"content": "x"}) == (404, 10003)
    assert await client.refused("PATCH", f"/channels/{desk.channel_id}/messages/5", {"content": "x"}) == (404, 10008)
    assert await client.refused("PUT", f"/applications/{APPLICATION}/guilds/5/commands", []) == (403, 50001)
    assert await client.refused("GET", "/nowhere") == (404, 0)
    assert client.last.headers["content-type"] == "application/json"


async def test_mentions_ring_unless_they_are_forbidden(client: Client, server: DiscordServer, desk: Channel) -> None:
    path = f"/channels/{desk.channel_id}/messages"
    await client.ask("POST", path, {"content": "@everyone"})
    await client.ask("POST", path, {"content": "@everyone", "allowed_mentions": {"parse": []}})
    assert [message.pings for message in server.messages(desk)] == [("@everyone",), ()]


async def test_only_the_roles_that_are_listed_ring_and_an_edit_rings_nobody(
    client: Client, server: DiscordServer, desk: Channel
) -> None:
    path = f"/channels/{desk.channel_id}/messages"
    named = {"content": "<@&1> <@&2> @everyone", "allowed_mentions": {"parse": [], "roles": ["2"]}}
    made = await client.ask("POST", path, named)
    await client.ask("PATCH", f"{path}/{made['id']}", named)
    await client.ask("POST", path, {"content": "x", "embeds": [{"description": "<@&2> @everyone"}]})
    assert [message.pings for message in server.messages(desk)] == [("<@&2>",), ()]


async def test_one_nonce_is_one_message_if_that_is_asked_for(
    client: Client, server: DiscordServer, desk: Channel
) -> None:
    path = f"/channels/{desk.channel_id}/messages"
    ids = [
        (await client.ask("POST", path, {"content": text, "nonce": "a", "enforce_nonce": True}))["id"]
        for text in ("first", "second")
    ]
    await client.ask("POST", path, {"content": "third", "nonce": "a"})
    assert ids[0] == ids[1]
    assert [message.text for message in server.messages(desk)] == ["first", "third"]


async def test_embeds_are_left_out_without_a_word_where_the_bot_may_not_embed(
    client: Client, server: DiscordServer, desk: Channel
) -> None:
    desk.may_embed = False
    path = f"/channels/{desk.channel_id}/messages"
    made = await client.ask("POST", path, {"content": "x", "embeds": [{"description": "y"}]})
    assert (client.last.status_code, made["embeds"], server.messages(desk)[0].text) == (200, [], "x")
    assert await client.refused("POST", path, {"embeds": [{"description": "y"}]}) == (400, 50006)


async def test_a_thread_is_started_once_renamed_archived_and_opened_by_what_is_said_in_it(
    client: Client, server: DiscordServer, desk: Channel
) -> None:
    message = (await client.ask("POST", f"/channels/{desk.channel_id}/messages", {"content": "x"}))["id"]
    start = f"/channels/{desk.channel_id}/messages/{message}/threads"
    assert await client.refused("POST", start, {"name": ""}) == (400, 50035)
    thread = await client.ask("POST", start, {"name": "one", "auto_archive_duration": 60})
    assert thread["id"] == message
    assert await client.refused("POST", start, {"name": "one"}) == (400, 160004)
    inside = (await client.ask("POST", f"/channels/{message}/messages", {"content": "y"}))["id"]
    await client.ask("PATCH", f"/channels/{message}", {"name": "two", "archived": True})
    assert (server.api.channels[int(message)].name, server.api.channels[int(message)].archived) == ("two", True)
    assert await client.refused("PATCH", f"/channels/{message}/messages/{inside}", {"content": "z"}) == (400, 50083)
    await client.ask("POST", f"/channels/{message}/messages", {"content": "z"})
    assert not server.api.channels[int(message)].archived
    desk.may_thread = False
    again = (await client.ask("POST", f"/channels/{desk.channel_id}/messages", {"content": "x"}))["id"]
    refused = f"/channels/{desk.channel_id}/messages/{again}/threads"
    assert await client.refused("POST", refused, {"name": "n"}) == (403, 50013)
    assert await client.refused("PATCH", f"/channels/{desk.channel_id}", {"name": "n"}) == (403, 50013)


async def test_guilds_are_listed_in_pages_and_left(client: Client, server: DiscordServer, desk: Channel) -> None:
    second = server.add_guild("Second")
    page = await client.ask("GET", f"/users/@me/guilds?limit=1&after={desk.guild}")
    assert [one["name"] for one in page] == ["Second"]
    await client.ask("DELETE", f"/users/@me/guilds/{second.guild_id}")
    assert await client.refused("DELETE", f"/users/@me/guilds/{second.guild_id}") == (404, 10004)
    assert await client.refused("GET", f"/guilds/{desk.guild}/members/5") == (404, 10007)


async def test_an_option_behind_one_that_may_be_left_out_may_be_left_out_too(client: Client, desk: Channel) -> None:
    path = f"/applications/{APPLICATION}/commands"
    options = [{"type": 3, "name": name, "description": "d", "required": name == "b"} for name in ("a", "b")]
    command = {"name": "x", "description": "d", "options": options}
    assert await client.refused("PUT", path, [command]) == (400, 50035)
    await client.ask("PUT", path, [{**command, "options": options[::-1]}])
    assert client.last.status_code == 200


async def test_an_interaction_is_acknowledged_once_and_its_first_answer_takes_the_place_of_thinking(
    client: Client, server: DiscordServer, desk: Channel, gateway: ClientWebSocketResponse
) -> None:
    interaction = await server.slash(ANN, "health", channel=desk)
    callback = f"/interactions/{interaction.interaction_id}/{interaction.token}/callback"
    answers = f"/webhooks/{APPLICATION}/{interaction.token}"
    assert await client.refused("POST", answers, {"content": "x"}) == (404, 10015)
    assert await client.refused("POST", callback, {"type": 6}) == (400, 50035)
    await client.ask("POST", callback, {"type": 5, "data": {"flags": 64}})
    assert await client.refused("POST", callback, {"type": 5}) == (400, 40060)
    await client.ask("POST", answers, {"content": "first"})  # hidden as "thinking" was
    await client.ask("POST", answers, {"content": "second"})
    assert [message.text for message in server.messages(desk, seen_by=ANN)] == ["first", "second"]
    assert [message.text for message in server.messages(desk, seen_by=BOB)] == ["second"]
    hidden = server.messages(desk, seen_by=ANN)[0].message_id
    path = f"/channels/{desk.channel_id}/messages/{hidden}"
    assert await client.refused("PATCH", path, {"content": "x"}) == (404, 10008)
    interaction.over = True
    assert await client.refused("POST", answers, {"content": "x"}) == (404, 10015)


async def test_what_was_said_while_nobody_listened_is_repeated_to_whoever_resumes(
    server: DiscordServer, gateway: ClientWebSocketResponse
) -> None:
    await gateway.close()
    await server.wait_for(lambda: server.gateway.live is None)
    shape = server.api.shapes.written(5, server.direct(ANN), ANN, "missed", bot=False)
    await server.gateway.dispatch("MESSAGE_CREATE", shape)
    async with ClientSession() as session, session.ws_connect(server.gateway_url) as socket:
        await socket.receive_json()
        await socket.send_json({"op": 6, "d": {"token": server.token, "session_id": "session1", "seq": 2}})
        missed, resumed = await socket.receive_json(), await socket.receive_json()
    assert (missed["d"]["content"], resumed["t"]) == ("missed", "RESUMED")


async def test_limits_are_told_in_advance_and_counted_when_broken(
    client: Client, server: DiscordServer, desk: Channel
) -> None:
    server.limits.messages, server.limits.per_s = 2, 60.0
    path = f"/channels/{desk.channel_id}/messages"
    for left in ("1", "0"):
        await client.ask("POST", path, {"content": "x"})
        assert client.last.headers["X-RateLimit-Remaining"] == left
    answer = await client.ask("POST", path, {"content": "x"})
    assert client.last.status_code == 429
    assert 0 < answer["retry_after"] <= 60
    assert server.limits.broken == 1


async def test_a_fault_strikes_what_it_is_meant_for_and_is_used_up(
    client: Client, server: DiscordServer, desk: Channel
) -> None:
    server.inject(Fault(path="/messages", status=429, retry_after=7, is_global=True))
    await client.ask("GET", "/users/@me")
    assert client.last.status_code == 200
    answer = await client.ask("POST", f"/channels/{desk.channel_id}/messages", {"content": "x"})
    assert (answer["retry_after"], answer["global"], client.last.headers["Via"]) == (7, True, "1.1 google")
    await client.ask("POST", f"/channels/{desk.channel_id}/messages", {"content": "x"})
    assert client.last.status_code == 200


async def test_it_runs_as_a_program_that_says_how_to_reach_it() -> None:
    command = [sys.executable, "-W", "error", "-m", "tests.support.discord_server"]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        lines = [(await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip() for _ in range(4)]
        settings = dict(line.split("=", 1) for line in lines)
        assert settings["ALLOW_LOOPBACK_PLATFORMS"] == "true"
        base = settings["DISCORD_API_URL"].removesuffix("/api/v10")
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.post(f"{base}/control/fault", content=json.dumps({"status": 500}))).json() == {
                "ok": True
            }
            assert (await http.get(settings["DISCORD_API_URL"] + "/users/@me")).status_code == 500
            assert (await http.get(f"{base}/control/messages")).json() == []
    finally:
        process.terminate()
        await process.wait()
