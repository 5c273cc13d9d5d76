"""Parts of keel setup: the rating of an endpoint, suggested names, the file of settings."""

import stat
from pathlib import Path

import pytest

from bot.config import BadSettings
from bot.env_file import write_env
from bot.setup import Rating, rate, suggested, verdict
from risk.margin.book import FleetBook
from tests.support.clock import FakeClock
from tests.support.tuned_reader import TunedReader
from venues.errors import VenueRejected, VenueUnavailable


class Slow(TunedReader):
    """Takes so long for each reading, on the clock."""

    def __init__(self, clock: FakeClock, *seconds: float | Exception) -> None:
        super().__init__(clock, "a1")
        self._hand, self._seconds = clock, iter(seconds)

    async def read(self, account_ids: object, *, with_orders: bool = True) -> FleetBook:
        took = next(self._seconds)
        if isinstance(took, Exception):
            raise took
        self._hand.pass_s(took)
        return await super().read(["a1"])


async def test_an_endpoint_is_rated_by_what_a_check_would_feel() -> None:
    clock = FakeClock()
    reader = Slow(clock, 0.1, 0.3, VenueUnavailable("429"), 0.2, 0.9)

    rating = await rate(reader, "a1", clock)

    assert rating.median_s == pytest.approx(0.25)
    assert rating.slowest_s == pytest.approx(0.9)
    assert (rating.failures, rating.slots_moved) == (1, 5)


async def test_an_endpoint_that_never_answers_is_an_error() -> None:
    clock = FakeClock()

    with pytest.raises(VenueUnavailable, match="fifth"):
        await rate(Slow(clock, *(VenueUnavailable(word) for word in ("1", "2", "3", "4", "fifth"))), "a1", clock)
    with pytest.raises(VenueRejected):
        await rate(Slow(clock, VenueRejected("no such account")), "a1", clock)


@pytest.mark.parametrize(
    ("rating", "words"),
    [
        (Rating(median_s=0.1, slowest_s=0.3, failures=0, slots_moved=3), "Good for a check every 5 s."),
        (Rating(median_s=0.1, slowest_s=1.3, failures=0, slots_moved=3), "with little to spare."),
        (Rating(median_s=0.1, slowest_s=5.1, failures=0, slots_moved=3), "Too slow or unsteady"),
        (Rating(median_s=0.1, slowest_s=0.3, failures=1, slots_moved=3), "Too slow or unsteady"),
        (Rating(median_s=0.1, slowest_s=0.3, failures=0, slots_moved=0), "Its slot did not move"),
        (Rating(median_s=0.1, slowest_s=0.3, failures=0, slots_moved=-4), "Its slot did not move"),
    ],
)
def test_the_verdict_is_a_sentence(rating: Rating, words: str) -> None:
    assert words in verdict(rating, 5.0)


@pytest.mark.parametrize(
    ("on_chain", "number", "nickname"),
    [("Main Account", 0, "main"), ("", 0, "main"), ("", 3, "sub-3"), ("  Jup / Perps!  ", 1, "jup-perps"),
     ("\u202eevil\x00", 2, "evil"), ("🚀", 0, "main"), ("Ünïcode", 1, "n-code")],
)  # fmt: skip
def test_a_nickname_is_suggested_that_can_be_typed(on_chain: str, number: int, nickname: str) -> None:
    assert suggested(on_chain, number) == nickname


def test_the_file_keeps_every_other_line_and_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# mine\nCHECK_INTERVAL_S=7\nRPC_URLS=old\nexport VENUE=paper\n#ACCOUNTS=example\n\nOTHER=x")
    file.chmod(0o644)
    write_env(file, {"RPC_URLS": "new", "VENUE": "drift", "ACCOUNTS": "a=b"})

    assert file.read_text() == (
        "# mine\nCHECK_INTERVAL_S=7\n#ACCOUNTS=example\n\nOTHER=x\nRPC_URLS=new\nVENUE=drift\nACCOUNTS=a=b\n"
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [".env"]


def test_a_draft_somebody_else_laid_there_is_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("untouched")
    (tmp_path / ".env.new").symlink_to(target)
    write_env(tmp_path / ".env", {"TELEGRAM_TOKEN": "x"})

    assert target.read_text() == "untouched"
    assert (tmp_path / ".env").read_text() == "TELEGRAM_TOKEN=x\n"


@pytest.mark.parametrize("name", ["nosuch/.env", "folder"])
def test_a_file_that_cannot_be_written_is_a_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    with pytest.raises(BadSettings, match="the settings cannot be written to"):
        write_env(tmp_path / name, {"A": "b"})
