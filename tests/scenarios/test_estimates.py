"""keel var, keel risk, keel performance: a node, imported bars, a memory, one JSON object."""

import asyncio
import contextlib
import csv
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bot.cli import main
from risk.model.metrics import RiskMetrics
from risk.model.performance import PerformanceMetrics
from storage import EquityLog, EquitySample, Store
from tests.scenarios.conftest import rpc_url
from tests.support.keel_process import Finished, run_keel
from tests.support.recorded import recorded_world
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import SolanaRpc, running_rpc

ASSETS = ("BTC", "ETH", "JUP", "SOL")
NOWHERE = "http://127.0.0.1:9"
VAR_FIELDS = {
    "var_usd", "var_frac", "es_usd", "ci_low_usd", "ci_high_usd", "method", "confidence", "days", "n", "window_start",
    "window_end", "data_age_s", "seed", "warnings", "backtest",
}  # fmt: skip


def write_bars(file: Path, days: int, *, volatility: float = 0.04, seed: int = 1) -> Path:
    """Daily bars up to the last midnight."""
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(seed).standard_t(5, days + 1) * volatility * 0.77))
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["ts", "open", "high", "low", "close", "volume"])
        for at, close in enumerate(closes.tolist()):
            opened = midnight - timedelta(days=days + 1 - at)
            rows.writerow([opened.strftime("%Y-%m-%dT%H:%M:%SZ"), close, close * 1.01, close * 0.99, close, 1.0])
    return file


