"""The unit under a real systemd: ready, reloaded, stuck, killed, misconfigured, stopped; and how closed it is."""

import json

import pytest

from tests.e2e.stage import TOKEN
from tests.systemd.boot import Container, Phones, until
from tests.systemd.service import BROKEN, FORWARD, RULES, STATE, Service


def test_it_is_ready_once_it_is_connected_and_the_calls_are_merged(service: Service, container: Container) -> None:
    container.run("systemctl", "start", "--no-block", "ozrules")
    until(lambda: "connection lab" in service.shows("StatusText"), "it says what it waits for")
    assert service.state == "activating"
    phones = Phones(container)
    try:
        until(lambda: service.state == "active", "it is ready")
        assert "ready" in service.ozrules("status")
        assert service.shows("StatusText").startswith("0 sessions, 0 waiting")
    finally:
        phones.close()


def test_a_rule_acts_and_the_journal_can_be_searched_for_it(service: Service, phones: Phones) -> None:
    service.start()
    phones.call("+36201234567", "2666")
    until(lambda: phones.commands() == [("forward", "2010")], "the call is forwarded")
    until(lambda: bool(service.said("OZ_TYPE=outcome")), "the outcome is in the journal")
    (decision,) = service.said("OZ_TYPE=decision", "OZ_RULE=to-desk")
    body = json.loads(decision["MESSAGE"])
    assert body["reason"] == "fired"
    assert decision["OZ_DECISION"] == body["decision_id"]
    assert decision["OZ_SESSION"] == body["sessionId"]
    assert decision["OZ_REVISION"] == body["revision"]
    assert decision["_SYSTEMD_UNIT"] == "ozrules.service"
    assert service.said(f"OZ_SESSION={body['sessionId']}", f"OZ_DECISION={body['decision_id']}")


def test_a_reload_waits_and_says_how_it_went(service: Service, phones: Phones) -> None:
    service.start()
    pid = service.pid
    service.rules(FORWARD.format(after="3s"))
    assert service.ctl("reload") == 0
    assert (service.state, service.pid) == ("active", pid)
    revision = json.loads(service.ozrules("status", "--format", "json"))["revision"]

    service.rules(BROKEN)
    assert service.ctl("reload", check=False) != 0
    assert (service.state, service.pid) == ("active", pid)
    assert f"{RULES}:4:5" in service.shows("StatusText")
    until(
        lambda: any(f"{RULES}:4:5" in one["MESSAGE"] for one in service.said("PRIORITY=3")), "the error in the journal"
    )
    status = json.loads(service.container.run("ozrules", "status", "--format", "json", check=False).stdout)
    assert (status["revision"], status["ready"]) == (revision, False)

    service.rules(FORWARD.format(after="3s"))
    assert service.ctl("reload") == 0
    assert service.state == "active"


@pytest.mark.fault(80)
def test_a_stuck_daemon_is_ended_by_the_watchdog_and_goes_on_with_its_timers(service: Service, phones: Phones) -> None:
    service.rules(FORWARD.format(after="9s"))
    service.start()
    pid = service.pid
    phones.call("+36201234567", "2666")
    until(lambda: "to-desk" in service.ozrules("sessions"), "the timer waits")
    service.container.run("kill", "-STOP", pid)
    service.came_back(pid)
    assert service.shows("NRestarts") == "1"
    assert any("Watchdog timeout" in one["MESSAGE"] for one in service.container.journal("ozrules.service"))
    assert any("Fatal Python error: Aborted" in str(one["MESSAGE"]) for one in service.said()), "no stack was dumped"
    until(lambda: phones.commands() == [("forward", "2010")], "the call is forwarded")
    until(lambda: bool(service.said("OZ_TYPE=outcome")), "the outcome is in the journal")
    assert phones.commands() == [("forward", "2010")]


@pytest.mark.fault(79)
def test_a_killed_daemon_comes_back_and_acts_once(service: Service, phones: Phones) -> None:
    service.rules(FORWARD.format(after="4s"))
    service.start()
    phones.call("+36201234567", "2666")
    until(lambda: "to-desk" in service.ozrules("sessions"), "the timer waits")
    for _ in range(2):
        pid = service.pid
        service.container.run("kill", "-KILL", pid)
        service.came_back(pid)
    until(lambda: bool(service.said("OZ_TYPE=outcome")), "the outcome is in the journal")
    assert phones.commands() == [("forward", "2010")]


@pytest.mark.fault(61)
def test_a_wrong_configuration_is_not_started_again(service: Service, phones: Phones) -> None:
    service.container.write("/etc/ozrules/ozrules.yaml", "ozrules: 1\nconections: []\n")
    assert service.ctl("start", check=False) != 0
    until(lambda: service.state == "failed", "it has failed")
    assert (service.shows("ExecMainStatus"), service.shows("NRestarts")) == ("78", "0")
    assert any("/etc/ozrules/ozrules.yaml:2:1" in str(one["MESSAGE"]) for one in service.said())


@pytest.mark.fault(61)
def test_wrong_rules_stop_a_first_start_and_no_later_one(service: Service, phones: Phones) -> None:
    service.rules(BROKEN)
    assert service.ctl("start", check=False) != 0
    assert service.shows("ExecMainStatus") == "78"
    service.rules(FORWARD.format(after="2s"))
    service.start()
    service.rules(BROKEN)
    service.ctl("restart")
    assert service.state == "active"
    assert f"{RULES}:4:5" in service.shows("StatusText")
    phones.call("+36201234567", "2666")
    until(lambda: phones.commands() == [("forward", "2010")], "the last good rules act")


@pytest.mark.fault(102)
def test_it_can_do_no_more_than_it_needs(service: Service, phones: Phones) -> None:
    service.container.run("ip", "address", "add", "192.0.2.1/32", "dev", "lo")
    service.start()
    facts = json.loads(service.container.run("cat", f"{STATE}/probe.json").stdout)
    service.container.run("ip", "address", "del", "192.0.2.1/32", "dev", "lo")
    assert 61184 <= facts["uid"] <= 65519
    assert facts["privileges"] == {"NoNewPrivs": "1", "Seccomp": "2", "CapEff": "0" * 16, "CapBnd": "0" * 16}
    assert facts["credential"] == TOKEN
    assert {what for what, answer in facts["refused"].items() if answer == "ALLOWED"} == set()
    assert facts["refused"]["another host"] != facts["this host"] == "Connection refused"
    assert facts["processes"] == []
    assert service.container.run("stat", "--format=%a", STATE).stdout.strip() == "700"
    score = service.container.run("systemd-analyze", "security", "--no-pager", "--threshold=12", "ozrules.service")
    assert "SAFE" in score.stdout.splitlines()[-1]


@pytest.mark.fault(78)
def test_it_stops_cleanly_and_its_state_stays(service: Service, phones: Phones) -> None:
    service.start()
    service.ctl("stop")
    assert (service.state, service.shows("Result"), service.shows("ExecMainStatus")) == ("inactive", "success", "0")
    assert service.container.run("test", "-s", f"{STATE}/journal.db").returncode == 0
    assert service.container.run("getent", "passwd", "ozrules", check=False).returncode != 0


@pytest.mark.fault(99)
def test_no_secret_is_in_the_journal(service: Service, phones: Phones) -> None:
    service.start()
    phones.call("+36201234567", "2666")
    until(lambda: phones.commands() == [("forward", "2010")], "the call is forwarded")
    assert TOKEN not in json.dumps(service.said())
    assert TOKEN not in service.container.run("systemctl", "show", "ozrules").stdout
