"""Every step from the default towards money is a setting of its own, and is named."""

from typing import Any

import pytest

from bot.config import Settings, load_settings
from bot.posture import steps, told

ON_CHAIN = {"venue": "drift", "rpc_urls": "http://127.0.0.1:9", "accounts": "A=main"}
STEPS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "the default": ({}, []),
    "accounts that hold money": (ON_CHAIN, ["VENUE=drift"]),
    "orders on paper": ({"trading_enabled": True}, ["TRADING_ENABLED=true"]),
    "a signer": ({"signer_socket": "/run/keel-signer/signer.sock"}, ["SIGNER_SOCKET"]),
    "orders that add": (
        {"trading_enabled": True, "trading_reduce_only": False}, ["TRADING_ENABLED=true", "TRADING_REDUCE_ONLY=false"],
    ),
    "orders that would add, where none go out": ({"trading_reduce_only": False}, []),
    "the owner's key": ({"allow_owner_key": True}, ["ALLOW_OWNER_KEY=true"]),
    "heard beyond this machine": ({"standby_listen": "0.0.0.0:8787"}, ["STANDBY_LISTEN"]),
    "heard on this machine alone": ({"standby_listen": "[::1]:8787"}, []),
    "all of it": (
        ON_CHAIN | {
            "trading_enabled": True, "trading_reduce_only": False, "signer_socket": "/run/s", "allow_owner_key": True,
            "standby_listen": "10.0.0.2:8787",
        },
        [
            "VENUE=drift", "TRADING_ENABLED=true", "SIGNER_SOCKET", "TRADING_REDUCE_ONLY=false",
            "ALLOW_OWNER_KEY=true", "STANDBY_LISTEN",
        ],
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(("given", "named"), STEPS.values(), ids=STEPS)
def test_each_step_is_named_and_says_what_it_means(given: dict[str, Any], named: list[str]) -> None:
    found = steps(load_settings(None, **given))
    assert [one.setting for one in found] == named
    assert all(one.means for one in found)
    assert told(found) == (
        f"Steps towards money: {', '.join(named)}." if named
        else "No step towards money was taken: read-only, on paper, on this machine."
    )  # fmt: skip
