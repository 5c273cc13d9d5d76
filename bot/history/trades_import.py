"""keel history import --trades: executions from a file into the log of fills, whole or not at all."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import venues
from bot.accounts import nickname_of
from bot.config import Settings
from bot.text.typed import number_typed
from risk.model.account import Side
from risk.model.performance import Fill
from risk.ports import Clock
from storage import Accounts, FillLog, Store, WatchedAccount
from venues.replay.errors import BadRecording
from venues.replay.text_file import text_of

HEADER = ("ts", "market", "side", "size", "price", "fee_usd", "order_id")
_SIDES = {"buy": Side.BUY, "long": Side.BUY, "sell": Side.SELL, "short": Side.SELL}
_AHEAD = timedelta(days=1)  # of a clock that is set wrong
_FROM_FILES = "imported trades"


class BadTrades(BadRecording):
    """A file that is not taken in. The text names the line and says what is expected there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedTrades:
    """What came of a file: how many trades it has, and how many of them were not known yet."""

    file: str
    account: str
    trades: int
    new: int

    @property
    def sentence(self) -> str:
        """Such as ``trades.csv: 12 trades of main, 12 new``."""
        return f"{self.file}: {self.trades:,} trades of {self.account}, {self.new:,} new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """An account that trades may be of.

    Attributes:
        reference: As the settings name it; empty for one that they do not.
    """

    account_id: str
    nickname: str
    reference: str = ""

    def answers_to(self, wanted: str) -> bool:
        return wanted in (self.account_id, self.reference) or wanted.lower() == self.nickname.lower()


async def import_trades(
    database: Path, file: Path, *, account: str, clock: Clock, named: Sequence[Owner] = ()
) -> ImportedTrades:
    """Read the whole file before anything is stored; a trade that is known already is left as it is.

    Args:
        account: A nickname, an address or AUTHORITY:SUB; empty where there is only one.
        named: Accounts of the settings; with those that were watched before, they are all there are.

    Raises: BadTrades, StorageError.
    """
    fills = read_trades(file, now=clock.now())
    async with await Store.open(database) as store:
        chosen = _chosen(_known(named, await Accounts(store).watched()), account)
        new = await FillLog(store).save(chosen.account_id, fills, _FROM_FILES)
    return ImportedTrades(file=file.name, account=chosen.nickname, trades=len(fills), new=new)


def read_trades(file: Path, *, now: datetime) -> tuple[Fill, ...]:
    """The trades of a file, .csv or .csv.gz, in order of time. Raises: BadTrades."""
    rows = csv.reader(io.StringIO(text_of(file, BadTrades), newline=""), strict=True)
    try:
        header = tuple(name.strip().lower() for name in next(rows, []))
        if header != HEADER:
            raise BadTrades(f"{file.name}, line 1: the header is not {','.join(HEADER)}; write it as the first line")
        fills = [_fill(row, f"{file.name}, line {rows.line_num}", now) for row in rows if row]
    except csv.Error as exc:
        raise BadTrades(f"{file.name} is not a CSV file ({exc}); export it again") from exc
    if not fills:
        raise BadTrades(f"{file.name} has no trades below its header; nothing was stored")
    return tuple(sorted(fills, key=lambda fill: fill.at))


def _fill(row: list[str], line: str, now: datetime) -> Fill:
    if len(row) != len(HEADER):
        raise BadTrades(f"{line} has {len(row)} of {len(HEADER)} columns; write it whole or leave it out")
    ts, market, side, size, price, fee, order_id = (cell.strip() for cell in row)
    if not market:
        raise BadTrades(f"{line} has no market; write such as SOL-PERP")
    if side.lower() not in _SIDES:
        raise BadTrades(f"{line}: {side!r} is no side; write buy or sell")
    return Fill(
        at=_moment(ts, line, now), market=market, side=_SIDES[side.lower()],
        size_base=_figure(size, f"{line}: the size", positive=True),
        price_usd=_figure(price, f"{line}: the price", positive=True),
        fee_usd=_figure(fee or "0", f"{line}: the fee", positive=False), order_id=order_id,
    )  # fmt: skip


def _figure(text: str, what: str, *, positive: bool) -> float:
    wanted = "a number above 0" if positive else "a number, below 0 for a rebate"
    found = number_typed(text)
    if found is None:
        raise BadTrades(f"{what} is {text!r}; write {wanted}")
    if positive and found <= 0:
        raise BadTrades(f"{what} is {text}; write {wanted}")
    return found


def _moment(text: str, line: str, now: datetime) -> datetime:
    """Unix seconds or ISO 8601, in UTC where no zone is given."""
    instead = "write Unix seconds, or such as 2026-01-31T12:00:00Z"
    try:
        found = datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise BadTrades(f"{line}: {text!r} is no time; {instead}") from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if found > now + _AHEAD or found.year < 2000:
        raise BadTrades(f"{line}: {text} is {found:%Y-%m-%d}, which cannot be; {instead}")
    return found


def owners_in(settings: Settings) -> tuple[Owner, ...]:
    """The accounts that the settings name, found without asking the venue. Raises: VenueRejected."""
    owners: list[Owner] = []
    for spec in settings.accounts:
        found = venues.account_id(settings.venue.value, spec.reference)
        owners.append(Owner(account_id=found, nickname=nickname_of(spec, found), reference=spec.reference))
    return tuple(owners)


def _known(named: Sequence[Owner], watched: Sequence[WatchedAccount]) -> tuple[Owner, ...]:
    """Each once, those of the settings first: their nicknames are the ones in force."""
    ids = {one.account_id for one in named}
    before = (Owner(account_id=one.account_id, nickname=one.nickname) for one in watched)
    return (*named, *(one for one in before if one.account_id not in ids))


def _chosen(known: Sequence[Owner], wanted: str) -> Owner:
    """The account somebody means. Raises: BadTrades, naming those there are."""
    names = ", ".join(one.nickname for one in known) or "none yet: name it in ACCOUNTS, or start keel run once"
    if not wanted:
        if len(known) == 1:
            return known[0]
        raise BadTrades(f"whose trades are they? Add --account with one of: {names}")
    for one in known:
        if one.answers_to(wanted):
            return one
    raise BadTrades(f"no account called {wanted!r} is watched; the accounts: {names}")
