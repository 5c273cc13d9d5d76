"""The signer's own file: who could have written it, and that nothing in it is guessed."""

import os
from pathlib import Path

import pytest

from bot.signer import config as configuration
from bot.signer.config import Config
from bot.signer.errors import Unfit
from bot.signer.intent import SigningVenue
from bot.signer.template import first_file, of_one_user, of_the_service
from tests.support import addresses
from tests.support.signer_process import SOL_LINES, AccountLines, MarketLines, config_text
from venues.paper.demo import DEMO_ACCOUNT, START_USD, demo_exchange, demo_prices
from venues.paper.markets import DEFAULT_UNIVERSE

PAPER = (AccountLines(address="demo-0"),)
ANN = (AccountLines.of("ann"),)


def text_of(venue: str = "paper", **caps: object) -> str:
    accounts = PAPER if venue == "paper" else ANN
    return config_text(venue, Path("/run/s"), Path("/var/s"), Path("/etc/k"), accounts, (SOL_LINES,), caps)


def load(folder: Path, text: str, mode: int = 0o600) -> Config:
    folder.chmod(0o700)
    path = folder / "signer.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return configuration.load(path)


def test_every_value_arrives_exactly(tmp_path: Path) -> None:
    market = MarketLines(
        index=3, name="ETH-PERP", price_from_usd="1000.000001", price_to_usd="9999.5", max_order_base="0.123456789",
        daily_base="7",
    )  # fmt: skip
    text = config_text("drift", Path("/run/s"), Path("/var/s"), Path("/etc/k"), ANN, (market,), {"max_order_usd": 0.1})
    rules = load(tmp_path, text).rules

    assert rules.max_order_raw_1e6 == 100_000
    assert rules.markets[3].max_order_raw_1e9 == 123_456_789
    assert (rules.markets[3].price_from_raw_1e6, rules.markets[3].price_to_raw_1e6) == (1_000_000_001, 9_999_500_000)
    assert rules.reduce_only
    assert rules.accounts[0].address == addresses.user_address(addresses.address("ann"))


@pytest.mark.parametrize("left_out", ["reduce_only", "resign_after_s"])
def test_what_is_left_out_is_the_safe_choice(tmp_path: Path, left_out: str) -> None:
    text = "\n".join(line for line in text_of().splitlines() if not line.startswith(left_out))
    rules = load(tmp_path, text).rules

    assert (rules.reduce_only, rules.allow_owner_key) == (True, False)
    assert (rules.resign_after_s, rules.lock_after_refusals) == (120, 10)


@pytest.mark.parametrize("mode", [0o660, 0o606, 0o622, 0o666, 0o620])
def test_a_file_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(Unfit, match="chmod go-w"):
        load(tmp_path, text_of(), mode)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o644, 0o640])
