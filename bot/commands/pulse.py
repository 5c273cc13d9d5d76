"""/pulse: the pinned status message of a chat, on or off."""

from bot.commands import wishing
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Message, lines
from bot.text.clean import name

_ON, _OFF = "on", "off"


async def run(services: Services, request: Request) -> Message:
    here = wishing.here(request.address)
    off = here in await services.pulses.off()
    if not request.args:
        state = "off" if off else "on"
        return Message(blocks=lines(f"Status is {state} here.", f"/pulse {_ON if off else _OFF} changes it."))
    word = request.args[0].lower()
    if len(request.args) > 1 or word not in (_ON, _OFF):
        raise Usage(f"{name(word)} is neither {_ON} nor {_OFF}")
    await wishing.require_say(services, request.person, request.address)
    await services.pulses.switch(here, on=word == _ON)
    if word == _OFF:
        return Message(blocks=lines("Status is off here.", "The message is no longer kept up to date."))
    return Message(
        blocks=lines("Status is on here.", "One silent message is kept up to date and pinned, where the bot may pin.")
    )


COMMAND = Command(
    name="pulse", usage="/pulse [on|off]", summary="the pinned status message of this chat, on or off", run=run
)