def strict(text: str) -> dict[str, Any]:
    """As a parser that knows neither NaN nor Infinity reads it."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    parsed: dict[str, Any] = json.loads(text, parse_constant=refuse)
    assert text.count("\n") == 1
    return parsed


@pytest.fixture
def env(rpc: SolanaRpc, scene: OnePosition, tmp_path: Path) -> Mapping[str, str]:
    """The settings of somebody who runs the bot."""
    return {
        "VENUE": "drift", "RPC_URLS": rpc_url(rpc), "ACCOUNTS": f"{scene.user}=main",
        "DATABASE_PATH": str(tmp_path / "keel.sqlite3"),
    }  # fmt: skip


async def ran(*arguments: str, env: Mapping[str, str], folder: Path) -> Finished:
    """The command line in this process: importing the statistics anew takes two seconds each time."""
    result = await asyncio.to_thread(_invoke, arguments, env, folder)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Finished(code=result.exit_code, stdout=result.stdout, stderr=result.stderr)


def _invoke(arguments: Sequence[str], env: Mapping[str, str], folder: Path) -> Result:
    with contextlib.chdir(folder):
        return CliRunner(env={"RPC_URLS": None, "ACCOUNTS": None, "VENUE": None, **env}).invoke(main, arguments)


async def imported(env: Mapping[str, str], folder: Path, days: int) -> None:
    done = await ran("history", "import", str(write_bars(folder / "SOL.csv", days)), env=env, folder=folder)
    assert done.code == 0, done.stderr


async def test_var_has_the_promised_fields_and_one_number_for_one_seed(env: Mapping[str, str], tmp_path: Path) -> None:
    await imported(env, tmp_path, 600)
    line = ["var", "main", "--confidence", ".99", "--days", "7", "--method", "monte-carlo", "--seed", "3", "--json"]
    ended, again = [await run_keel(*line, env=env, folder=tmp_path) for _ in range(2)]
    assert ended.code == 0, ended.stderr
    found = strict(ended.stdout)

    assert set(found) == VAR_FIELDS
    assert (found["confidence"], found["days"], found["method"], found["seed"]) == (0.99, 7, "monte-carlo", 3)
    assert 0 < found["ci_low_usd"] <= found["var_usd"] <= found["ci_high_usd"]
    assert found["es_usd"] >= found["var_usd"]
    assert found["var_frac"] == pytest.approx(found["var_usd"] / 1_000, rel=0.05)  # of about 1,000 USD
    assert found["n"] == 600
    assert 0 <= found["data_age_s"] < 86_400
    assert datetime.fromisoformat(found["window_start"]) < datetime.fromisoformat(found["window_end"])
    assert found["backtest"]["method"] == "monte-carlo"
    assert (found["backtest"]["days"], found["backtest"]["confidence"]) == (1, 0.99)
    assert [one["confidence"] for one in found["backtest"]["results"]] == [0.95, 0.99]
    assert strict(again.stdout) | {"data_age_s": 0} == found | {"data_age_s": 0}


async def test_risk_and_performance_have_every_field_and_null_for_what_is_not_known(
    env: Mapping[str, str], scene: OnePosition, tmp_path: Path
) -> None:
    await imported(env, tmp_path, 200)
    risk = await ran("risk", scene.user, "--json", env=env, folder=tmp_path)
    assert risk.code == 0, risk.stderr
    found = strict(risk.stdout)
    assert set(found) == set(RiskMetrics.__slots__)
    assert found["var_7d"] > found["var_1d"] > 0
    assert found["sharpe_ratio"] is None
    assert found["risk_contribution"].keys() == {"SOL"}
    assert found["correlation_matrix"]["values"] == [[1.0]]
    assert found["correlation_matrix"]["average"] is None
    assert any("equity history" in one for one in found["warnings"])

    await record_equity(Path(env["DATABASE_PATH"]), scene.user, days=20)
    performance = await ran("performance", "main", "--period", "30d", "--json", env=env, folder=tmp_path)
    assert performance.code == 0, performance.stderr
    earned = strict(performance.stdout)
    assert set(earned) == set(PerformanceMetrics.__slots__)
    assert earned["se_sharpe_ratio"] > 0
    assert earned["calmar_ratio"] is None
    assert (earned["period"], earned["n"]) == ("30d", 21)


async def record_equity(database: Path, account_id: str, *, days: int) -> None:
    now = datetime.now(UTC).replace(hour=0, minute=1, second=0, microsecond=0)
    values = 1_000 * np.exp(np.cumsum(np.random.default_rng(2).normal(0.002, 0.02, days + 1)))
    async with await Store.open(database) as store:
        await EquityLog(store).record(
            [
                EquitySample(
                    account_id=account_id, sampled_at=now - timedelta(days=days - at), equity_usd=value,
                    net_flow_usd=0.0, unit_value_usd=value, shares=1.0, health_ratio_percent=400.0, slot=at,
                )
                for at, value in enumerate(values.tolist())
            ]
        )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("var", ("value at risk", "% of equity", "90% interval", "history", "200 days", "back-test")),
        ("risk", ("VaR 95%, 1 d", "beta to SOL, BTC", "SOL adds")),
    ],
)
async def test_without_json_it_is_a_table(
    command: str, parts: tuple[str, ...], env: Mapping[str, str], tmp_path: Path
) -> None:
    await imported(env, tmp_path, 200)
    ended = await ran(command, "main", env=env, folder=tmp_path)

    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.startswith("main\n")
    assert all(part in ended.stdout for part in parts), ended.stdout
    assert not any(word in ended.stdout.split() for word in ("nan", "inf", "None", "nan%"))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["var", "main", "--json"], "daily bars of SOL: 0 of 2 observations"),
        (["risk", "main", "--json"], "daily bars of SOL: 0 of 2 observations"),
        (["performance", "main", "--json"], "nothing is recorded of main in "),
        (["performance", "main", "--period", "8d"], "there is no period '8d'; choose one of 7d, 30d, 90d, all"),
        (["var", "main", "--method", "lucky"], "there is no method 'lucky'; choose one of historical, "),
        (["var", "nosuch"], "is not a Solana address"),
    ],
)
async def test_what_cannot_be_answered_ends_with_2_and_says_what_to_do(
    line: list[str], sentence: str, env: Mapping[str, str], tmp_path: Path
) -> None:
    ended = await ran(*line, env=env, folder=tmp_path)

    assert (ended.code, ended.stdout) == (2, ""), ended.stderr
    assert sentence in ended.stderr
    assert ended.stderr.count("\n") == 1
    if "daily bars" in sentence:
        assert ended.stderr.endswith("import more with: keel history import SOL.csv\n")


@pytest.mark.parametrize(("option", "value"), [("--confidence", "1.0"), ("--days", "31"), ("--days", "0")])
async def test_a_question_out_of_range_ends_with_2(
    option: str, value: str, env: Mapping[str, str], tmp_path: Path
) -> None:
    await imported(env, tmp_path, 150)
    ended = await ran("var", "main", option, value, env=env, folder=tmp_path)

    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1


async def test_one_account_can_be_asked_about_without_any_settings(
    scene: OnePosition, rpc: SolanaRpc, tmp_path: Path
) -> None:
    env = {"DATABASE_PATH": str(tmp_path / "keel.sqlite3")}
    await imported(env, tmp_path, 150)
    ended = await ran("var", scene.user, "--rpc", rpc_url(rpc), "--json", env=env, folder=tmp_path)
    nothing = await ran("var", scene.user, "--json", env=env, folder=tmp_path)

    assert strict(ended.stdout)["var_usd"] > 0
    assert nothing.code == 2
    assert "RPC_URLS is needed" in nothing.stderr


async def test_a_venue_that_does_not_answer_ends_with_3(scene: OnePosition, tmp_path: Path) -> None:
    ended = await ran("var", scene.user, "--rpc", NOWHERE, "--json", env={}, folder=tmp_path)

    assert (ended.code, ended.stdout) == (3, "")
    assert ended.stderr.startswith("keel: no RPC endpoint answered")


async def test_the_recorded_account_has_a_value_at_risk_from_real_bars(material: Path, tmp_path: Path) -> None:
    recorded = recorded_world(material, "hlm_btc_jup")
    (user,) = recorded.expected
    bars = [str(material / "data" / "prices" / "daily_bybit_perp" / f"{asset}.csv.gz") for asset in ASSETS]
    env = {"DATABASE_PATH": str(tmp_path / "keel.sqlite3")}
    done = await ran("history", "import", *bars, env=env, folder=tmp_path)
    assert done.code == 0, done.stderr
    with running_rpc(recorded.world, slots_per_s=2.5) as rpc:
        ended = await run_keel("var", user, "--json", "--rpc", rpc_url(rpc), env=env, folder=tmp_path)
        risk = await ran("risk", user, "--json", "--rpc", rpc_url(rpc), env=env, folder=tmp_path)
    assert ended.code == 0, ended.stderr
    found, metrics = strict(ended.stdout), strict(risk.stdout)

    assert 0 < found["var_usd"] <= found["es_usd"]
    assert found["n"] >= 600  # since JUP is listed
    assert any("history ends" in one for one in found["warnings"])  # bars end long before today
    assert found["backtest"]["light"] is None  # Basel's needs 250 forecasts, and there are fewer
    assert found["backtest"]["results"][0]["n"] == found["n"] - 500
    assert set(metrics["risk_contribution"]) == set(ASSETS)
    assert metrics["var_1d"] == pytest.approx(found["var_frac"], rel=1e-3)
