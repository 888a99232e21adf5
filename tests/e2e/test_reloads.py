"""Rules that change under a running daemon: good ones hold whole, bad ones not at all."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ozrules.connectors.simulator.callers import CallPlan
from tests.e2e.stage import Daemon, configure, daemon, ozrules, phones

FIRST = """
ozrules: 1
rules:
  - {id: first, trigger: {state: Ringing}, actions: [{log: first}]}
"""
SECOND = FIRST.replace("first", "second")
WRONG = FIRST.replace("Ringing", "Rining")


async def rings(one: Daemon, rule: str) -> None:
    await one.saw("log", rule=rule)


async def test_changed_files_hold_once_they_have_settled(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, FIRST)
        async with daemon(tmp_path) as one:
            await one.ready()
            before = one.of("reload")[0]["revision"]
            (tmp_path / "rules.yaml").write_text(SECOND)
            [_, reload] = await one.saw("reload", 2)
            assert reload["ok"] is True
            assert reload["who"] == {"by": "changed files"}
            assert reload["revision"] != before
            system.call(CallPlan(caller="+36201234567", callee="2666"))
            await rings(one, "second")
            assert await one.stop() == 0


@pytest.mark.fault(60)
async def test_wrong_rules_are_refused_whole_and_the_old_ones_stay(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, FIRST)
        async with daemon(tmp_path) as one:
            await one.ready()
            (tmp_path / "rules.yaml").write_text(WRONG)
            code, said = await ozrules(tmp_path, "reload")
            assert code == 1
            assert "rules.yaml:4:" in said
            assert "Traceback" not in said
            code, said = await ozrules(tmp_path, "status")
            assert code == 3
            assert "not ready" in said
            refused = one.of("reload", ok=False)[0]
            assert refused["revision"] == one.of("reload")[0]["revision"]
            system.call(CallPlan(caller="+36201234567", callee="2666"))
            await rings(one, "first")
            (tmp_path / "rules.yaml").write_text(SECOND)
            assert (await ozrules(tmp_path, "reload"))[0] == 0
            assert (await ozrules(tmp_path, "status"))[0] == 0
            assert await one.stop() == 0


async def test_a_configuration_that_is_wrong_is_no_reason_to_forget_the_one_that_holds(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, FIRST)
        async with daemon(tmp_path) as one:
            await one.ready()
            whole = (tmp_path / "ozrules.yaml").read_text()
            configure(tmp_path, system.url, FIRST, modus="enforce")
            code, said = await ozrules(tmp_path, "reload")
            assert code == 1
            assert "unknown-key" in said
            (tmp_path / "ozrules.yaml").write_text(whole)
            assert (await ozrules(tmp_path, "reload"))[0] == 0
            system.call(CallPlan(caller="+36201234567", callee="2666"))
            await rings(one, "first")
            assert await one.stop() == 0


@pytest.mark.fault(61)
async def test_wrong_rules_at_the_start(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, WRONG)
        async with daemon(tmp_path) as one:
            assert await one.exit() == 78
            await one.error("unknown-state")
        (tmp_path / "rules.yaml").write_text(FIRST)
        async with daemon(tmp_path) as one:
            await one.ready()
            assert await one.stop() == 0
        (tmp_path / "rules.yaml").write_text(WRONG)
        async with daemon(tmp_path) as one:
            await one.ready()
            await one.error("last good")
            assert (await ozrules(tmp_path, "status"))[0] == 3
            system.call(CallPlan(caller="+36201234567", callee="2666"))
            await rings(one, "first")
            assert await one.stop() == 0


@pytest.mark.fault(75)
async def test_a_rule_that_is_taken_away_while_the_daemon_is_down_ends_its_timer_and_says_so(tmp_path: Path) -> None:
    waits = FIRST + "  - {id: waits, trigger: {state: Ringing, for: 1h}, actions: [{log: late}]}\n"
    async with phones() as system:
        configure(tmp_path, system.url, waits)
        async with daemon(tmp_path) as one:
            await one.ready()
            system.call(CallPlan(caller="+36201234567", callee="2666"))
            await rings(one, "first")
            assert await one.stop(signal.SIGKILL) == -signal.SIGKILL
        (tmp_path / "rules.yaml").write_text(FIRST)
        async with daemon(tmp_path) as one:
            [ended] = await one.saw("decision", rule="waits")
            assert ended["reason"] == "ruleRemoved"
            assert ended["event"]["due"]
            assert await one.stop() == 0


@pytest.mark.fault(62)
async def test_a_file_that_is_still_being_written_is_left_alone(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, FIRST)
        async with daemon(tmp_path) as one:
            await one.ready()
            with (tmp_path / "rules.yaml").open("w") as file:
                for letter in SECOND:
                    file.write(letter)
                    file.flush()
                    await asyncio.sleep(0.01)  # a slow writer: this is the case, not a wait for the daemon
            await one.saw("reload", ok=True, rules=1, who={"by": "changed files"})
            assert one.of("reload", ok=False) == []
            assert await one.stop() == 0


def _renamed(path: Path, text: str) -> None:
    other = path.with_suffix(".new")
    other.write_text(text)
    other.replace(path)


def _replaced(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def _kept_its_times(path: Path, text: str) -> None:
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _swapped_link(path: Path, text: str) -> None:
    data = path.parent / "..data"
    folder = path.parent / f"..{len(list(path.parent.iterdir()))}"
    folder.mkdir()
    (folder / path.name).write_text(text)
    fresh = path.parent / "..fresh"
    fresh.symlink_to(folder.name)
    fresh.replace(data)
    if not path.is_symlink():
        path.unlink()
        path.symlink_to(f"..data/{path.name}")


@pytest.mark.fault(63)
async def test_every_way_of_saving_is_noticed_and_loaded_once(tmp_path: Path) -> None:
    ways: list[Callable[[Path, str], None]] = [_renamed, _replaced, _kept_its_times, _swapped_link, _swapped_link]
    async with phones() as system:
        configure(tmp_path, system.url, FIRST)
        async with daemon(tmp_path) as one:
            await one.ready()
            for number, save in enumerate(ways, 1):
                save(tmp_path / "rules.yaml", FIRST.replace("first", f"rule-{number}"))
                await one.saw("reload", number + 1)
            assert await one.stop() == 0
    assert [line["ok"] for line in one.of("reload")] == [True] * (len(ways) + 1)


@pytest.mark.fault(76)
async def test_a_storm_of_signals_is_a_few_reloads(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, FIRST)
        async with daemon(tmp_path) as one:
            await one.ready()
            for _ in range(2_000):
                one.process.send_signal(signal.SIGHUP)
            assert (await ozrules(tmp_path, "reload"))[0] == 0
            assert len(one.of("reload")) < 50
            assert await one.stop() == 0


async def test_what_needs_a_restart_is_said_and_the_rest_holds(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, FIRST)
        async with daemon(tmp_path) as one:
            await one.ready()
            configure(tmp_path, system.url, SECOND, mode="observe", state="elsewhere", control="state/control")
            code, said = await ozrules(tmp_path, "reload")
            assert code == 0
            assert "state has changed: it holds only after a restart" in said
            code, said = await ozrules(tmp_path, "status", "--format", "json")
            assert '"mode": "observe"' in said
            assert await one.stop() == 0


TALKS = CallPlan(caller="+36201234567", callee="2001", answers_after=0.5, talk=600.0)
LONG = """
ozrules: 1
defaults: {country: HU, timezone: Europe/Budapest}
schedules:
  officeHours: {times: ["00:00-24:00"]}
