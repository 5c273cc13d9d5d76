"""Accounts, settings, summaries, and what was seen before."""

import asyncio
import math
from dataclasses import replace

import pytest

from risk.decisions.tiers import Tier, TierThresholds
from risk.model.limits import RiskLimits
from risk.ports import LimitsStore
from storage import (
    DEFAULT_ACCOUNT,
    THEME,
    Accounts,
    BadRow,
    LastGood,
    Naming,
    Scope,
    Seen,
    Settings,
    Snapshots,
    Store,
    Theme,
    WatchedAccount,
)
from tests.storage.builders import NOW, after

MAIN = WatchedAccount(account_id="4Nd1", venue="drift", nickname="main", added_at=NOW)
SIDE = WatchedAccount(account_id="9xQe", venue="drift", nickname="side", added_at=after(1))


async def test_accounts_are_listed_in_the_order_in_which_they_came(store: Store) -> None:
    accounts = Accounts(store)
    assert await accounts.watch(SIDE) is Naming.DONE
    assert await accounts.watch(MAIN) is Naming.DONE
    assert await accounts.watched() == (MAIN, SIDE)
    assert await accounts.unwatch(MAIN.account_id)
    assert not await accounts.unwatch(MAIN.account_id)
    assert await accounts.watched() == (SIDE,)


async def test_a_nickname_belongs_to_one_account_whatever_its_case(store: Store) -> None:
    accounts = Accounts(store)
    await accounts.watch(MAIN)
    assert await accounts.watch(replace(SIDE, nickname="MAIN")) is Naming.NICKNAME_TAKEN
    await accounts.watch(SIDE)
    assert await accounts.rename(SIDE.account_id, "Main") is Naming.NICKNAME_TAKEN
    assert await accounts.rename(MAIN.account_id, "Main") is Naming.DONE
    assert await accounts.rename("nobody", "other") is Naming.NOT_WATCHED
    assert [account.nickname for account in await accounts.watched()] == ["Main", "side"]


async def test_watching_an_account_twice_keeps_its_first_entry(store: Store) -> None:
    accounts = Accounts(store)
    await accounts.watch(MAIN)
    assert await accounts.watch(replace(MAIN, nickname="other")) is Naming.ALREADY_WATCHED
    assert await accounts.watched() == (MAIN,)


async def test_limits_are_kept_for_each_account(store: Store) -> None:
    limits: LimitsStore = Accounts(store)
    assert await limits.load_limits("4Nd1") is None
    await limits.save_limits("4Nd1", RiskLimits())
    await limits.save_limits("4Nd1", RiskLimits(max_portfolio_leverage=3.5, max_position_size_usd=math.inf))
    assert await limits.load_limits("4Nd1") == RiskLimits(max_portfolio_leverage=3.5, max_position_size_usd=math.inf)
    assert await limits.load_limits("9xQe") is None
    with pytest.raises(ValueError, match="NaN"):
        await limits.save_limits("4Nd1", RiskLimits(max_portfolio_leverage=math.nan))


async def test_thresholds_are_replaced_as_a_whole(store: Store) -> None:
    accounts = Accounts(store)
    assert await accounts.load_thresholds("4Nd1") is None
    await accounts.save_thresholds("4Nd1", TierThresholds(distance_frac={Tier.WATCH: 0.2, Tier.HIGH: 0.1}))
    without_distance = TierThresholds(distance_sigmas={Tier.CRITICAL: 1.5}, ease_margin_frac=0.1)
    await accounts.save_thresholds("9xQe", TierThresholds(ratio_percent={}))
    await accounts.save_thresholds("4Nd1", without_distance)
    assert await accounts.load_thresholds("4Nd1") == without_distance
    assert await accounts.load_thresholds("9xQe") == TierThresholds(ratio_percent={})


async def test_stored_thresholds_that_contradict_each_other_are_refused(store: Store) -> None:
    accounts = Accounts(store)
    await accounts.save_thresholds("4Nd1", TierThresholds())
    await store.atomic(lambda db: db.execute("UPDATE tier_threshold_steps SET below = -1 WHERE tier = 3"))
    with pytest.raises(BadRow, match="set them again"):
        await accounts.load_thresholds("4Nd1")


async def test_a_setting_has_a_default_and_holds_for_one_chat(store: Store) -> None:
    settings, chat = Settings(store), Scope(transport="telegram", chat="1001")
    assert await settings.get(THEME, chat) is Theme.DARK
    await settings.put(THEME, Theme.LIGHT, NOW, chat)
    await settings.put(DEFAULT_ACCOUNT, "4Nd1", NOW, chat)
    await settings.put(DEFAULT_ACCOUNT, "9xQe", after(1), chat)
    assert await settings.get(THEME, chat) is Theme.LIGHT
    assert await settings.get(DEFAULT_ACCOUNT, chat) == "9xQe"
    assert await settings.get(THEME, Scope(transport="console", chat="1001")) is Theme.DARK
    assert await settings.get(THEME) is Theme.DARK


async def test_a_setting_this_version_does_not_know_is_refused(store: Store) -> None:
    await store.atomic(lambda db: db.execute("INSERT INTO settings VALUES ('', '', 'theme', 'sepia', 0)"))
    with pytest.raises(BadRow, match="theme reads 'sepia'; set it again"):
        await Settings(store).get(THEME)


async def test_the_last_good_summary_is_the_newest_and_never_goes_back(store: Store) -> None:
    snapshots = Snapshots(store)
    assert await snapshots.last_good("4Nd1") is None
    newer = LastGood(account_id="4Nd1", body_json='{"equity": 2}', slot=20, observed_at=after(10))
    other = LastGood(account_id="9xQe", body_json="{}", slot=20, observed_at=after(10))
    await snapshots.save([])
    await snapshots.save([replace(newer, slot=1, observed_at=NOW), other])
    await snapshots.save([newer])
    await snapshots.save([replace(newer, slot=2, observed_at=after(9))])
    assert await snapshots.last_good("4Nd1") == newer
    assert await snapshots.last_good("9xQe") == other


async def test_a_press_that_is_played_again_is_not_new(store: Store) -> None:
    seen = Seen(store)
    outcomes = await asyncio.gather(*(seen.first_time("telegram:press:1", NOW) for _ in range(8)))
    assert outcomes.count(True) == 1
    assert await seen.first_time("telegram:press:2", after(60))
    assert await seen.forget_before(after(60)) == 1
    assert await seen.first_time("telegram:press:1", after(61))
    assert not await seen.first_time("telegram:press:2", after(61))
