"""The loopback Bot API server, for tests to import and for people to run.

    python -m tests.support.telegram_server [PORT]

prints the settings of a bot that talks to it, and takes commands over HTTP:

    POST /control/say     {"user": 1001, "text": "/health", "chat": null}
    POST /control/press   {"user": 1001, "chat": 1001, "message": 101, "button": "Ack"}
    POST /control/fault   fields of Fault, such as {"method": "send", "status": 429, "retry_after": 3}
    POST /control/heal
    GET  /control/messages?chat=1001
"""

import asyncio
import sys

from aiohttp import web

from tests.support.telegram import (
    ApiError,
    Call,
    Chat,
    Drop,
    Fault,
    Key,
    Revision,
    SentMessage,
    TelegramServer,
)

__all__ = ["ApiError", "Call", "Chat", "Drop", "Fault", "Key", "Revision", "SentMessage", "TelegramServer"]

_USER = 1001


def control_routes(server: TelegramServer) -> list[web.RouteDef]:
    """The test side of ``server`` over HTTP."""

    async def say(request: web.Request) -> web.Response:
        body = await request.json()
        await server.say(body.get("user", _USER), body["text"], chat=body.get("chat"))
        return web.json_response({"ok": True})

    async def press(request: web.Request) -> web.Response:
        body = await request.json()
        message = server.api.find(body.get("chat", _USER), body["message"])
        if message is None:
            return web.json_response({"ok": False, "error": "no such message"}, status=404)
        return web.json_response({"query": await server.press(body.get("user", _USER), message, body["button"])})

    async def fault(request: web.Request) -> web.Response:
        body = await request.json()
        drop = Drop(body.pop("drop")) if "drop" in body else None
        server.inject(Fault(**body, drop=drop))
        return web.json_response({"ok": True})

    async def heal(_: web.Request) -> web.Response:
        server.heal()
        return web.json_response({"ok": True})

    async def messages(request: web.Request) -> web.Response:
        chat = request.query.get("chat")
        return web.json_response([_shown(message) for message in server.messages(int(chat) if chat else None)])

    return [
        web.post("/control/say", say),
        web.post("/control/press", press),
        web.post("/control/fault", fault),
        web.post("/control/heal", heal),
        web.get("/control/messages", messages),
    ]


def _shown(message: SentMessage) -> dict[str, object]:
    return {
        "message": message.message_id,
        "chat": message.chat,
        "text": message.text,
        "buttons": message.labels,
        "silent": message.silent,
        "photo_bytes": len(message.photo or b""),
        "edits": [revision.text for revision in message.edits],
    }


async def main(port: int) -> None:
    server = TelegramServer(port=port)
    server.add_user(_USER)
    await server.start(*control_routes(server))
    lines = (f"TELEGRAM_BASE_URL={server.url}", f"TELEGRAM_TOKEN={server.token}", "ALLOW_LOOPBACK_PLATFORMS=true")
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
