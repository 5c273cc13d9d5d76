"""Bars from files: what is read, and what is refused with a sentence."""

import gzip
from pathlib import Path

import pytest

from venues.replay import BadRecording, read_bars

HEADER = "ts,open,high,low,close,volume"
GOOD = f"{HEADER}\n2025-10-10T20:00:00Z,205,208,191,197,3\n2025-10-10T21:00:00Z,197,198,147,187,13\n"


def written(folder: Path, text: str, name: str = "SOL.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def lines(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def test_bars_are_read_with_their_times_prices_and_length(tmp_path: Path) -> None:
    bars = read_bars(written(tmp_path, GOOD), "SOL")
    assert bars.opened_s.tolist() == [1_760_126_400, 1_760_130_000]
    assert bars.prices_usd.tolist() == [[205, 208, 191, 197], [197, 198, 147, 187]]
    assert bars.length_s == 3_600


@pytest.mark.parametrize(
    "moments",
    [
        ("1760126400", "1760130000"),
        ("2025-10-10T20:00:00", "2025-10-10T21:00:00"),
        ("2025-10-10 20:00:00+00:00", "2025-10-10 21:00:00+00:00"),
        ("2025-10-10T22:00:00+02:00", "2025-10-10T23:00:00+02:00"),
        (" 1760126400 ", "2025-10-10T21Z"),
    ],
)
def test_times_are_iso_8601_or_whole_seconds(moments: tuple[str, str], tmp_path: Path) -> None:
    text = lines(*(f"{moment},1,1,1,1,0" for moment in moments))
    assert read_bars(written(tmp_path, text), "SOL").opened_s.tolist() == [1_760_126_400, 1_760_130_000]


def test_a_compressed_file_reads_the_same(tmp_path: Path) -> None:
    (tmp_path / "SOL.csv.gz").write_bytes(gzip.compress(GOOD.encode(), mtime=0))
    assert read_bars(tmp_path, "SOL").opened_s.size == 2


def test_columns_may_come_in_any_order_and_with_others(tmp_path: Path) -> None:
    text = "\ufeffname,Close,low,high,open,ts\nx,4,1,5,2,0\n\nx,3,2,6,4,60\n"
    bars = read_bars(written(tmp_path, text), "SOL")
    assert (bars.prices_usd.tolist(), bars.length_s) == ([[2, 5, 1, 4], [4, 6, 2, 3]], 60)


def test_a_line_without_prices_is_a_missing_bar(tmp_path: Path) -> None:
    text = lines("0,1,1,1,1,0", "60,,,,,", "120,nan,NaN,null,None,0", "180,1,1,1,1,0", "240,1,1,1,1,0")
    bars = read_bars(written(tmp_path, text), "SOL")
    assert (bars.opened_s.tolist(), bars.length_s) == ([0, 180, 240], 60)


def test_lines_without_prices_count_for_the_length_of_a_bar(tmp_path: Path) -> None:
    text = lines(*(f"{at * 3_600},{'nan,nan,nan,nan' if at % 2 else '1,1,1,1'},0" for at in range(8)))
    bars = read_bars(written(tmp_path, text), "SOL")
    assert (bars.opened_s.tolist(), bars.length_s) == ([0, 7_200, 14_400, 21_600], 3_600)


def test_a_recording_reaches_over_its_first_and_last_lines_without_prices(tmp_path: Path) -> None:
    text = lines("0,,,,,", "60,1,1,1,1,0", "120,1,1,1,1,0", "180,nan,nan,nan,nan,0", "240,,,,,")
    bars = read_bars(written(tmp_path, text), "SOL")
    assert (bars.opened_s.tolist(), bars.begin_s, bars.end_s) == ([60, 120], 0, 300)
    whole = read_bars(written(tmp_path, GOOD), "SOL")
    assert (whole.begin_s, whole.end_s) == (1_760_126_400, 1_760_133_600)


def test_bars_are_as_long_as_the_step_that_most_lines_make(tmp_path: Path) -> None:
    moments = [0, 60, 120, 300, 360, 420]
    text = lines(*(f"{at},1,1,1,1,0" for at in moments))
    assert read_bars(written(tmp_path, text), "SOL").length_s == 60


@pytest.mark.parametrize(
    ("moments", "line"),
    [
        ([0, 3_600, 3_601, 7_200, 10_800], 4),
        ([0, 3_600, 7_200, 10_800, 12_600, 14_400], 6),
        ([0, 3_600, 7_200, 12_500], 5),
    ],
)
def test_a_stray_line_is_refused_and_named(moments: list[int], line: int, tmp_path: Path) -> None:
    text = lines(*(f"{at},1,1,1,1,0" for at in moments))
    with pytest.raises(BadRecording, match=rf"line {line} comes .* after the line before.*remove it"):
        read_bars(written(tmp_path, text), "SOL")


def test_days_of_a_zone_with_summer_time_and_months_are_bars_all_the_same(tmp_path: Path) -> None:
    for days in ((24, 24, 23, 24, 25, 24), (31 * 24, 28 * 24, 31 * 24, 30 * 24)):
        moments = [sum(days[:at]) * 3_600 for at in range(len(days) + 1)]
        text = lines(*(f"{at},1,1,1,1,0" for at in moments))
        assert read_bars(written(tmp_path, text), "SOL").length_s == max(days, key=days.count) * 3_600


def test_bars_are_as_long_as_the_shortest_step_where_none_is_more_frequent(tmp_path: Path) -> None:
    text = lines(*(f"{at},1,1,1,1,0" for at in (0, 7_200, 10_800)))
    assert read_bars(written(tmp_path, text), "SOL").length_s == 3_600


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "lacks the column ts, open, high, low, close"),
        (GOOD.replace("low,", "lowest,"), "SOL.csv lacks the column low"),
        (lines("0,1,1,1,1,0"), "has 1 bars; give two or more"),
        (lines(), "has 0 bars"),
        (lines("60,1,1,1,1,0", "0,1,1,1,1,0"), "line 3 is older than the line before; sort the file"),
        (lines("60,1,1,1,1,0", "60,1,1,1,1,0"), "line 3 has the time of the line before"),
        (lines("0,1,1,1,1,0", "60,1,nan,1,1,0"), "line 3: high nan cannot be a price"),
        (lines("0,1,1,1,1,0", "60,1,1,1,inf,0"), "close inf cannot be"),
        (lines("0,1,1,1,1,0", "60,1,1,0,1,0"), "low 0 cannot be"),
        (lines("0,1,1,1,1,0", "60,-1,1,1,1,0"), "open -1 cannot be"),
        (lines("0,1,1,1,1,0", "60,,1,1,1,0"), "open '' is no price"),
        (lines("0,1,1,1,1,0", "60,1,2,3,1,0"), "line 3: low 3 is above high 2"),
        (lines("0,1,1,1,1,0", "60,100,99,98,98.5,0"), "line 3: open 100 is outside low 98 to high 99"),
        (lines("0,1,1,1,1,0", "60,98.5,99,98,105,0"), "line 3: close 105 is outside low 98 to high 99"),
        (lines("0,1,1,1,1,0", "60,1,1"), "line 3 has 3 of 6 columns"),
        (lines("noon,1,1,1,1,0"), "'noon' is no time; write 2025-10-10T21:00:00Z"),
        (lines("1760126400000,1,1,1,1,0"), "milliseconds must be divided by 1000"),
        (lines("-1,1,1,1,1,0"), "is no time in seconds"),
        (lines("2025-10-10T20:00:00.5Z,1,1,1,1,0"), "is no whole second"),
        (lines("9" * 5_000 + ",1,1,1,1,0"), "is no time in seconds"),
        (lines("0,1,1,1,1,0", "60,1,1,1,1," + "0" * 200_000), "is not a CSV file"),
    ],
)
def test_a_file_that_cannot_be_played_is_refused_with_its_line(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match=sentence):
        read_bars(written(tmp_path, text), "SOL")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("SOL.csv", b"\xff\xfe\x00", "is not UTF-8 text"),
        ("SOL.csv.gz", GOOD.encode(), "cannot be read"),
        ("SOL.csv.gz", gzip.compress(GOOD.encode(), mtime=0)[:-12], "cannot be read"),
        ("SOL.csv.gz", gzip.compress(GOOD.encode(), mtime=0)[:20] + b"\0" * 40, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(name: str, content: bytes, sentence: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadRecording, match=sentence):
        read_bars(tmp_path, "SOL")


def test_an_unknown_asset_names_those_there_are(tmp_path: Path) -> None:
    written(written(tmp_path, GOOD), GOOD, "BTC.csv")
    with pytest.raises(BadRecording, match=r"no bars of JUP .* and has BTC, SOL"):
        read_bars(tmp_path, "JUP")
    with pytest.raises(BadRecording, match=r"no bars of \.\./SOL"):
        read_bars(tmp_path / "..", "../SOL")


def test_two_files_of_one_asset_are_refused(tmp_path: Path) -> None:
    (written(tmp_path, GOOD) / "SOL.csv.gz").write_bytes(gzip.compress(GOOD.encode(), mtime=0))
    with pytest.raises(BadRecording, match="remove one"):
        read_bars(tmp_path, "SOL")


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="cannot be read"):
        read_bars(tmp_path / "nowhere", "SOL")
    with pytest.raises(BadRecording, match="cannot be read"):
        read_bars(written(tmp_path, GOOD) / "SOL.csv", "SOL")
