"""Who hears of what. Every linked chat hears of everything, and so does the terminal while somebody sits at it."""

from storage import LinkedChat, Receiver


def receivers(chats: tuple[LinkedChat, ...], *, console: Receiver | None) -> tuple[Receiver, ...]:
    """Everybody who is to hear of an incident, each once."""
    known = [Receiver(transport=chat.transport, chat=chat.chat, thread=chat.thread, route="linked") for chat in chats]
    if console is not None:
        known.append(console)
    return tuple(dict.fromkeys(known))
