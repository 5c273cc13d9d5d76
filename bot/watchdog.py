"""Notices that what should run does not: the health check itself, and any other job that hangs."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.alerts.desk import Finding, IncidentDesk
from bot.process import JobState
from bot.text.ages import age
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from risk.ports import Clock

_HUNG_AFTER_S = 60.0
_HUNG_AFTER_INTERVALS = 3.0


class Watchdog:
    """Looks at the jobs from beside them.

    Args:
        check: The health check, which is asked for successes: one that runs and fails looks at nothing all the same.
        jobs: All jobs by name, which are asked for ends.
        every_s: How often it is to look. Where it comes much later itself, the whole process stood still, and the jobs
            get their turn before anybody is told.
    """

    def __init__(
        self,
        *,
        check: JobState,
        desk: IncidentDesk,
        clock: Clock,
        started_at: datetime,
        jobs: Mapping[str, JobState] | None = None,
        every_s: float = 5.0,
    ) -> None:
        self._check, self._desk, self._clock, self._started_at = check, desk, clock, started_at
        self._jobs, self._every_s = jobs or {}, every_s
        self._looked_at: datetime | None = None

    async def look(self) -> None:
        now, looked_at = self._clock.now(), self._looked_at
        self._looked_at = now
        if looked_at is not None and not timedelta() <= now - looked_at <= self._patience():
            return  # the machine slept, the process was stopped, or the clock was set
        await self._desk.settle([self._check_finding(now), *self._hung(now)])

    def _patience(self) -> timedelta:
        return timedelta(seconds=max(3 * max(self._check.interval_s, self._every_s), 15.0))

    def _check_finding(self, now: datetime) -> Finding:
        cause = Cause(kind=CauseKind.SYSTEM, subject="checks")
        silent = now - (self._check.last_succeeded or self._started_at)
        if silent <= timedelta(seconds=max(3 * self._check.interval_s, 15.0)):
            return Finding(cause=cause, tier=Tier.OK, fact="health checks run again")
        fact = f"no health check for {silent.total_seconds():.0f} s"
        if self._check.last_finished != self._check.last_succeeded:
            fact = f"{fact}: {self._check.last_error}"
        return Finding(cause=cause, tier=Tier.CRITICAL, fact=fact)

    def _hung(self, now: datetime) -> list[Finding]:
        found = []
        for name, job in self._jobs.items():
            if job is self._check:
                continue
            cause = Cause(kind=CauseKind.SYSTEM, subject=f"job {name}")
            running = now - job.last_started if _is_running(job) and job.last_started is not None else timedelta()
            if running > timedelta(seconds=max(_HUNG_AFTER_INTERVALS * job.interval_s, _HUNG_AFTER_S)):
                fact = f"the job {name} has been running for {age(running.total_seconds())} and does not end"
                found.append(Finding(cause=cause, tier=Tier.WARNING, fact=fact))
            else:
                found.append(Finding(cause=cause, tier=Tier.OK, fact=f"the job {name} ends again"))
        return found


def _is_running(job: JobState) -> bool:
    if job.last_started is None:
        return False
    return job.last_finished is None or job.last_finished < job.last_started
