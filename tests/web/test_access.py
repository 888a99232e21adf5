"""Who may look: the token, the cookie that stands for it, and what happens to those who guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.runtime.secret import Secret
from ozrules.web.access import LASTS, MOST_PEERS, TRIES, WINDOW, Access

TOKEN = "canary-web-token-4711"


class Times:
    """Two clocks that stand."""

    def __init__(self) -> None:
        self.wall = 1_800_000_000.0
        self.watch = 50.0


def access(times: Times, token: str = TOKEN) -> Access:
    return Access(Secret(token), lambda: times.wall, lambda: times.watch)


def test_a_cookie_lasts_its_time_and_outlives_a_restart() -> None:
    times = Times()
    cookie = access(times).cookie()
    assert TOKEN not in cookie
    again = access(times)
    assert again.knows(cookie)
    times.wall += LASTS - 1
    assert again.knows(cookie)
    times.wall += 2
    assert not again.knows(cookie)


def test_a_new_token_ends_all_cookies() -> None:
    times = Times()
    assert not access(times, "another").knows(access(times).cookie())


@given(st.text() | st.from_regex(r"\d{1,12}\.[0-9a-f]{64}", fullmatch=True))
def test_no_other_text_is_a_cookie(text: str) -> None:
    assert not access(Times()).knows(text)


def test_a_cookie_cannot_be_prolonged() -> None:
    times = Times()
    ends, _, signature = access(times).cookie().partition(".")
    assert not access(times).knows(f"{int(ends) + 1}.{signature}")


@pytest.mark.fault(101)
def test_whoever_was_wrong_often_is_told_to_wait_and_nobody_else() -> None:
    times = Times()
    one = access(times)
    told = []
    for _ in range(10_000):
        times.watch += 0.06
        told.append(one.wrong("10.0.0.1"))
    assert told[:TRIES] == [0.0] * TRIES
    assert all(0 < wait <= WINDOW for wait in told[TRIES:])
    assert one.wrong("10.0.0.2") == 0


@pytest.mark.fault(101)
@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "1", TOKEN[:-1], "\udcff", "\N{SNOWMAN}", "\0"])
def test_only_the_token_matches(token: str) -> None:
    one = access(Times())
    assert not one.matches(token)
    assert one.matches(TOKEN)


def test_the_minute_passes() -> None:
    times = Times()
    one = access(times)
    for _ in range(TRIES):
        one.wrong("peer")
    assert one.wrong("peer") == WINDOW
    times.watch += WINDOW
    assert one.wrong("peer") == 0


def test_many_peers_take_little_memory() -> None:
    one = access(Times())
    for number in range(MOST_PEERS * 2):
        one.wrong(f"peer-{number}")
    assert len(one._tries) == MOST_PEERS
