"""Refusals in the Bot API's own words, which is how real clients tell them apart."""


class ApiError(Exception):
    """A status and a description; ``retry_after`` and ``migrate_to_chat_id`` travel as response parameters."""

    def __init__(
        self,
        status: int,
        description: str,
        *,
        retry_after: int | None = None,
        migrate_to_chat_id: int | None = None,
    ) -> None:
        self.status = status
        self.description = description
        self.retry_after = retry_after
        self.migrate_to_chat_id = migrate_to_chat_id
        super().__init__(description)


def bad_request(words: str) -> ApiError:
    return ApiError(400, f"Bad Request: {words}")
