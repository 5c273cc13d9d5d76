"""/disarm: what was allowed beforehand is not any more, at once."""

from bot.commands.common import require_role
from bot.commands.spec import Command, Denied, Request, Services, Usage
from bot.messages import Message, lines
from bot.roster import UnknownNickname
from bot.text.clean import name
from bot.trading.cards.presses import OFF
from storage import Role


async def run(services: Services, request: Request) -> Message:
    trading, person = services.trading, request.person
    if trading is None or person is None:
        raise Denied(OFF)
    now, standing_id = services.clock.now(), None
    account_ids = [one for one in services.roster.account_ids if person.access.may(Role.TRADER, one)]
    if request.args:
        word = request.args[0].upper()
        active = {one.standing_id: one for one in await trading.standing.active(now)}
        if word in active and active[word].terms.account_id in account_ids:
            standing_id = word
        else:
            try:
                watched = services.roster.find(request.args[0])
            except UnknownNickname as exc:
                known = ", ".join(services.roster.label(one) for one in account_ids) or "none"
                raise Usage(f"{name(exc.text)} is no standing approval and no account. Accounts: {known}.") from exc
            require_role(person, Role.TRADER, watched)
            account_ids = [watched.account_id]
    ended = await trading.standing.revoke(person.person_id, now, standing_id=standing_id, account_ids=account_ids)
    trading.keeper.wake()
    if not ended:
        return Message(blocks=lines("No standing approval was in force.", "Every order takes a press."))
    what = "1 standing approval is" if ended == 1 else f"{ended} standing approvals are"
    return Message(blocks=lines(f"Disarmed: {what} over", "From now on every order takes a press."))


COMMAND = Command(
    name="disarm", usage="/disarm [account]", summary="end standing approvals at once", run=run, role=Role.TRADER,
    per_account=True,
)  # fmt: skip
