"""The loopback Discord server, for tests to import and for people to run.

    python -m tests.support.discord_server [PORT]

prints the settings of a bot that talks to it, and takes commands over HTTP:

    POST /control/slash   {"user": 1001, "name": "health", "args": "main"}
    POST /control/say     {"user": 1001, "text": "health"}
    POST /control/press   {"user": 1001, "message": 1400000000000100007, "button": "Ack"}
    POST /control/fault   fields of Fault, such as {"path": "/messages", "status": 429, "retry_after": 3}
    POST /control/heal
    POST /control/gateway {"do": "reconnect" | "invalidate" | "cut"}
    GET  /control/messages
"""

import asyncio
import sys

from aiohttp import web

from tests.support.discord import (
    ApiError,
    Call,
    Channel,
    DiscordServer,
    Drop,
    Fault,
    Guild,
    Interaction,
    Key,
    Revision,
    SentMessage,
)

__all__ = [
    "ApiError",
    "Call",
    "Channel",
    "DiscordServer",
    "Drop",
    "Fault",
    "Guild",
    "Interaction",
    "Key",
    "Revision",
    "SentMessage",
]

_USER = 1001


def control_routes(server: DiscordServer) -> list[web.RouteDef]:
    """The test side of ``server`` over HTTP."""

    async def slash(request: web.Request) -> web.Response:
        body = await request.json()
        await server.slash(body.get("user", _USER), body["name"], body.get("args", ""))
        return web.json_response({"ok": True})

    async def say(request: web.Request) -> web.Response:
        body = await request.json()
        await server.say(body.get("user", _USER), body["text"])
        return web.json_response({"ok": True})

    async def press(request: web.Request) -> web.Response:
        body = await request.json()
        message = server.api.find(int(body["message"]))
        if message is None:
            return web.json_response({"ok": False, "error": "no such message"}, status=404)
        await server.press(body.get("user", _USER), message, body["button"])
        return web.json_response({"ok": True})

    async def fault(request: web.Request) -> web.Response:
        body = await request.json()
        drop = Drop(body.pop("drop")) if "drop" in body else None
        server.inject(Fault(**body, drop=drop))
        return web.json_response({"ok": True})

    async def heal(_: web.Request) -> web.Response:
        server.heal()
        return web.json_response({"ok": True})

    async def gateway(request: web.Request) -> web.Response:
        match (await request.json())["do"]:
            case "reconnect":
                await server.gateway.ask_to_reconnect()
            case "invalidate":
                await server.gateway.invalidate(resumable=False)
            case "cut":
                server.gateway.cut()
        return web.json_response({"ok": True})

    async def messages(_: web.Request) -> web.Response:
        return web.json_response([_shown(message) for message in server.api.sent])

    return [
        web.post("/control/slash", slash),
        web.post("/control/say", say),
        web.post("/control/press", press),
        web.post("/control/fault", fault),
        web.post("/control/heal", heal),
        web.post("/control/gateway", gateway),
        web.get("/control/messages", messages),
    ]


def _shown(message: SentMessage) -> dict[str, object]:
    return {
        "message": str(message.message_id),
        "channel": str(message.channel),
        "text": message.text,
        "buttons": message.labels,
        "silent": message.silent,
        "only_for": message.only_for,
        "file_bytes": sum(map(len, message.files)),
        "edits": [revision.text for revision in message.edits],
    }


async def main(port: int) -> None:
    server = DiscordServer(port=port)
    server.add_channel(server.add_guild())
    await server.start(*control_routes(server))
    lines = (
        f"DISCORD_API_URL={server.api_url}",
        f"DISCORD_GATEWAY_URL={server.gateway_url}",
        f"DISCORD_TOKEN={server.token}",
        "ALLOW_LOOPBACK_PLATFORMS=true",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    try:
        await asyncio.Event().wait()
    finally:
        await server.stop()


if __name__ == "__main__":
    try:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
    except KeyboardInterrupt:
        sys.exit(0)
