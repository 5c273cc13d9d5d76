"""An observer beside the bot: it sees the same books, keeps no state of the bot's, and says who should have been told.

It computes health with the one margin engine there is and compares it with a threshold: no hysteresis, no incidents, no
database. What people were told it reads off the platforms.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from benchmarks.soak.ledger import Ledger, clock_of
from benchmarks.soak.platforms import DANGER, said_of
from risk.fleet import FleetView
from risk.margin.book import FleetBook

CRITICAL_PERCENT = 120.0
_CLEARLY = 0.5  # percent around the threshold where rounding may decide
_LOOK_EVERY_S = 2.0
_FIRM_AFTER_S = 8.0  # a breach that lasts as long is seen by at least one check of the bot
PATIENCE_S = (
    150.0  # in which nothing is in the way; a platform takes a message a second, a retry is a minute apart at most
)
_IN_THE_WAY_S = 20.0
_STALE_S = 20.0  # the bot says so after 10
_CLAIM = re.compile(r"^(?P<account>[a-z]+): health -?[\d.]+%, (?P<tier>OK|WATCH|WARNING|HIGH|CRITICAL|LIQUIDATING)$")
_ROW = re.compile(r"^(?P<account>[a-z]+) +(?P<tier>OK|WATCH|WARNING|HIGH|CRITICAL|LIQUIDATING)\b", re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class Owed:
    """An alert that a chat should get.

    Attributes:
        clear_s: How long nothing was in its way.
        doubtful: The memory failed as it was found; a process that dies then may forget it.
    """

    since_s: float
    clear_s: float = 0.0
    doubtful: bool = False


@dataclass(slots=True, kw_only=True)
class Reference:
    """Breaches as they were seen, against alerts as they arrived.

    Attributes:
        chats: Where every alert of every account must arrive, as TRANSPORT/CHAT.
        looks: Books that were given out, each of which the bot assesses.
        owed: By chat and account.
        delays_s: From the first sight of a breach to its arrival.
        forgiven: Alerts that the promise does not cover, see ``died`` and ``excuse``.
    """

    ledger: Ledger
    chats: tuple[str, ...]
    looks: int = 0
    breaches: int = 0
    ratios_percent: dict[str, float] = field(default_factory=dict)
    fresh_s: dict[str, float] = field(default_factory=dict)
    owed: dict[tuple[str, str], Owed] = field(default_factory=dict)
    delays_s: list[float] = field(default_factory=list)
    claims: int = 0
    forgiven: int = 0
    _since_s: dict[str, float] = field(default_factory=dict)
    _told: dict[tuple[str, str], bool] = field(default_factory=dict)
    _last: dict[tuple[str, str], str] = field(default_factory=dict)
    _firm: set[str] = field(default_factory=set)
    _slot: int = -1
    _looked_s: float = -1e9
    _excused_s: dict[str, float] = field(default_factory=dict)
    _said_before: list[tuple[str, str]] = field(default_factory=list)

    def saw(self, book: FleetBook) -> None:
        """The venue gave out a book."""
        self.looks += 1
        now_s = self.ledger.now_s()
        if book.slot <= self._slot or now_s - self._looked_s < _LOOK_EVERY_S:
            return
        self._slot, self._looked_s = book.slot, now_s
        view = FleetView.of(book)
        for at, account_id in enumerate(view.ids):
            if not view.doubtful[at]:
                account = account_id.partition("-")[0]
                self.fresh_s[account] = now_s
                self.stands(account, float(view.worst_ratio_percent[at]))

    def stands(self, account: str, ratio_percent: float) -> None:
        """An account is at a health ratio now, and the bot knows."""
        now_s = self.ledger.now_s()
        self.ratios_percent[account] = ratio_percent
        if ratio_percent >= CRITICAL_PERCENT + _CLEARLY:
            self._since_s.pop(account, None)
            self._firm.discard(account)
        elif ratio_percent < CRITICAL_PERCENT - _CLEARLY:
            since_s = self._since_s.setdefault(account, now_s)
            if now_s - since_s >= _FIRM_AFTER_S and account not in self._firm:
                self._firm.add(account)
                self.breaches += 1
                for chat in self.chats:
                    if not self._told.get((chat, account)) and now_s >= self._excused_s.get(chat, 0.0):
                        doubtful = not self.ledger.quiet("memory", 30.0)
                        self.owed[chat, account] = Owed(since_s=since_s, doubtful=doubtful)

    def heard(self, chat: str, text: str) -> None:
        """A message arrived. One that says that the danger is over tells of it too, if late."""
        for said in said_of(text):
            key, danger = (chat, said.account), said.tier in DANGER and not said.over
            owed = self.owed.get(key)
            if owed is not None and not danger and not (said.over and self._could_be_late(owed, text)):
                owed = None
            if owed is not None:
                del self.owed[key]
            since_s = owed.since_s if owed is not None else self._since_s.get(said.account)
            if since_s is not None and (owed is not None or (danger and not self._told.get(key))):
                self.delays_s.append(self.ledger.now_s() - since_s)
            self._told[key] = danger
            self._last[key] = f"{said.tier}{', over,' if said.over else ''} at {clock_of(self.ledger.now_s())}"

    def _could_be_late(self, owed: Owed, text: str) -> bool:
        """Whether good news may take the place of bad news that never came: only where something was in its way."""
        waited_s = self.ledger.now_s() - owed.since_s
        return "\nLate: " in text or waited_s - owed.clear_s > _FIRM_AFTER_S + _IN_THE_WAY_S

    def composed(self, chat: str, text: str) -> None:
        """The bot is about to say something: whoever is called well must have been seen lately."""
        head = text.partition("\n")[0]
        if (claim := _CLAIM.match(head)) is None or (chat, text) in self._said_before:
            return
        self._said_before = [*self._said_before[-50:], (chat, text)]
        platform = chat.partition("/")[0]
        if not (self.ledger.quiet(platform, 90.0) and self.ledger.quiet("process", 10.0)):
            return  # it may have been waiting to leave since before
        self.claims += 1
        for one in (claim, *_ROW.finditer(text)):
            age_s = self.ledger.now_s() - self.fresh_s.get(one["account"], -1e9)
            if age_s > _STALE_S:
                self.ledger.wrong(f"{chat} is told {one[0].strip()!r}, and nobody has seen that for {age_s:.0f} s")

    def died(self) -> None:
        """The process was killed: what it had only just seen, or could not store, may be forgotten with it."""
        self._since_s.clear()
        self._firm.clear()
        gone = [key for key, owed in self.owed.items() if owed.doubtful]
        self.forgiven += len(gone)
        for key in gone:
            del self.owed[key]

    def excuse(self, chat: str, seconds: float) -> None:
        """The platform refuses what is sent there for what it is, so that it is given up."""
        self._excused_s[chat] = self.ledger.now_s() + seconds
        for key in [key for key in self.owed if key[0] == chat]:
            self.forgiven += 1
            del self.owed[key]

    def tick(self, seconds: float, clear: Collection[str]) -> None:
        """Time passed in which nothing was in the way on these platforms."""
        for (chat, account), owed in list(self.owed.items()):
            if chat.partition("/")[0] in clear:
                owed.clear_s += seconds
            if owed.clear_s > PATIENCE_S:
                del self.owed[chat, account]
                self.ledger.wrong(
                    f"{account} is in danger since {clock_of(owed.since_s)}, and {chat} was never told (lost alert);"
                    f" what it heard last: {self._last.get((chat, account), 'nothing')}"
                )

    @property
    def told(self) -> Mapping[tuple[str, str], bool]:
        """Whether a chat believes an account to be in danger."""
        return self._told
