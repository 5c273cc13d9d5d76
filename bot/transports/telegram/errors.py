"""What Telegram answers, where a caller inside this package acts on the difference.

DeliveryError
├── TryAgain
│   ├── TokenRefused      wrong token: only a person can help
│   └── PolledElsewhere   another process reads the updates of this bot
└── Refused
    ├── MessageGone       the message to edit was deleted or is too old
    ├── NoTextThere       the message to edit is a picture, its text is a caption
    └── TopicGone         the forum topic was closed or deleted, the chat around it lives
"""

from bot.messages import Refused, TryAgain

TOKEN_REFUSED = "Telegram refused the token: check TELEGRAM_TOKEN"  # noqa: S105 - a sentence about a token, not a token


class TokenRefused(TryAgain):
    def __init__(self) -> None:
        super().__init__(TOKEN_REFUSED)


class PolledElsewhere(TryAgain):
    def __init__(self) -> None:
        super().__init__(
            "another process reads this bot's messages with the same token: stop it. "
            "Alerts still go out, commands and presses may not arrive"
        )


class MessageGone(Refused):
    pass


class NoTextThere(Refused):
    pass


class TopicGone(Refused):
    pass
