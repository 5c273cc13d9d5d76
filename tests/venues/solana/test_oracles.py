"""Prices of every kind of feed, and whether margin may be stated with them."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from risk.model.market import OracleValidity
from tests.support import addresses
from tests.support.drift_enums import OracleSource
from tests.support.drift_oracles import OracleKind, Submission, make_oracle
from tests.venues.solana.reading import DRIFT
from venues.errors import BadAccountData
from venues.solana.accounts import RawAccount
from venues.solana.oracles import GuardRails, Quote, read_quote, validity

FEED = addresses.address("a feed")
SLOT = 1_000_000
RAILS = GuardRails(slots_before_stale=120, confidence_max_1e6=20_000, too_volatile_ratio=5)
KIND_OF = {
    OracleSource.PYTH: OracleKind.PYTH_LEGACY,
    OracleSource.PYTH_1K: OracleKind.PYTH_LEGACY,
    OracleSource.PYTH_1M: OracleKind.PYTH_LEGACY,
    OracleSource.PYTH_STABLE_COIN: OracleKind.PYTH_LEGACY,
    OracleSource.PRELAUNCH: OracleKind.PRELAUNCH,
    OracleSource.PYTH_PULL: OracleKind.PYTH_PULL_FULL,
    OracleSource.PYTH_1K_PULL: OracleKind.PYTH_PULL_PARTIAL,
    OracleSource.PYTH_1M_PULL: OracleKind.PYTH_PULL_FULL,
    OracleSource.PYTH_STABLE_COIN_PULL: OracleKind.PYTH_PULL_PARTIAL,
    OracleSource.SWITCHBOARD_ON_DEMAND: OracleKind.SWITCHBOARD,
    OracleSource.PYTH_LAZER: OracleKind.PYTH_LAZER,
    OracleSource.PYTH_LAZER_1K: OracleKind.PYTH_LAZER,
    OracleSource.PYTH_LAZER_1M: OracleKind.PYTH_LAZER,
    OracleSource.PYTH_LAZER_STABLE_COIN: OracleKind.PYTH_LAZER,
}
MULTIPLE = {name: 1_000 if "_1K" in name.name else 1_000_000 if "_1M" in name.name else 1 for name in KIND_OF}


def feed(kind: OracleKind, **fields: object) -> RawAccount:
    owner, data = make_oracle(kind, **{"price": "12.3456789", "slot": SLOT, **fields})  # type: ignore[arg-type]
    return RawAccount(addresses.key_bytes(owner), data)


def quote_of(source: OracleSource, account: RawAccount | None) -> Quote:
    return read_quote(DRIFT, DRIFT.oracle_sources[source], FEED, account)


@pytest.mark.parametrize("source", KIND_OF, ids=lambda source: source.name)
def test_every_kind_of_feed_reads_as_price_confidence_and_slot(source: OracleSource) -> None:
    price = Decimal("0.0000123456") if MULTIPLE[source] > 1 else Decimal("12.3456789")
    account = feed(KIND_OF[source], price=price, confidence=price / 1_000, exponent=-12)
    quote = quote_of(source, account)
    assert quote.price_1e6 == int(price * 10**6 * MULTIPLE[source])
    assert quote.confidence_1e6 == int(price * 10**3 * MULTIPLE[source])
    assert quote.slot == SLOT


def test_every_source_of_the_program_is_known() -> None:
    assert set(DRIFT.oracle_sources) == {source.value for source in OracleSource}


def test_the_quote_asset_is_one_dollar_without_a_feed() -> None:
    assert quote_of(OracleSource.QUOTE_ASSET, None) == Quote(price_1e6=10**6, confidence_1e6=1, slot=None)


@given(raw=st.integers(-(10**17), 10**17), exponent=st.integers(-18, -6), confidence=st.integers(0, 10**17))
def test_a_price_is_truncated_towards_zero_as_the_program_does(raw: int, exponent: int, confidence: int) -> None:
    price, spread = Decimal(raw).scaleb(exponent), Decimal(confidence).scaleb(exponent)
    quote = quote_of(
        OracleSource.PYTH_LAZER, feed(OracleKind.PYTH_LAZER, price=price, confidence=spread, exponent=exponent)
    )
    assert (quote.price_1e6, quote.confidence_1e6) == (int(price * 10**6), int(spread * 10**6))


@pytest.mark.parametrize(
    ("price", "confidence", "expected_1e6"),
    [
        ("1.0005", "0.001", 10**6),  # within 5 basis points and within the confidence
        ("0.9995", "0.0005", 10**6),
        ("1.0005", "0.0004", 1_000_500),  # outside the confidence
        ("1.000501", "0.01", 1_000_501),  # outside 5 basis points
        ("0.98", "0.01", 980_000),
    ],
)
@pytest.mark.parametrize("source", [s for s in KIND_OF if s.name.find("STABLE") >= 0], ids=lambda s: s.name)
def test_a_stable_coin_close_to_a_dollar_is_a_dollar(
    source: OracleSource, price: str, confidence: str, expected_1e6: int
) -> None:
    assert quote_of(source, feed(KIND_OF[source], price=price, confidence=confidence)).price_1e6 == expected_1e6


def test_no_other_source_is_drawn_to_a_dollar() -> None:
    assert (
        quote_of(OracleSource.PYTH, feed(OracleKind.PYTH_LEGACY, price="1.0001", confidence="0.01")).price_1e6
        == 1_000_100
    )


def test_a_switchboard_price_is_the_mean_of_the_submissions_that_landed_last() -> None:
    submissions = [
        Submission(price=Decimal(p), slot=s) for p, s in (("9", SLOT - 5), ("10", SLOT), ("11.000001", SLOT))
    ]
    quote = quote_of(OracleSource.SWITCHBOARD_ON_DEMAND, feed(OracleKind.SWITCHBOARD, submissions=submissions))
    assert (quote.price_1e6, quote.slot) == (10_500_000, SLOT)


def _cut(account: RawAccount) -> RawAccount:
    return replace(account, data=account.data[:-1])


def _foreign(account: RawAccount) -> RawAccount:
    return replace(account, owner=bytes(Pubkey.from_string(addresses.SYSTEM_PROGRAM)))


def _other_head(account: RawAccount) -> RawAccount:
    return replace(account, data=bytes(8) + account.data[8:])


@pytest.mark.parametrize("damage", [_cut, _foreign, _other_head], ids=["truncated", "wrong owner", "other type"])
@pytest.mark.parametrize("source", KIND_OF, ids=lambda source: source.name)
def test_a_damaged_feed_is_refused(source: OracleSource, damage: object) -> None:
    account = feed(KIND_OF[source], exponent=-12)
    with pytest.raises(BadAccountData):
        quote_of(source, damage(account))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("source", "account"),
    [
        (OracleSource.SWITCHBOARD, feed(OracleKind.SWITCHBOARD)),
        (OracleSource.PYTH, None),
        (OracleSource.PYTH, feed(OracleKind.PYTH_LAZER)),
        (OracleSource.PYTH_LAZER, feed(OracleKind.PYTH_LEGACY)),
        (OracleSource.SWITCHBOARD_ON_DEMAND, feed(OracleKind.SWITCHBOARD, submissions=[])),
    ],
    ids=["legacy Switchboard", "missing", "Lazer as Pyth", "Pyth as Lazer", "no submissions"],
)
def test_what_cannot_be_read_for_sure_has_no_price(source: OracleSource, account: RawAccount | None) -> None:
    with pytest.raises(BadAccountData):
        quote_of(source, account)


@pytest.mark.parametrize("exponent", [0, 3, -19, 2**31 - 1, -(2**31)])
def test_an_exponent_no_feed_has_is_refused(exponent: int) -> None:
    account = feed(OracleKind.PYTH_LAZER)
    data = account.data[:32] + exponent.to_bytes(4, "little", signed=True) + account.data[36:]
    with pytest.raises(BadAccountData, match="exponent"):
        quote_of(OracleSource.PYTH_LAZER, replace(account, data=data))


def test_a_multiple_beyond_the_feeds_digits_is_refused_as_the_program_does() -> None:
    with pytest.raises(BadAccountData, match="exponent -6"):
        quote_of(OracleSource.PYTH_LAZER_1M, feed(OracleKind.PYTH_LAZER, exponent=-6))


@pytest.mark.parametrize(("price", "confidence"), [(10**14, 0), (-(10**14), 0), (1, 2 * 10**14)])
def test_a_number_beyond_the_programs_own_types_is_refused(price: int, confidence: int) -> None:
    account = feed(OracleKind.PYTH_LAZER, price=price, confidence=confidence, exponent=-1)
    with pytest.raises(BadAccountData, match="no price can be"):
        quote_of(OracleSource.PYTH_LAZER, account)


@pytest.mark.parametrize("level", [2, 255])
def test_an_unknown_verification_level_is_refused(level: int) -> None:
    account = feed(OracleKind.PYTH_PULL_FULL)
    data = account.data[:40] + bytes([level]) + account.data[41:]
    with pytest.raises(BadAccountData, match="verification level"):
        quote_of(OracleSource.PYTH_PULL, replace(account, data=data))


PLAIN, STABLE = OracleSource.PYTH_LAZER, OracleSource.PYTH_LAZER_STABLE_COIN


@pytest.mark.parametrize(
    ("source", "price", "confidence", "twap", "behind", "factor", "expected"),
    [
        (PLAIN, 100, 2, 100, 120, 1, OracleValidity.VALID),
        (PLAIN, 0, 2, 100, 0, 1, OracleValidity.NON_POSITIVE),
        (PLAIN, -5, 2, 100, 0, 1, OracleValidity.NON_POSITIVE),
        (PLAIN, 599, 2, 100, 0, 1, OracleValidity.VALID),  # floor(5.99) is 5
        (PLAIN, 600, 2, 100, 0, 1, OracleValidity.TOO_VOLATILE),
        (PLAIN, 100, 2, 600, 0, 1, OracleValidity.TOO_VOLATILE),
        (PLAIN, 100, 2, 0, 0, 1, OracleValidity.TOO_VOLATILE),  # a mean of nothing counts as 1
        (PLAIN, 100, 3, 100, 0, 1, OracleValidity.TOO_UNCERTAIN),
        (PLAIN, 100, 3, 100, 0, 2, OracleValidity.VALID),
        (PLAIN, 40, 0, 40, 0, 1, OracleValidity.TOO_UNCERTAIN),  # a confidence of nothing counts as 1
        (PLAIN, 100, 2, 100, 121, 1, OracleValidity.STALE),
        (STABLE, 100, 2, 100, 360, 1, OracleValidity.VALID),
        (STABLE, 100, 2, 100, 361, 1, OracleValidity.STALE),
        (OracleSource.PYTH_STABLE_COIN, 100, 2, 100, 121, 1, OracleValidity.STALE),  # legacy has no patience
        (OracleSource.QUOTE_ASSET, 0, 0, 0, 10**6, 1, OracleValidity.VALID),
        (PLAIN, -5, 99, 600, 999, 1, OracleValidity.NON_POSITIVE),
        (PLAIN, 100, 99, 600, 999, 1, OracleValidity.TOO_VOLATILE),
        (PLAIN, 100, 99, 100, 999, 1, OracleValidity.TOO_UNCERTAIN),
    ],
)
def test_validity_is_the_first_reason_in_the_programs_order(
    source: OracleSource, price: int, confidence: int, twap: int, behind: int, factor: int, expected: OracleValidity
) -> None:
    quote = Quote(price_1e6=price, confidence_1e6=confidence, slot=SLOT)
    found = validity(
        quote,
        DRIFT.oracle_sources[source],
        twap_1e6=twap,
        confidence_factor=factor,
        rails=RAILS,
        slots_behind=behind,
    )
    assert found is expected
