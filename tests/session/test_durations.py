"""Every form of a duration or a moment that the vendor's pages show."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.session.durations import is_moment, iso_from, moment_from, seconds_from


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:00", 0),
        ("00:01:30", 90),
        ("00:01:30.5", 90.5),
        ("00:01:30.1234567", 90.1234567),
        ("1.02:03:04", 93784),
        ("1:02:03:04", 93784),
        ("26:00:00", 93600),
        ("01:30", 90),
        ("2", 2),
        ("956", 956),
        ("0.749", 0.749),
        ("0,749", 0.749),
        (" 12 ", 12),
        ("PT20S", 20),
        ("PT1M30S", 90),
        ("PT1M30,5S", 90.5),
        ("P1DT2H", 93600),
        ("pt20s", 20),
        ("-00:00:03", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert seconds_from(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", [None, "", "  ", "soon", "P", "PT", "1:2:3:4:5", "--1", "1e3", "NaN", "99999999999999999999", "٣", "12:"]
)
@pytest.mark.fault(14)
def test_what_cannot_be_read_is_no_duration(text: str | None) -> None:
    assert seconds_from(text) is None


@pytest.mark.parametrize("text", ["99999999.00:00:00", "9999999999", "P99999999D", "8784:00:01"])
@pytest.mark.fault(14)
def test_what_no_call_can_have_lasted_is_no_duration(text: str) -> None:
    assert seconds_from(text) is None
    assert seconds_from("8784:00:00") == 366 * 86400


@given(st.integers(0, 10**7), st.integers(0, 9_999_999))
def test_a_time_span_of_the_vendor_reads_back(seconds: int, ticks: int) -> None:
    """.NET writes ``[d.]hh:mm:ss[.fffffff]``."""
    days, rest = divmod(seconds, 86400)
    text = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    if days:
        text = f"{days}.{text}"
    if ticks:
        text += f".{ticks:07}"
    assert seconds_from(text) == pytest.approx(seconds + ticks / 1e7)


@given(st.text())
@pytest.mark.fault(14)
def test_no_text_is_too_strange(text: str) -> None:
    seconds = seconds_from(text)
    assert seconds is None or seconds >= 0
    moment_from(text)


MOMENT = datetime(2026, 11, 23, 9, 0, 20, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T09:00:20Z",
        "2026-11-23T10:00:20+01:00",
        "2026-11-23T10:00:20.0000000+01:00",
        "2026-11-23T10:00:20,0+01:00",
        "2026-11-23 10:00:20",
        "2026-11-23T10:00:20",
        " 2026-11-23 10:00:20 ",
        "1795424420",
        "1795424420.0",
        "1795424420000",
    ],
)
def test_moments(text: str) -> None:
    assert moment_from(text, ZoneInfo("Europe/Budapest")) == MOMENT


def test_a_moment_without_a_zone_is_utc_unless_told() -> None:
    assert moment_from("2026-11-23 09:00:20") == MOMENT


def test_the_vendors_own_example() -> None:
    there = datetime(2013, 7, 1, 10, 49, 7, 955800, tzinfo=timezone(timedelta(hours=2)))
    assert moment_from("2013-07-01T10:49:07.9558+02:00") == pytest.approx(there.timestamp())


@pytest.mark.parametrize(
    "text", [None, "", "yesterday", "2026-13-01", "25:00", "12345", "9999999999999999", "0001-01-01T00:00:00+99:00"]
)
@pytest.mark.fault(25)
def test_what_cannot_be_read_is_no_moment(text: str | None) -> None:
    assert moment_from(text) is None


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00", "9999-12-31T23:59:59", "1970-01-01T00:00:00Z"])
@pytest.mark.fault(25)
def test_the_ends_of_time_are_moments(text: str) -> None:
    moment = moment_from(text, ZoneInfo("Asia/Tokyo"))
    assert moment is not None


@given(st.datetimes(timezones=st.sampled_from([UTC, ZoneInfo("Europe/Budapest"), ZoneInfo("America/New_York")])))
def test_iso_moments_read_back(moment: datetime) -> None:
    assert moment_from(moment.isoformat()) == pytest.approx((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


TEN = 1795424400.0
"""2026-11-23T09:00:00Z, ten o'clock in Budapest."""


@pytest.mark.parametrize(
    "text",
    [
        "/Date(1795424400000)/",
        "/Date(1795424400000+0100)/",
        r"\/Date(1795424400000)\/",
        "23.11.2026 10:00:00",
        "23.11.2026, 10:00",
        "23. 11. 2026 10:00:00",
        "2026. 11. 23. 10:00:00",
        "2026.11.23 10:00:00",
        "2026/11/23 10:00:00",
        "11/23/2026 10:00:00 AM",
        "11/23/2026, 10:00:00 a.m.",
        "23/11/2026 10:00:00",
        "23-11-2026 10.00.00",
        "Mon Nov 23 2026 10:00:00 GMT+0100 (Central European Standard Time)",
        "Mon, 23 Nov 2026 09:00:00 GMT",
        "1795424400",
        "1795424400000",
        "2026-11-23T10:00:00",
        "2026-11-23T09:00:00.0000000Z",
    ],
)
def test_the_local_forms_of_a_moment_are_read(text: str) -> None:
    budapest = ZoneInfo("Europe/Budapest")
    assert moment_from(text, budapest) == TEN
    shown = iso_from(text, budapest)
    assert shown is not None
    assert datetime.fromisoformat(shown).timestamp() == TEN


NOON = [("11/23/2026 12:30:00 AM", 0), ("11/23/2026 12:30:00 PM", 12), ("11/23/2026 1:30 PM", 13)]


@pytest.mark.parametrize(("text", "hour"), NOON)
def test_noon_and_midnight(text: str, hour: int) -> None:
    assert moment_from(text) == datetime(2026, 11, 23, hour, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "03/04/2026 10:00:00",
        "03-04-2026 10:00:00",
        "11/23/2026 13:00:00 PM",
        "32.11.2026 10:00:00",
        "23.13.2026 10:00:00",
        "23.11.2026 25:00:00",
        "23.11.2026",
        "/Date()/",
        "/Date(99999999999999999999)/",
        "2026. 11. 23. de. 10:00:00",
        "gestern 10:00",
    ],
)
@pytest.mark.fault(14)
def test_what_nobody_can_be_sure_of_is_no_moment(text: str) -> None:
    assert moment_from(text) is None
    assert iso_from(text) is None
    assert not is_moment(text)


FORMS = ("%d.%m.%Y %H:%M:%S", "%Y. %m. %d. %H:%M:%S", "%Y/%m/%d %H:%M:%S")


@given(st.integers(31_536_000, 4_102_444_800), st.sampled_from(FORMS))
def test_what_strftime_writes_reads_back(seconds: int, form: str) -> None:
    assert moment_from(datetime.fromtimestamp(seconds, UTC).strftime(form)) == seconds
