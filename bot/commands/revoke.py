"""/revoke: somebody is a stranger again, after a look at what that ends."""

from dataclasses import dataclass

from bot.commands import cards, pending
from bot.commands.persons import find, label_for, mark, shown
from bot.commands.role_words import roles
from bot.commands.spec import Command, Denied, PressReply, PressRequest, Request, Services, Usage, Where
from bot.messages import Line, Message
from storage import LinkedPerson, Role

CONFIRM, CANCEL = "revoke", "revoke-no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Whom a card is about."""

    person_id: str


async def run(services: Services, request: Request) -> Message:
    asker = request.person
    if asker is None:
        raise Denied("Only linked people may do that.")
    if not request.args:
        raise Usage("Say whom; /people lists everybody.")
    person = await find(services, asker, " ".join(request.args))
    _require(asker, person)
    chats = await services.people.chats_of(person.person_id)
    identities = await services.people.identities(person.person_id)
    known = ", ".join(f"{one.platform} {one.user_id}" for one in identities)
    groups = sum(not chat.private for chat in chats)
    also = f" {groups} group{' that they' if groups == 1 else 's that they'} linked" if groups else ""
    return Message(
        blocks=(
            Line(f"Revoke {shown(person)} #{mark(person)}, {roles(person.access, label_for(services))}?", strong=True),
            Line(f"Known as {known}. They are a stranger then; their private chats"
                 f"{' and' + also if also else ''} hear nothing more, invitations they gave are void."),
            *((Line("Link the groups again with /here, or nobody hears there."),) if groups else ()),
            Line(cards.HOLDS),
        ),
        buttons=await pending.buttons(services, CONFIRM, CANCEL, Revocation(person_id=person.person_id)),
    )  # fmt: skip


async def confirm(services: Services, press: PressRequest) -> PressReply:
    meant = await pending.taken(services, Revocation, press.args[0])
    if meant is None:
        return cards.over("This card does not hold any more. Nothing was changed; ask again with /revoke.")
    person = await services.people.by_id(meant.person_id)
    if person is None:
        return cards.over("Nobody is known as that any more. Nothing was changed.")
    _require(press.person, person)
    if not await services.people.revoke(person.person_id, services.clock.now()):
        return cards.over(f"{shown(person)} is a stranger already.")
    await services.digests.off(person.person_id)
    return PressReply(
        notice="Revoked",
        replace=Message(
            blocks=(Line(f"{shown(person)} is a stranger now.", strong=True), Line(cards.confirmed_by(press)))
        ),
    )


def _require(asker: LinkedPerson, person: LinkedPerson) -> None:
    """Raises: Denied."""
    if person.owner:
        raise Denied("The owner cannot be revoked.")
    if person.person_id == asker.person_id:
        raise Denied("Nobody revokes themselves; ask another admin.")
    if not asker.access.governs(person.access):
        raise Denied(f"{shown(person)} has roles for accounts you are no admin of: take yours away with /people.")


COMMAND = Command(
    name="revoke", usage="/revoke NAME", summary="make somebody a stranger again", run=run, role=Role.ADMIN,
    press_role=Role.ADMIN, per_account=True, where=Where.PRIVATE, presses={CONFIRM: confirm, CANCEL: cards.cancel},
)  # fmt: skip
