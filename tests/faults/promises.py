"""What Keel promises, row by row: what may go wrong, and the figure that shows that it does not go wrong.

Every row must be proved by a named fault, which a test checks.
"""

from enum import Enum, StrEnum


class Promise(StrEnum):
    """What people may rely on."""

    TOLD = "alerts arrive at least once"
    CONSENT = "orders go out at most once, and only by consent"
    UNKNOWN = "unknown is never healthy"
    SHUT = "nobody else gets in"


class Table(StrEnum):
    """Who does it: somebody who means to, or the world."""

    THREATS = "threats"
    FAULTS = "faults"
    TARGETS = "targets"


class Row(Enum):
    """One thing that may go wrong: its table, the promise it would break, its words, and the criterion."""

    FOREIGN_PRESS = (
        Table.THREATS,
        Promise.CONSENT,
        "a press by somebody else, on another message, twice, too late, or made up",
        "10,000 such presses have 0 effects and raise nothing; of 8 at once exactly 1 wins, 200 times",
    )
    STOLEN_CHAT_ACCOUNT = (
        Table.THREATS,
        Promise.SHUT,
        "somebody else has a person's chat account",
        "no path from a chat raises a cap or passes a lockout",
    )
    WRONG_GROUP = (
        Table.THREATS,
        Promise.SHUT,
        "the bot is added to a group of strangers",
        "it leaves, 0 bytes of accounts told",
    )
    STALE_QUOTE = (
        Table.THREATS,
        Promise.CONSENT,
        "the price moves between card and press",
        "0 sent, a new card asks",
    )
    LEAKED_SECRET = (
        Table.THREATS,
        Promise.SHUT,
        "a secret in a log, an error, a dump",
        "0 of the canaries anywhere, at DEBUG, through every error",
    )
    HOSTILE_RPC_URL = (
        Table.THREATS,
        Promise.UNKNOWN,
        "a node's address that leads elsewhere",
        "40 hostile addresses are refused",
    )
    INJECTED_TEXT = (
        Table.THREATS,
        Promise.SHUT,
        "markup, mentions and line breaks in names",
        "the text read back is the text given, 0 mentions, one line an event",
    )
    STOLEN_KEY = (
        Table.THREATS,
        Promise.SHUT,
        "a dependency, or the whole bot, in an attacker's hands",
        "the signer signs if and only if its grammar allows it, and imports nothing that could be taken over",
    )
    UNSAFE_START = (
        Table.THREATS,
        Promise.SHUT,
        "files others can read, an owner's key, trading nobody switched on",
        "every combination of modes is refused or allowed as the table says",
    )
    SUPPLY_CHAIN = (
        Table.THREATS,
        Promise.SHUT,
        "a package that is not the one that was looked at",
        "everything is installed by hash, and no version with a known advisory of reach",
    )
    COMMAND_FLOOD = (
        Table.THREATS,
        Promise.TOLD,
        "a flood of commands",
        "10,000 malformed ones: 0 unhandled, p99 below 50 ms",
    )

    NODE_TROUBLE = (
        Table.FAULTS,
        Promise.UNKNOWN,
        "a node that is down, slow, limits, fails or cuts",
        "told within 2 intervals, 0 called healthy from old data",
    )
    DAMAGED_DATA = (
        Table.FAULTS,
        Promise.UNKNOWN,
        "slots that stand or go back, flipped bits, foreign or truncated accounts",
        "10,000 mutations, 0 accepted outside the invariants",
    )
    BAD_ORACLE = (
        Table.FAULTS,
        Promise.UNKNOWN,
        "an oracle that is old, wide or has no price",
        "cannot assess; never better",
    )
    WEBSOCKET_LOST = (
        Table.FAULTS,
        Promise.TOLD,
        "a stream that drops or falls silent",
        "a gap of 10 s at most, 0 crossings missed",
    )
    TELEGRAM_LIMIT = (
        Table.FAULTS,
        Promise.TOLD,
        "one chat is limited",
        "only that chat waits; the others' p99 is below 2 s",
    )
    TELEGRAM_TROUBLE = (
        Table.FAULTS,
        Promise.TOLD,
        "a platform that fails, drops, shuts out or moves a chat",
        "0 lost; CRITICAL goes another way after 15 s",
    )
    DISCORD_TROUBLE = (
        Table.FAULTS,
        Promise.TOLD,
        "a gateway that reconnects, ends sessions or is down",
        "0 lost",
    )
    KILLED = (
        Table.FAULTS,
        Promise.CONSENT,
        "kill -9, anywhere and at any time",
        "1,000 kills: 0 critical alerts lost, 0 orders twice or unapproved, below 1 % repeats",
    )
    LOST_ANSWER = (
        Table.FAULTS,
        Promise.CONSENT,
        "an order whose answer is lost, that expires, or turns up after all",
        "0 signed again before the last height at which the former may land",
    )
    STORAGE_TROUBLE = (
        Table.FAULTS,
        Promise.TOLD,
        "a disk that is full, a database that is locked or damaged",
        "told within 10 s, never a trade on a damaged file",
    )
    TIME_TROUBLE = (
        Table.FAULTS,
        Promise.UNKNOWN,
        "a clock that jumps, a process that slept, a loop that stalls, a run missed",
        "0 checks skipped, one to catch up, nothing expired accepted",
    )
    LONG_FIT = (
        Table.FAULTS,
        Promise.TOLD,
        "arithmetic of a minute, or without an end",
        "loop lag below 50 ms p99 and 250 ms at most",
    )
    POISON_MESSAGE = (
        Table.FAULTS,
        Promise.TOLD,
        "a message a platform will never take",
        "given up after 5, told to the operator, others wait less than 1 s",
    )
    STORM = (
        Table.FAULTS,
        Promise.TOLD,
        "1,000 alerts a minute for 100 chats",
        "0 limits broken, CRITICAL p99 below 2 s",
    )
    HUNG_OR_DEAD = (
        Table.FAULTS,
        Promise.TOLD,
        "a process that hangs or is dead",
        "started again within 35 s, noticed from outside",
    )

    SPEED = (
        Table.TARGETS,
        Promise.TOLD,
        "from a price to a message",
        "p50 below 150 ms, p99 below 1 s",
    )
    MEMORY = (
        Table.TARGETS,
        Promise.TOLD,
        "a process that runs for weeks",
        "below 1 MB in 100,000 checks",
    )

    @property
    def table(self) -> Table:
        return self.value[0]

    @property
    def promise(self) -> Promise:
        return self.value[1]

    @property
    def what(self) -> str:
        return self.value[2]

    @property
    def criterion(self) -> str:
        return self.value[3]