rules:
  - id: long-talk
    trigger: {state: InCall, for: 1h}
    conditions: {schedule: {during: officeHours}}
    actions: [{log: a long talk}]
  - id: later
    trigger: {state: InCall}
    actions:
      - log: begun
      - wait: 6s
      - choose:
          - if: {schedule: {during: officeHours}}
            then: [{log: open}]
          - else: [{log: closed}]
"""
OTHERS = """
ozrules: 1
rules:
  - {id: note, trigger: {state: Error}, actions: [{log: an error}]}
"""


@pytest.mark.fault(75)
@pytest.mark.parametrize("restarted", [False, True])
async def test_what_a_reload_takes_away_ends_the_waits_and_not_the_daemon_nor_what_is_under_way(
    tmp_path: Path, restarted: bool
) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, LONG)
        async with daemon(tmp_path) as one:
            await one.ready()
            system.call(TALKS)
            await one.saw("log", rule="later")
            (tmp_path / "rules.yaml").write_text(OTHERS)
            assert (await ozrules(tmp_path, "reload"))[0] == 0
            [ended] = await one.saw("decision", rule="long-talk", reason="ruleRemoved")
            assert ended["event"]["due"]
            if not restarted:
                await one.saw("log", 2, rule="later")
            assert await one.stop(signal.SIGKILL if restarted else signal.SIGTERM) in (0, -signal.SIGKILL)
        async with daemon(tmp_path) as two:
            await two.ready()
            if restarted:
                await two.saw("log", rule="later")
            assert await two.stop() == 0
    said = [line["text"] for line in [*one.of("log"), *two.of("log")]]
    assert said == ["begun", "open"]
