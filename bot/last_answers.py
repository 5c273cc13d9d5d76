"""What questions were answered with last, to show it with its age while the next answer is being calculated."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime

from bot.commands.common import account_of
from bot.commands.spec import Command, Request, Run, Services
from bot.messages import Block, File, Line, Message, Picture
from bot.text.ages import age
from risk.ports import Clock

CALCULATING = "Calculating; the answer will stand here."
_REMEMBERED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    message: Message
    at: datetime


class LastAnswers:
    """The last answers of commands about an account, apart for everybody who asks, as each reads other numbers."""

    def __init__(self, clock: Clock, *, size: int = _REMEMBERED) -> None:
        self._clock, self._size = clock, size
        self._known: OrderedDict[Hashable, _Known] = OrderedDict()

    def remembering(self, command: Command) -> Run:
        """The command, whose answers are kept. Pictures and files are too large to be kept for everybody."""

        async def run(services: Services, request: Request) -> Message:
            message = await command.run(services, request)
            if message.card:
                return message  # it is kept up to date by itself, and an old one must not be shown
            texts = tuple(block for block in message.blocks if not isinstance(block, Picture | File))
            question = _question(services, request, command)
            self._known[question] = _Known(message=Message(blocks=texts), at=self._clock.now())
            self._known.move_to_end(question)
            while len(self._known) > self._size:
                self._known.popitem(last=False)
            return message

        return run

    def instead_of(self, command: Command) -> Run:
        """What is said until the command has its answer: the last one with its age, or what the command has."""

        async def run(services: Services, request: Request) -> Message:
            known = self._known.get(_question(services, request, command))
            if known is not None and (message := _aged(known, self._clock.now())) is not None:
                return message
            return await (command.meanwhile or command.run)(services, request)

        return run


def _question(services: Services, request: Request, command: Command) -> Hashable:
    """Who asks what about which account, where. Raises: Usage, NotHere, for an account they may not see any more."""
    watched, rest = account_of(services, request.args)
    asked_by = request.person.person_id if request.person else ""
    return asked_by, request.address, command.name, watched.account_id, watched.nickname, rest


def _aged(known: _Known, now: datetime) -> Message | None:
    """The answer, which says before anything else how old it is.

    Its last line, where the account stood then, is left out: an old answer must not say "0 s old".
    """
    if len(known.message.blocks) < 2:
        return None
    first, *rest, _ = known.message.blocks
    if not isinstance(first, Line):
        return None
    ago = age((now - known.at).total_seconds())
    blocks: tuple[Block, ...] = (Line(f"{ago} ago, {first.text}", strong=True), *rest, Line(CALCULATING))
    return Message(blocks=blocks)
