"""Where the primary's beats arrive."""

from collections.abc import Callable
from http import HTTPStatus

import structlog

from bot.beats import BEAT_PATH, LONGEST_BEAT_BYTES, BadBeat, Beat, opened
from bot.http_server import HttpServer, Request, Response, refused

log = structlog.get_logger()


class Listener:
    """Answers beats and nothing else.

    Args:
        hear: Takes a beat whose signature is good; raises BadBeat.
    """

    def __init__(self, hear: Callable[[Beat], None], *, secret: str) -> None:
        self._hear, self._secret = hear, secret
        self._problem = ""

    def server(self, host: str, port: int) -> HttpServer:
        """Enter it to listen."""
        return HttpServer(self.answer, host=host, port=port, name="standby", longest_body=LONGEST_BEAT_BYTES)

    async def answer(self, request: Request) -> Response:
        # A proxy in front may put something before it.
        if not request.path.rstrip("/").endswith(BEAT_PATH):
            return refused(HTTPStatus.NOT_FOUND, f"beats go to {BEAT_PATH}")
        if request.method != "POST":
            return refused(HTTPStatus.METHOD_NOT_ALLOWED, "a beat is a POST", Allow="POST")
        try:
            self._hear(opened(request.body, request.headers, self._secret))
        except BadBeat as error:
            self._note(str(error))
            return refused(HTTPStatus.FORBIDDEN, str(error))
        self._note("")
        return Response(status=HTTPStatus.NO_CONTENT)

    def _note(self, problem: str) -> None:
        """A line when it changes: whoever can reach the port must not be able to fill the log."""
        if problem != self._problem:
            self._problem = problem
            if problem:
                log.warning("beat.refused", reason=problem)
            else:
                log.info("beat.taken")
