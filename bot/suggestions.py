"""Ways to go on typing behind a command, where a platform offers them."""

from collections.abc import Sequence

from bot.commands.registry import all_commands
from bot.messages import Person
from bot.roster import Roster
from storage import People


class Suggestions:
    """Account nicknames, for commands that take one. Strangers are shown nothing: what is watched is private."""

    def __init__(self, people: People, roster: Roster) -> None:
        self._people, self._roster = people, roster
        self._take_accounts = frozenset(
            name for name, command in all_commands().items() if "[account]" in command.usage
        )

    async def suggest(self, person: Person, command: str, typed: str) -> Sequence[str]:
        """Whole arguments that begin with what was typed.

        Args:
            command: Its name.
            typed: What stands behind it so far.
        """
        if command not in self._take_accounts:
            return ()
        if await self._people.person(person.transport, person.user_id) is None:
            return ()
        begun = typed.lower()
        return tuple(one.nickname for one in self._roster.all if one.nickname.lower().startswith(begun))
