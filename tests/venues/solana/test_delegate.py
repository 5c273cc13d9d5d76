"""Who may trade for an owner: read from the account, kept through books and snapshots."""

from dataclasses import replace

import pytest

from risk.margin.build import book_of as built
from risk.margin.snapshot import snapshot_of
from tests.risk.builders import make_account
from tests.support import addresses
from tests.support.catalogue import STANDARD
from tests.support.drift_accounts import SpotSlot
from tests.support.drift_layout import USER
from tests.support.world import World
from tests.support.world_builder import WorldBuilder
from tests.venues.solana.reading import book_of
from venues.solana.addresses import parse_key

BOT = addresses.address("bot")


def world() -> World:
    """Ann lets a bot trade for her, Bob nobody."""
    builder = WorldBuilder()
    for owner in ("ann", "bob"):
        builder.add_user(owner, spots=(SpotSlot(market_index=STANDARD.spots[0].index, scaled_1e9=10**9),))
    made = builder.build()
    ann = next(iter(made.users))
    account, at = made.accounts[ann], USER.fields["delegate"].offset
    data = account.data[:at] + bytes(parse_key(BOT)) + account.data[at + 32 :]
    return made.with_accounts({ann: replace(account, data=data)})


def test_a_delegate_is_read_and_the_key_of_zeros_is_nobody() -> None:
    book = book_of(world())
    assert list(book.accounts.delegates) == [BOT, ""]
    assert [snapshot_of(book, account_id).delegate for account_id in book.accounts.ids] == [BOT, ""]


@pytest.mark.parametrize("delegate", ["", "bot"])
def test_a_snapshot_keeps_its_delegate_through_a_book(delegate: str) -> None:
    account = make_account(usdc=1.0, delegate=delegate)
    assert snapshot_of(built([account]), "main").delegate == delegate


def test_a_venue_without_delegates_has_nobody() -> None:
    book = built([make_account(usdc=1.0)])
    without = replace(book, accounts=replace(book.accounts, delegates=()))
    assert snapshot_of(without, "main").delegate == ""
