"""/unmute: a market is told of again."""

from bot.alerts.wishes import Wish
from bot.commands import wishing
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Line, Message
from bot.text.clean import name

_ALL = "all"


async def run(services: Services, request: Request) -> Message:
    now = services.clock.now()
    muted = [
        market for market, until in (await wishing.wants(services, request.address)).muted.items() if until > now
    ]  # fmt: skip
    if not muted:
        return Message(blocks=(Line("No market is muted here.", strong=True),))
    if len(request.args) != 1:
        raise Usage(f"Say which one: {', '.join(name(market) for market in sorted(muted))}, or all.")
    await wishing.require_say(services, request.person, request.address)
    wanted = request.args[0].lower()
    ended = [one for one in muted if wanted in (_ALL, one.lower(), one.lower().removesuffix("-perp"))]
    if not ended:
        raise Usage(f"{name(request.args[0])} is not muted here; {', '.join(map(name, sorted(muted)))} is.")
    done = (f"{', '.join(map(name, sorted(ended)))}: told here again.",)
    return await wishing.grant(services, request, Wish(muted=dict.fromkeys(ended)), done)


COMMAND = Command(name="unmute", usage="/unmute MARKET | all", summary="hear of a market again", run=run)
