"""Prometheus metrics, on this machine only. Labels name tiers, transports and jobs, never people, chats or accounts."""

import platform
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from bot import redaction
from bot.http_server import HttpServer, Request, Response, refused
from bot.observing import Outcome
from risk.decisions.proposals import FINAL_LEGS
from risk.decisions.tiers import Tier
from risk.model.proposal import ProposalState
from risk.model.trading import TradingState

METRICS_PATH = "/metrics"
LOOPBACK = "127.0.0.1"
_NOTHING: Mapping[str, int] = MappingProxyType({})
_WAITS_S = (0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 1_800.0)
_WORK_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_PRESSES_S = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0)
_LAGS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingReading:
    """What is read off of trading.

    Attributes:
        state: "active", "reducing" or "halted".
        proposals: How many there are by state, since Keel was set up.
        orders: Likewise; only what ended is shown.
        resting: Orders of Keel's that rest at the venue.
        standing: Standing approvals in force, and what they may still send.
    """

    enabled: bool
    state: str
    proposals: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    orders: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    resting: int = 0
    standing: int = 0
    standing_left_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is read off when somebody asks, moments as seconds before now.

    Attributes:
        accounts: How many stand in each tier.
        data_age_s: None before the first reading.
        streaming: None where the venue does not stream.
        outbox: Notices by state.
        oldest_waiting_s: 0 where nothing waits.
        connected: By transport.
        incidents: Open ones by tier.
        beat_age_s: None where no heartbeat was ever taken.
        ailing: Organs that make no progress.
        unprotected_s: Time in which at least one account was not assessed.
        unprotected_account_s: The same, summed over accounts.
        storage_failures: By the name of the error.
        trading: None where trading is not set up.
    """

    venue: str
    accounts: Mapping[Tier, int]
    data_age_s: float | None
    check_age_s: float | None
    uptime_s: float
    slot: int | None = None
    streaming: bool | None = None
    stream_updates: int = 0
    outbox: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    oldest_waiting_s: float = 0.0
    connected: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    incidents: Mapping[Tier, int] = field(default_factory=lambda: MappingProxyType({}))
    beats_taken: int = 0
    beats_failed: int = 0
    beat_age_s: float | None = None
    ailing: tuple[str, ...] = ()
    unprotected_s: float = 0.0
    unprotected_account_s: float = 0.0
    loop_stalls: int = 0
    storage_failures: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    backup_age_s: float | None = None
    trading: TradingReading | None = None


class Metrics:
    """Counts what is reported (bot.observing.Observer) and serves it with what is read off.

    Args:
        read: Everything that is not counted, as it is now.
    """

    def __init__(self, read: Callable[[], Awaitable[Reading]] | None = None) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._read = read
        self._read_off = _ReadOff()
        self.registry.register(self._read_off)
        ProcessCollector(registry=self.registry)
        self._runs = Counter(
            "keel_job_runs", "Runs of a job by how they ended", ["job", "outcome"], registry=self.registry
        )
        self._durations = Histogram(
            "keel_job_duration_seconds", "How long a run took", ["job"], buckets=_WORK_S, registry=self.registry
        )
        self._lags = Histogram(
            "keel_job_lag_seconds", "How much later than its interval a run began", ["job"], buckets=_WORK_S,
            registry=self.registry,
        )  # fmt: skip
        self._deliveries = Counter(
            "keel_deliveries", "Attempts to deliver a notice", ["transport", "outcome", "tier"], registry=self.registry
        )
        self._latencies = Histogram(
            "keel_delivery_latency_seconds", "From queueing a notice to the platform taking it", ["transport", "tier"],
            buckets=_WAITS_S, registry=self.registry,
        )  # fmt: skip
        self._loop = Histogram(
            "keel_event_loop_lag_seconds", "How late the event loop was", buckets=_LAGS_S, registry=self.registry
        )

        self._presses = Histogram(
            "keel_press_to_submit_seconds", "From the last Confirm of a proposal to the venue taking its first order",
            buckets=_PRESSES_S, registry=self.registry,
        )  # fmt: skip

    def reads(self, read: Callable[[], Awaitable[Reading]]) -> None:
        """Where what is not counted comes from, once that exists."""
        self._read = read

    def job_ran(self, name: str, *, duration_s: float, lag_s: float, succeeded: bool) -> None:
        self._runs.labels(name, "ok" if succeeded else "failed").inc()
        self._durations.labels(name).observe(duration_s)
        self._lags.labels(name).observe(lag_s)

    def delivery(self, transport: str, outcome: Outcome, tier: Tier, *, latency_s: float | None = None) -> None:
        self._deliveries.labels(transport, outcome.value, tier.name).inc()
        if latency_s is not None:
            self._latencies.labels(transport, tier.name).observe(max(0.0, latency_s))

    def order_submitted(self, latency_s: float) -> None:
        self._presses.observe(max(0.0, latency_s))

    def loop_lag(self, lag_s: float) -> None:
        """See bot.loop_watch."""
        self._loop.observe(lag_s)

    async def exposed(self) -> bytes:
        """All metrics in Prometheus' text format."""
        if self._read is not None:
            self._read_off.reading = await self._read()
        return redaction.clean(generate_latest(self.registry).decode()).encode()

    def server(self, port: int) -> HttpServer:
        """Serves them at /metrics, to this machine alone; enter it."""
        return HttpServer(self._answer, host=LOOPBACK, port=port, name="metrics")

    async def _answer(self, request: Request) -> Response:
        if request.path != METRICS_PATH:
            return refused(HTTPStatus.NOT_FOUND, f"metrics are at {METRICS_PATH}")
        if request.method not in ("GET", "HEAD"):
            return refused(HTTPStatus.METHOD_NOT_ALLOWED, "metrics are read with GET", Allow="GET, HEAD")
        return Response(status=HTTPStatus.OK, body=await self.exposed(), content_type=CONTENT_TYPE_LATEST)


