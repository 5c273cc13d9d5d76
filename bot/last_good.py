"""The last health of an account that could be trusted, as it is kept across restarts."""

import json
from functools import cache

from pydantic import TypeAdapter

from risk.model.liquidation import HealthStatus
from storage import LastGood


@cache
def _codec() -> TypeAdapter[HealthStatus]:
    return TypeAdapter(HealthStatus)


def last_good_of(health: HealthStatus) -> LastGood:
    """What to remember."""
    # Not pydantic's own JSON: it writes null for a ratio that is infinite because nothing needs margin.
    body = json.dumps(_codec().dump_python(health, mode="json"))
    return LastGood(account_id=health.account_id, body_json=body, slot=health.slot, observed_at=health.observed_at)


def health_from(remembered: LastGood) -> HealthStatus:
    """Back again. Raises: ValueError for a text this version does not understand."""
    return _codec().validate_python(json.loads(remembered.body_json))
