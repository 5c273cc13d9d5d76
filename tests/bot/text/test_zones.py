"""Time zones: found by whatever people call them, and refused in words where there is none."""

from zoneinfo import available_timezones

import pytest

from bot.text.zones import UnknownZone, zone

FOUND = {
    "Europe/Berlin": "Europe/Berlin", "europe/berlin": "Europe/Berlin", " Berlin ": "Europe/Berlin",
    "new york": "America/New_York", "america/new york": "America/New_York", "utc": "UTC",
}  # fmt: skip
REFUSED = {
    "Europe/Berln": "Europe/Berlin", "Tokio": "Asia/Tokyo", "NewYork": "America/New_York",
    "Germany/Berlin": "Europe/Berlin", "Mars/Olympus": "", "UTC+2": "UTC", "+02:00": "", "": "",
    "../../etc/hostname": "", "localtime": "*", "Factory": "*", "Europe/Berlin\x00": "Europe/Berlin",
}  # fmt: skip


@pytest.mark.parametrize(("text", "key"), FOUND.items())
def test_a_zone_is_found_by_its_name_or_its_city(text: str, key: str) -> None:
    assert zone(text).key == key


@pytest.mark.parametrize(("text", "nearest"), REFUSED.items())
def test_a_zone_that_does_not_exist_is_refused_and_the_nearest_are_named(text: str, nearest: str) -> None:
    with pytest.raises(UnknownZone, match="there is no time zone") as refused:
        zone(text)
    if not nearest:
        assert "write it like Europe/Berlin" in str(refused.value)
    elif nearest != "*":
        assert nearest in refused.value.nearest


def test_a_name_of_ten_thousand_characters_is_refused_in_a_short_sentence() -> None:
    with pytest.raises(UnknownZone) as refused:
        zone("x" * 10_000)
    assert len(str(refused.value)) < 120


def test_every_zone_of_the_database_is_found_under_its_own_name() -> None:
    for key in available_timezones() - {"Factory", "localtime", "posixrules"}:
        assert zone(key.lower()).key == key
