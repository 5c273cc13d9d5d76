"""Metrics, scraped as Prometheus does."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from types import MappingProxyType

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.http_server import HttpServer
from bot.metrics import LOOPBACK, Metrics, Reading, TradingReading
from bot.observing import Outcome
from risk.decisions.tiers import Tier

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]

READING = Reading(
    venue="drift", accounts={Tier.OK: 2, Tier.UNKNOWN: 1}, data_age_s=2.5, check_age_s=1.5, uptime_s=60.0, slot=300,
    streaming=True, outbox={"pending": 4, "sent": 9}, oldest_waiting_s=7.0, connected={"telegram": True},
    incidents={Tier.HIGH: 1}, beats_taken=5, beats_failed=2, beat_age_s=3.0, ailing=("checks",), unprotected_s=120.0,
    unprotected_account_s=240.0, storage_failures=MappingProxyType({"DiskFull": 2}), backup_age_s=99.0,
    trading=TradingReading(
        enabled=True, state="reducing", proposals={"open": 2, "done": 5}, orders={"filled": 7, "failed": 1}, resting=3,
        standing=1, standing_left_usd=1_250.0,
    ),
)  # fmt: skip


async def read() -> Reading:
    return READING


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(read)


@pytest.fixture
async def server(metrics: Metrics) -> AsyncIterator[HttpServer]:
    async with metrics.server(0) as running:
        yield running


async def scrape(server: HttpServer, path: str = "/metrics", method: str = "GET") -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, f"http://{LOOPBACK}:{server.port}{path}")


async def samples(server: HttpServer) -> Samples:
    answer = await scrape(server)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


async def test_what_is_read_off_is_there(server: HttpServer) -> None:
    found = await samples(server)

    assert of(found, "keel_accounts", tier="OK") == 2
    assert of(found, "keel_accounts", tier="UNKNOWN") == 1
    assert of(found, "keel_accounts", tier="CRITICAL") == 0
    assert of(found, "keel_data_age_seconds") == 2.5
    assert of(found, "keel_check_age_seconds") == 1.5
    assert of(found, "keel_stream_connected") == 1
    assert of(found, "keel_outbox", state="pending") == 4
    assert of(found, "keel_outbox_oldest_seconds") == 7
    assert of(found, "keel_transport_connected", transport="telegram") == 1
    assert of(found, "keel_incidents_open", tier="HIGH") == 1
    assert of(found, "keel_heartbeats_total", outcome="taken") == 5
    assert of(found, "keel_heartbeats_total", outcome="failed") == 2
    assert of(found, "keel_vital") == 0
    assert of(found, "keel_ailing", organ="checks") == 1
    assert of(found, "keel_unprotected_minutes_total", scope="any") == 2
    assert of(found, "keel_unprotected_minutes_total", scope="account") == 4
    assert of(found, "keel_storage_errors_total", kind="DiskFull") == 2
    assert of(found, "keel_backup_age_seconds") == 99
    assert of(found, "process_resident_memory_bytes") > 1e6
    (build,) = (labels for name, labels in found if name == "keel_build_info")
    assert {"version", "python", "venue"} == {key for key, _ in build}


async def test_runs_and_deliveries_are_counted_and_timed(metrics: Metrics, server: HttpServer) -> None:
    metrics.job_ran("check", duration_s=0.2, lag_s=0.0, succeeded=True)
    metrics.job_ran("check", duration_s=3.0, lag_s=2.0, succeeded=False)
    metrics.delivery("telegram", Outcome.SENT, Tier.CRITICAL, latency_s=0.12)
    metrics.delivery("telegram", Outcome.RETRY, Tier.CRITICAL)
    metrics.loop_lag(0.3)
    found = await samples(server)

    assert of(found, "keel_job_runs_total", job="check", outcome="ok") == 1
    assert of(found, "keel_job_runs_total", job="check", outcome="failed") == 1
    assert of(found, "keel_job_duration_seconds_sum", job="check") == pytest.approx(3.2)
    assert of(found, "keel_job_lag_seconds_bucket", job="check", le="0.01") == 1
    assert of(found, "keel_deliveries_total", transport="telegram", outcome="sent", tier="CRITICAL") == 1
    assert of(found, "keel_deliveries_total", transport="telegram", outcome="retry", tier="CRITICAL") == 1
    latency = {"transport": "telegram", "tier": "CRITICAL"}
    assert of(found, "keel_delivery_latency_seconds_bucket", le="0.15", **latency) == 1
    assert of(found, "keel_delivery_latency_seconds_bucket", le="0.1", **latency) == 0
    assert of(found, "keel_event_loop_lag_seconds_count") == 1


async def test_trading_is_read_off_with_every_state_and_outcome_there_is(server: HttpServer) -> None:
    found = await samples(server)

    assert of(found, "keel_trading_enabled") == 1
    assert [of(found, "keel_trading_state", state=one) for one in ("active", "reducing", "halted")] == [0, 1, 0]
    assert of(found, "keel_proposals", state="open") == 2
    assert of(found, "keel_proposals", state="done") == 5
    assert of(found, "keel_proposals", state="executing") == 0
    assert of(found, "keel_orders_total", outcome="filled") == 7
    assert of(found, "keel_orders_total", outcome="failed") == 1
    assert of(found, "keel_orders_total", outcome="unfilled") == 0
    assert ("keel_orders_total", frozenset({("outcome", "sent")})) not in found, "it has not ended"
    assert of(found, "keel_orders_resting") == 3
    assert of(found, "keel_standing_approvals") == 1
    assert of(found, "keel_standing_left_usd") == 1_250


async def test_how_long_presses_take_to_become_orders_is_a_histogram(metrics: Metrics, server: HttpServer) -> None:
    for latency_s in (0.08, 0.3):
        metrics.order_submitted(latency_s)
    found = await samples(server)

    assert of(found, "keel_press_to_submit_seconds_count") == 2
    assert of(found, "keel_press_to_submit_seconds_bucket", le="0.1") == 1
    assert of(found, "keel_press_to_submit_seconds_sum") == pytest.approx(0.38)


async def test_where_trading_is_not_set_up_nothing_is_said_of_it() -> None:
    async def without() -> Reading:
        return replace(READING, trading=None)

    text = (await Metrics(without).exposed()).decode()
    assert "keel_trading" not in text
    assert "keel_proposals" not in text


async def test_labels_name_nobody(metrics: Metrics, server: HttpServer) -> None:
    metrics.delivery("telegram", Outcome.SENT, Tier.OK)
    names = {name for _, labels in await samples(server) for name, _ in labels}

    assert names <= {
        "tier", "state", "transport", "outcome", "organ", "scope", "kind", "job", "le", "version", "python", "venue",
    }  # fmt: skip


async def test_nothing_else_is_served(server: HttpServer) -> None:
    assert (await scrape(server, "/")).status_code == 404
    assert (await scrape(server, method="POST")).status_code == 405
    assert (await scrape(server, method="HEAD")).content == b""


async def test_two_processes_in_one_test_do_not_share_their_counts() -> None:
    one, other = Metrics(read), Metrics(read)
    one.job_ran("check", duration_s=1, lag_s=0, succeeded=True)

    assert b'keel_job_runs_total{job="check"' in await one.exposed()
    assert b'keel_job_runs_total{job="check"' not in await other.exposed()
