"""/status: whether Keel itself is well."""

from bot.alerts.live import BRIDGE_EVERY_S
from bot.commands.alerts import lost_chats
from bot.commands.approvals import standing_lines, visible
from bot.commands.resume import state_line
from bot.commands.spec import Command, Request, Services
from bot.messages import Line, Message
from bot.process import JobState, StreamState
from bot.text.ages import age, age_of_data
from bot.text.clean import sentence
from bot.text.numbers import count
from bot.trading.cards.words import pressable
from bot.trading.parts import Trading
from risk.decisions.tiers import Tier
from risk.model.trading import TradingState


async def run(services: Services, request: Request) -> Message:
    process, now = services.process, services.clock.now()
    stale = services.fleet.why_stale()
    counts = await services.outbox.counts()
    open_alerts = await services.incidents.open_incidents()
    headline = f"Keel: {_verdict(services, stale)}"
    view = services.fleet.latest
    lines = [
        f"Venue {process.venue}: data {age_of_data(services.fleet.age_s(), stale=bool(stale))}"
        + (f", slot {count(view.book.slot)}" if view else ""),
    ]
    if process.stream is not None:
        lines.append(_stream(process.stream, services))
    if stale:
        lines.append(f"! {stale}")
    # What went wrong may name any account; so may what was delivered, by its count.
    whole = request.person is None or request.person.access.everywhere is not None
    if services.watch.last_error and whole:
        lines.append(f"! {sentence(services.watch.last_error)}")
    lines.append(f"Accounts: {len(services.roster)}. Open alerts: {len(open_alerts)}.")
    lines += [_job(name, job, services, whole=whole) for name, job in process.jobs.items()]
    waiting = f"{counts.pending + counts.leased} waiting"
    if counts.waiting_since is not None:
        waiting += f" for {age((now - counts.waiting_since).total_seconds())}"
    if whole:
        lines.append(f"Alerts to deliver: {waiting}, {counts.dead} given up, {counts.sent} delivered.")
        lines += await lost_chats(services)
    lines += [f"! {sentence(text)}." for text in await services.book.warnings(services.roster.all, now)]
    for transport in process.transports.values():
        health = transport.health()
        state = "up" if health.connected else "DOWN"
        since = age((now - health.since).total_seconds())
        lines.append(f"{transport.name}: {state} for {since}, {sentence(health.detail)}")
    lines += [sentence(line) for about in process.about for line in about()]
    lines += await _trading(services)
    lines.append(f"Running for {age((now - process.started_at).total_seconds())}.")
    return Message(blocks=(Line(headline, strong=True), *(Line(text) for text in lines)))


async def _trading(services: Services) -> list[str]:
    """What may go out, what waits for a yes, and what is allowed without one."""
    trading = services.trading
    if trading is None:
        return [f"Trading: {'on' if services.process.trading_enabled else 'off (read-only)'}."]
    status = await trading.states.get()
    stopped = status.state is not TradingState.ACTIVE
    if not trading.rules.enabled:
        halted = f" Besides, {await state_line(services, status)} /resume lifts that." if stopped else ""
        return [f"Trading: off (read-only).{halted}"]
    trouble = "" if trading.signer is None else trading.signer.trouble
    lines = [f"! {await state_line(services, status)} /resume lifts it."] if stopped else []
    if trouble:
        lines.append(f"! Nothing can be sent now: {sentence(trouble)}.")
    how = "switched on" if stopped or trouble else "active"
    lines.append(f"Trading: {how} on {trading.gateway_name}{_signed_by(trading)}.")
    seen = services.roster.account_ids
    if doomed := sum(one.account_id in seen for one in await trading.resting.doomed()):
        orders = "1 order still rests" if doomed == 1 else f"{doomed} orders still rest"
        lines.append(f"! {orders} that the halt is to cancel; that is tried again until nothing of it rests.")
    unfinished = await visible(services, trading)
    waiting = sum(pressable(one, services.clock.now()) for one in unfinished)
    if unfinished:
        going_on = len(unfinished) - waiting
        rest = f", {going_on} being worked off" if going_on else ""
        lines.append(f"Proposals: {waiting} {'waits' if waiting == 1 else 'wait'} for a yes{rest}; /approvals.")
    return lines + await standing_lines(services, trading)


def _signed_by(trading: Trading) -> str:
    """Through whom orders go; nothing where nobody signs them."""
    return "" if trading.signer is None else f" {trading.signer.mode()}"


def _verdict(services: Services, stale: str) -> str:
    if stale:
        return "UNKNOWN, the venue's data is stale"
    unknown = [w.nickname for w in services.roster.all if services.watch.tier(w.account_id).tier is Tier.UNKNOWN]
    if unknown:
        return f"cannot assess {', '.join(unknown)}"
    down = [t.name for t in services.process.transports.values() if not t.health().connected]
    if down:
        return f"watching, but {', '.join(down)} is down"
    return f"watching {len(services.roster)} account{'s' if len(services.roster) != 1 else ''}"


def _stream(stream: StreamState, services: Services) -> str:
    now = services.clock.now()
    if not stream.connected:
        down = age((now - stream.since).total_seconds())
        check = services.process.jobs.get("check")
        polling = f", polling every {min(check.interval_s, BRIDGE_EVERY_S):g} s" if check else ""
        return f"Stream: down for {down}{polling}" + (f": {sentence(stream.last_error)}" if stream.last_error else ".")
    seconds = (now - (stream.last_update or stream.since)).total_seconds()
    return f"Stream: live, last update {max(0.0, seconds):.1f} s ago."


def _job(name: str, job: JobState, services: Services, *, whole: bool) -> str:
    if job.last_finished is None:
        return f"{name}: has not finished yet."
    ago = age((services.clock.now() - job.last_finished).total_seconds())
    text = f"{name}: {ago} ago, took {job.last_duration_s * 1000:.0f} ms, every {job.interval_s:g} s"
    if job.overruns:
        text += f", {job.overruns} of {job.runs} took longer than that"
    if job.failures:
        text += f", {job.failures} failed{f': {sentence(job.last_error)}' if whole else ''}"
    return f"{text}."


COMMAND = Command(name="status", usage="/status", summary="is Keel itself well?", run=run)