def test_a_file_others_can_only_read_is_fine(tmp_path: Path, mode: int) -> None:
    load(tmp_path, text_of(), mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    load(tmp_path, text_of())
    os.chown(tmp_path / "signer.toml", 12_345, -1)
    with pytest.raises(Unfit, match="give it to root"):
        configuration.load(tmp_path / "signer.toml")


def test_a_file_in_a_folder_others_can_write_into_is_refused(tmp_path: Path) -> None:
    load(tmp_path, text_of())
    tmp_path.chmod(0o777)
    with pytest.raises(Unfit, match="others can write into the folder"):
        configuration.load(tmp_path / "signer.toml")
    tmp_path.chmod(0o700)


def test_a_link_to_a_file_is_refused(tmp_path: Path) -> None:
    load(tmp_path, text_of())
    (tmp_path / "link.toml").symlink_to(tmp_path / "signer.toml")
    with pytest.raises(Unfit, match="symbolic link"):
        configuration.load(tmp_path / "link.toml")


def line(name: str, value: str) -> str:
    """The default file of the venue with one line of another value."""
    before = text_of("drift")
    kept = [one for one in before.splitlines() if not one.startswith(f"{name} =")]
    at = next((number for number, one in enumerate(before.splitlines()) if one.startswith(f"{name} =")), 0)
    return "\n".join([*kept[:at], *([f"{name} = {value}"] if value else []), *kept[at:]])


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("venue", '"solana"', '"paper" or "drift"'),
        ("venue", "", "missing"),
        ("max_orders_usd", "5", "not known"),
        ("max_order_usd", '"5"', "not negative, with at most 6 decimals"),
        ("max_order_usd", "-1", "not negative"),
        ("max_order_usd", "nan", "not negative"),
        ("max_order_usd", "inf", "not negative"),
        ("max_order_usd", "0.0000001", "at most 6 decimals"),
        ("max_order_usd", "1e300", "not negative"),
        ("max_order_usd", "true", "not negative"),
        ("max_order_usd", "", "missing"),
        ("daily_usd", "", "missing"),
        ("reduce_only", "1", "true or false"),
        ("reduce_only", '"false"', "true or false"),
        ("resign_after_s", "89", "at least 90"),
        ("resign_after_s", "1.5", "whole number"),
        ("lock_after_refusals", "0", "at least 1"),
        ("order_lasts_at_most_s", "0", "at least 1"),
        ("max_compute_units", "0", "at least 1"),
        ("daily_fee_lamports", "0", "at least 1"),
        ("allowed_uids", "[]", "id -u"),
        ("allowed_uids", "[true]", "id -u"),
        ("allowed_uids", "1000", "id -u"),
        ("allowed_uids", "[-1]", "id -u"),
        ("socket", '"signer.sock"', "a path from the root"),
        ("socket", f'"/{"s" * 107}"', "at most 107 bytes"),
        ("state", '"~/state"', "a path from the root"),
        ("credential", '"k"', "and not both"),
        ("key_file", "", "either key_file or credential"),
        ("address", '"x"', "base58"),
        ("address", f'"{addresses.address("bob")}"', "correct either"),
        ("authority", f'"{addresses.address("bob")}"', "correct either"),
        ("sub_account", "65536", "0 to 65535"),
        ("index", "65536", "up to 65535"),
        ("name", '"SOL\\nPERP"', "such as SOL-PERP"),
        ("price_from_usd", "0", "above 0"),
        ("price_from_usd", "501", "at least as high"),
        ("max_order_base", "0.0000000001", "9 decimals"),
        ("sub_acount", "1", "not known"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(tmp_path: Path, name: str, value: str, says: str) -> None:
    with pytest.raises(Unfit, match=says):
        load(tmp_path, line(name, value))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("venue = ", "no TOML"),
        ('venue = "paper"\nvenue = "drift"', "no TOML"),
        (text_of().replace("[[account]]", "[account]"), r"at least one \[\[account\]\]"),
        (text_of().split("[[market]]")[0], r"at least one \[\[market\]\]"),
        (text_of() + text_of()[text_of().index("[[market]]") :], "market stands there twice"),
        (text_of().replace('address = "demo-0"', 'address = "demo-0"\nauthority = "x"'), "not known"),
        ("\0", "no TOML"),
        ("#" * 300_000 + "\n", "missing|no TOML"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Unfit, match=says):
        load(tmp_path, text)


@pytest.mark.parametrize("venue", SigningVenue)
def test_the_first_file_is_one_that_can_be_used(tmp_path: Path, venue: SigningVenue) -> None:
    authority = addresses.address("ann")
    account = addresses.user_address(authority, 2) if venue is SigningVenue.DRIFT else "demo-0"
    text = first_file(
        venue, tmp_path, of_one_user(tmp_path), uid=17, address=account, authority=authority, sub_account=2
    )  # fmt: skip
    found = load(tmp_path, text)

    assert found.rules.reduce_only
    assert found.rules.accounts[0].address == account
    assert found.allowed_uids == {17}
    assert found.rules.stops_without_limit is (venue is SigningVenue.PAPER)


def test_the_first_file_of_the_service_says_where_the_unit_has_everything(tmp_path: Path) -> None:
    authority = addresses.address("ann")
    text = first_file(
        SigningVenue.DRIFT, tmp_path, of_the_service(tmp_path), uid=17, address=addresses.user_address(authority, 2),
        authority=authority, sub_account=2,
    )  # fmt: skip
    found = load(tmp_path, text)

    assert "keel-signer check --config" in text
    assert (found.key_file, found.credential, found.socket_group) == (None, "keel-signer-key", "keel")
    assert (str(found.state), str(found.socket)) == ("/var/lib/keel-signer", "/run/keel-signer/signer.sock")


def test_the_first_file_on_paper_has_the_paper_venue_s_markets_and_room_for_half_of_what_is_held(
    tmp_path: Path,
) -> None:
    rules = load(
        tmp_path, first_file(SigningVenue.PAPER, tmp_path, of_one_user(tmp_path), uid=1, address=DEMO_ACCOUNT)
    ).rules
    exchange = demo_exchange(demo_prices(), liquidates=False)
    held = {one.terms.market_index: one.terms for one in DEFAULT_UNIVERSE.perps}

    assert {index: one.name for index, one in rules.markets.items()} == {i: one.name for i, one in held.items()}
    for index, terms in held.items():
        size, price = abs(exchange.world.account(DEMO_ACCOUNT).base_1e9(index)), START_USD[terms.oracle_id]
        market = rules.markets[index]
        assert size / 2 <= market.max_order_raw_1e9 < size
        assert size / 2 / 1e9 * price <= rules.max_order_raw_1e6 / 1e6
        assert size <= market.daily_raw_1e9
        assert market.price_from_raw_1e6 < 0.9 * price * 1e6 < 1.1 * price * 1e6 < market.price_to_raw_1e6


def test_the_first_file_says_where_something_is_to_be_filled_in(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="authority"):
        load(tmp_path, first_file(SigningVenue.DRIFT, tmp_path, of_one_user(tmp_path), uid=1))
