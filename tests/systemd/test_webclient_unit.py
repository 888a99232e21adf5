"""The unit of the browser: real Chromium, closed in as shipped, between a web client interface and the daemon."""

import shutil

import pytest

from tests.e2e.stage import TOKEN
from tests.systemd.boot import Container, Standin, until
from tests.systemd.service import FORWARD, Service

BROWSER = "ozrules-webclient.service"
CONFIGURATION = """\
ozrules: 1
connections:
  - name: office
    type: ozeki-webclient
    server: 127.0.0.1
    script: http://127.0.0.1:{port}/WebphoneAPI
    token: {{credential: lab-token}}
    browser: external
    bridge: {{listen: 127.0.0.1:8790, token: {{credential: bridge}}}}
rules: [/etc/ozrules/rules.d/office.yaml]
"""
CREDENTIALS = """\
[Service]
LoadCredential=lab-token:/etc/ozrules/secrets/lab-token
LoadCredential=bridge:/etc/ozrules/secrets/bridge
"""


def _is_ready(container: Container) -> bool:
    return container.run("ozrules", "status", check=False).returncode == 0


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_a_call_goes_through_the_browser_in_its_own_unit(service: Service, container: Container) -> None:
    phone = Standin(container, "tests.systemd.webphones")
    try:
        container.write("/etc/ozrules/ozrules.yaml", CONFIGURATION.format(port=phone.port))
        container.write("/etc/ozrules/secrets/bridge", "bridge-token-71c0", 0o600)
        for unit in ("ozrules.service", BROWSER):
            container.write(f"/etc/systemd/system/{unit}.d/web.conf", CREDENTIALS)
        container.run("systemctl", "daemon-reload")
        container.run("systemctl", "start", "--no-block", "ozrules")
        container.run("systemctl", "start", BROWSER)
        until(lambda: phone.ask(ledger=True)["links"] == 1, "the web client is connected")
        until(lambda: service.state == "active", "the daemon is up")
        until(lambda: _is_ready(container), "it is connected through the browser")
        service.rules(FORWARD.format(after="1s"))
        service.ctl("reload")
        phone.call("+36201234567", "2666")
        until(lambda: phone.commands() == [("forward", "2010")], "the call is forwarded")
        pid = container.show(BROWSER, "MainPID")
        status = container.run("cat", f"/proc/{pid}/status").stdout
        assert "NoNewPrivs:\t1" in status
        assert "CapEff:\t0000000000000000" in status
        assert TOKEN not in container.run("ps", "-eo", "args").stdout
        container.run("systemctl", "stop", BROWSER)
        assert container.show(BROWSER, "Result") == "success"
        assert container.run("pgrep", "chromium", check=False).stdout == ""
    finally:
        phone.close()
        container.run("systemctl", "stop", BROWSER, check=False)
        for unit in ("ozrules.service", BROWSER):
            (container.root / f"etc/systemd/system/{unit}.d/web.conf").unlink(missing_ok=True)
