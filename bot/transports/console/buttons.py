"""Numbers for buttons. A number is never given twice, so an old one on the screen can never press a new button."""

from collections import OrderedDict
from dataclasses import dataclass

from bot.messages import Button, Message, MessageRef

_REMEMBERED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressable:
    """A button on the screen."""

    ref: MessageRef
    button: Button


class Numbering:
    """Which number presses what, for the last 200 buttons."""

    def __init__(self) -> None:
        self._pressable: OrderedDict[int, Pressable] = OrderedDict()
        self._last = 0

    def give(self, ref: MessageRef, message: Message) -> dict[Button, int]:
        """Numbers for the buttons a message has now. Those it keeps keep theirs, those it lost press nothing."""
        buttons = [button for row in message.buttons for button in row]
        kept = {}
        for number, pressable in list(self._pressable.items()):
            if pressable.ref != ref:
                continue
            if pressable.button in buttons:
                kept[pressable.button] = number
            else:
                del self._pressable[number]
        for button in buttons:
            if button not in kept:
                self._last += 1
                kept[button] = self._last
                self._pressable[self._last] = Pressable(ref=ref, button=button)
        while len(self._pressable) > _REMEMBERED:
            self._pressable.popitem(last=False)
        return kept

    def pressed(self, text: str) -> Pressable | None:
        return self._pressable.get(int(text)) if _is_number(text) else None

    def last_called(self, label: str) -> int | None:
        """The number of the newest button of a label; None for none."""
        return next(
            (number for number in reversed(self._pressable) if self._pressable[number].button.label == label), None
        )

    def is_gone(self, text: str) -> bool:
        """Whether this was the number of a button once. A number that never was may be a code somebody types."""
        return _is_number(text) and 0 < int(text) <= self._last and int(text) not in self._pressable


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
