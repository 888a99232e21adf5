"""The simulation over many seeds: nothing is broken, everything that can go wrong did, and a seed says it all.

``SIMULATION_SEEDS`` says how many seeds; `make torture` plays twenty thousand.
"""

import os
import subprocess
import sys
from typing import Final, get_args

import pytest

from tests.simulation.sweep import again, sweep, together
from tests.simulation.telling import Durations
from tests.simulation.world import Result, simulate

pytestmark = pytest.mark.timeout(36_000)  # whichever test comes first plays all the seeds
SEEDS: Final = int(os.environ.get("SIMULATION_SEEDS", "300"))
FAULTS: Final = (
    *(f"durations: {manner}" for manner in get_args(Durations)),
    "a call was announced at a connect, marked",
    "a call was announced at a connect, unmarked",
    "a change was told before the list that it follows",
    "a change was told before the list that shows it",
    "a change was told late",
    "a change was told twice",
    "a crash kept what was not synced",
    "a crash lost what was not synced",
    "a list came in parts",
    "a moment was owed",
    "a question was answered",
    "a list lacked all of the calls",
    "a list lacked some of the calls",
    "a rule was paused",
    "a sync was slow",
    "a timer was owed",
    "a webhook came twice",
    "an answer was lost after the effect",
    "an id came back in the same epoch",
    "busy-as-chosen said no",
    "busy-as-chosen said yes",
    "cut with a command under way",
    "ended because the disk broke",
    "half open both ways",
    "half open one way",
    "killed at any step",
    "killed between an effect and its answer",
    "killed between an intent and its sending",
    "killed between sending and arrival",
    "killed while a list was merged",
    "killed while a moment was owed",
    "killed while it started",
    "nobody could connect",
    "nothing was to be sent for a while",
    "often-as-chosen said no",
    "often-as-chosen said yes",
    "reason budget",
    "reason exception",
    "reason guard",
    "reason hops",
    "reason missedSkip",
    "reason missedTooLate",
    "reason modeBusy",
    "reason outrankedBy",
    "reason protected",
    "reason ruleRemoved",
    "reason shadow",
    "reason throttled",
    "rules were reloaded while a sequence ran",
    "rules were reloaded while a timer waited",
    "stopped in good order",
    "the connection was cut",
    "the daemon asked for the list",
    "the disk was full",
    "the gateway lost the phone system",
    "the host slept",
    "the phone system misbehaved: close",
    "the phone system misbehaved: idle",
    "the phone system misbehaved: lie",
    "the phone system misbehaved: mute",
    "the phone system misbehaved: refuse",
    "the phone system misbehaved: silence",
    "the phone system restarted",
    "the wall clock was set back",
    "the wall clock was set forward",
)
"""What must have happened over the seeds, or that nothing was broken means nothing."""


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return list(sweep(range(SEEDS)))


@pytest.mark.fault(5, 7, 8, 9, 10, 11, 22, 23, 28, 29, 30, 31, 33, 35, 40, 53, 75, 78)
def test_nothing_that_we_promise_is_broken(results: list[Result]) -> None:
    broken = [f"{again(result.seed)}: {result.broken[0]}" for result in results if result.broken]
    assert not broken, "\n" + "\n".join(broken[:20])


def test_everything_that_can_go_wrong_did(results: list[Result]) -> None:
    happened = together(results)
    assert [fault for fault in FAULTS if not happened[fault]] == []


def test_a_seed_says_it_all(results: list[Result]) -> None:
    """The same trace in other processes, whatever their hashes."""
    for result, hashes in zip(results[:2], ("1", "2"), strict=True):
        played = subprocess.run(
            [sys.executable, "-m", "tests.simulation", str(result.seed), "--quiet"],
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.trace in played.stdout, played.stdout + played.stderr


def test_another_seed_is_another_simulation(results: list[Result]) -> None:
    assert len({result.trace for result in results}) == len(results)


def test_a_trace_can_be_followed_line_by_line() -> None:
    told: list[str] = []
    assert simulate(1, told.append).trace == simulate(1).trace
    assert len(told) > 100
