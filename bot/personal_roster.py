"""The accounts one person may see, in the words they use for them, as far as a place may hear of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from bot.accounts import free
from bot.roster import NotHere, Roster, Watched
from risk.decisions.tiers import TierThresholds

NOTHING_TO_SEE = "You may see no account yet. An admin gives you a role with /people, or invites you with /invite."
NOTHING_HERE = "No account is spoken of here. Ask me in private; an admin allows accounts here with /here."


class PersonalRoster(Roster):
    """A cut of the process's roster. What is changed here is changed there, under the name everybody uses.

    Args:
        whole: The process's.
        accounts: Those that are seen, under their own names.
        may_see: Whether an account may be seen, be it watched or not.
        elsewhere: Those that are not spoken of in this place, by every name they go by.
        why_empty: See Roster.
    """

    def __init__(
        self,
        whole: Roster,
        accounts: Iterable[Watched],
        *,
        may_see: Callable[[str], bool],
        elsewhere: Mapping[str, str],
        why_empty: str,
    ) -> None:
        super().__init__(accounts)
        self._whole, self._may_see, self._elsewhere, self.why_empty = whole, may_see, elsewhere, why_empty

    def label(self, account_id: str) -> str:
        """As Roster.label(); nothing of an account that may not be seen, not even its address."""
        return super().label(account_id) if self._may_see(account_id) else "another account"

    def thresholds(self, account_id: str) -> TierThresholds:
        """Also of an account that is not in this cut: what an alert is about is decided by its own."""
        return self._whole.thresholds(account_id)

    def find(self, text: str) -> Watched:
        """As Roster.find(); also under the name everybody uses, where it means nothing else to this person."""
        try:
            return super().find(text)
        except LookupError:
            for account_id, own in self._by_id.items():
                if text.lower() == self._whole.label(account_id).lower():
                    return own
            if (called := self._elsewhere.get(text.lower())) is not None:
                raise NotHere(called) from None
            raise

    def change(self, account: Watched) -> None:
        super().change(account)
        self._whole.change(replace(account, nickname=self._whole.label(account.account_id)))

    def add(self, account: Watched) -> None:
        """Raises: TypeError; accounts join the whole."""
        raise TypeError("an account joins the roster of the process, not a cut of it")

    def remove(self, account_id: str) -> None:
        """Raises: TypeError; accounts leave the whole."""
        raise TypeError("an account leaves the roster of the process, not a cut of it")


def personal(
    whole: Roster,
    *,
    may_see: Callable[[str], bool],
    may_speak_of: Callable[[str], bool] | None = None,
    nicknames: Mapping[str, str],
    default_account: str = "",
) -> PersonalRoster:
    """One person's roster.

    Args:
        may_see: Whether they may see an account.
        may_speak_of: Whether the place may hear of one; None where only they read.
        nicknames: What they call accounts, by id.
        default_account: Id of the one they mean when they name none; it comes first.
    """
    seen = _renamed((one for one in whole.all if may_see(one.account_id)), nicknames)
    seen.sort(key=lambda one: one.account_id != default_account)
    here = seen if may_speak_of is None else [one for one in seen if may_speak_of(one.account_id)]
    spoken_of = {one.account_id for one in here}
    elsewhere = {
        word.lower(): one.nickname
        for one in seen
        if one.account_id not in spoken_of
        for word in (one.nickname, one.account_id, whole.label(one.account_id))
    }
    return PersonalRoster(
        whole,
        here,
        may_see=may_see,
        elsewhere=elsewhere,
        why_empty=NOTHING_HERE if seen and not here else NOTHING_TO_SEE if len(whole) else whole.why_empty,
    )


def _renamed(accounts: Iterable[Watched], nicknames: Mapping[str, str]) -> list[Watched]:
    """Own names win; a name everybody uses gives way where it would mean two accounts to this person."""
    known = tuple(accounts)
    taken = {nicknames[one.account_id].lower() for one in known if one.account_id in nicknames}
    renamed: list[Watched] = []
    for watched in known:
        own = nicknames.get(watched.account_id)
        if own is None:
            own = free(watched.nickname, taken)
            taken.add(own.lower())
        renamed.append(watched if own == watched.nickname else replace(watched, nickname=own))
    return renamed