class _ReadOff(Collector):
    """The last reading as metrics."""

    def __init__(self) -> None:
        self.reading: Reading | None = None

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        if self.reading is not None:
            yield _build_info(self.reading)
            yield from _gauges(self.reading)
            yield from _counted(self.reading)
            if self.reading.trading is not None:
                yield from _of_trading(self.reading.trading)


def _build_info(reading: Reading) -> Metric:
    try:
        installed = version("keel")
    except PackageNotFoundError:  # run from a checkout without installation
        installed = "unknown"
    labels = {"version": installed, "python": platform.python_version(), "venue": reading.venue}
    return InfoMetricFamily("keel_build", "What runs here", labels)


def _gauges(reading: Reading) -> Iterable[Metric]:
    plain: tuple[tuple[str, str, float | None], ...] = (
        ("keel_uptime_seconds", "How long the process has run", reading.uptime_s),
        ("keel_data_age_seconds", "Age of the venue's data", reading.data_age_s),
        ("keel_check_age_seconds", "Since the last health check that succeeded", reading.check_age_s),
        ("keel_slot", "Slot of the latest reading", reading.slot),
        ("keel_stream_connected", "Whether the venue's stream is up", _flag(reading.streaming)),
        ("keel_outbox_oldest_seconds", "How long the oldest undelivered notice has waited", reading.oldest_waiting_s),
        ("keel_heartbeat_age_seconds", "Since somebody outside took a heartbeat", reading.beat_age_s),
        ("keel_backup_age_seconds", "Age of the newest backup", reading.backup_age_s),
        ("keel_vital", "1 while everything makes progress", 0.0 if reading.ailing else 1.0),
    )
    for name, text, value in plain:
        if value is not None:
            yield GaugeMetricFamily(name, text, value)
    tiers = {tier.name: float(reading.accounts.get(tier, 0)) for tier in Tier}
    open_now = {tier.name: float(reading.incidents.get(tier, 0)) for tier in Tier if tier is not Tier.OK}
    yield _by("keel_accounts", "Watched accounts by tier", "tier", tiers)
    yield _by("keel_incidents_open", "Open incidents by tier", "tier", open_now)
    yield _by("keel_outbox", "Notices by state", "state", {key: float(n) for key, n in reading.outbox.items()})
    connected = {name: float(up) for name, up in reading.connected.items()}
    yield _by("keel_transport_connected", "Whether a transport is up", "transport", connected)
    yield _by("keel_ailing", "Organs that make no progress", "organ", dict.fromkeys(reading.ailing, 1.0))


def _counted(reading: Reading) -> Iterable[Metric]:
    protection = CounterMetricFamily(
        "keel_unprotected_minutes", "Minutes in which accounts were not assessed, downtime included", labels=["scope"]
    )
    protection.add_metric(["any"], reading.unprotected_s / 60)
    protection.add_metric(["account"], reading.unprotected_account_s / 60)
    yield protection
    beats = CounterMetricFamily("keel_heartbeats", "Heartbeats by outcome", labels=["outcome"])
    beats.add_metric(["taken"], reading.beats_taken)
    beats.add_metric(["failed"], reading.beats_failed)
    yield beats
    failures = CounterMetricFamily("keel_storage_errors", "Failures of the memory", labels=["kind"])
    for kind, number in reading.storage_failures.items():
        failures.add_metric([kind], number)
    yield failures
    yield CounterMetricFamily("keel_event_loop_stalls", "Lags of a second or more", value=reading.loop_stalls)
    yield CounterMetricFamily("keel_stream_updates", "Books the stream brought", value=reading.stream_updates)


def _of_trading(reading: TradingReading) -> Iterable[Metric]:
    yield GaugeMetricFamily("keel_trading_enabled", "Whether trading is switched on", float(reading.enabled))
    yield _by("keel_trading_state", "1 for what may go out now", "state", {
        state.value: float(state.value == reading.state) for state in TradingState
    })  # fmt: skip
    yield _by("keel_proposals", "Proposals by state", "state", {
        state.value: float(reading.proposals.get(state.value, 0)) for state in ProposalState
    })  # fmt: skip
    orders = CounterMetricFamily("keel_orders", "Orders that ended, by outcome", labels=["outcome"])
    for state in sorted(FINAL_LEGS):
        orders.add_metric([state.value], reading.orders.get(state.value, 0))
    yield orders
    yield GaugeMetricFamily("keel_orders_resting", "Orders of Keel's that rest at the venue", reading.resting)
    yield GaugeMetricFamily("keel_standing_approvals", "Standing approvals in force", reading.standing)
    yield GaugeMetricFamily("keel_standing_left_usd", "What they may still send", reading.standing_left_usd)


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _flag(value: bool | None) -> float | None:
    return None if value is None else float(value)


def age_s(at: datetime | None, now: datetime) -> float | None:
    """Seconds since a moment; None for none."""
    return None if at is None else (now - at).total_seconds()
