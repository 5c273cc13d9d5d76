"""Refusals with Discord's own codes and words, which is how real clients tell them apart."""


class ApiError(Exception):
    """A status, a code of Discord and its words.

    Attributes:
        retry_after: For status 429, in seconds.
        is_global: The limit holds for everything the bot asks.
        via: Whether the answer comes from Discord itself; without it, a library takes it for a ban.
    """

    def __init__(
        self,
        status: int,
        code: int,
        words: str,
        *,
        retry_after: float | None = None,
        is_global: bool = False,
        via: bool = True,
    ) -> None:
        self.status = status
        self.code = code
        self.words = words
        self.retry_after = retry_after
        self.is_global = is_global
        self.via = via
        super().__init__(words)


def bad_form(words: str) -> ApiError:
    return ApiError(400, 50035, f"Invalid Form Body: {words}")


def unknown_channel() -> ApiError:
    return ApiError(404, 10003, "Unknown Channel")


def unknown_message() -> ApiError:
    return ApiError(404, 10008, "Unknown Message")


def unknown_interaction() -> ApiError:
    return ApiError(404, 10062, "Unknown interaction")


def unknown_webhook() -> ApiError:
    return ApiError(404, 10015, "Unknown Webhook")
