"""The metrics: in Prometheus' words, with the numbers that were measured, and nothing of a caller in them."""

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ozrules.engine.events import RulesReplaced
from ozrules.rules.model import RuleSet
from ozrules.web.metrics import Exposition, WebFigures
from tests.engine.forge import enters, forward, rule, rules
from tests.fakes.source import FakeSource
from tests.runtime.desk import desk
from tests.web.stage import served

LABELS = {"connection", "kind", "rule", "reason", "action", "outcome", "queue", "result", "version", "mode", "le"}
CALLER, NAME = "+36209990001", "Canary Caller"


def _text(source: FakeSource, accept: str = "") -> str:
    body, _ = Exposition(source, WebFigures()).write(accept)
    return body.decode()


def _values(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def _worked() -> FakeSource:
    """A daemon that has forwarded a call."""
    source = FakeSource()
    async with desk(rules(rule("no-answer", enters("Ringing", hold=20.0), forward("2010")))) as one:
        await one.connect()
        await one.see("Ringing", caller=CALLER, callerDisplayName=NAME)
        await one.clock.advance(20.0)
        await one.clock.advance(0.3)
        await one.see("Redirected", caller=CALLER, callerDisplayName=NAME)
        source.measures = one.measures
    return source


async def test_the_numbers_are_those_that_were_measured() -> None:
    values = _values(_text(await _worked()))
    assert values["ozrules_decisions_total", (("reason", "fired"), ("rule", "no-answer"))] == 1
    assert values["ozrules_events_total", (("connection", "office"), ("kind", "created"))] == 1
    assert values["ozrules_actions_total", (("action", "forward"), ("outcome", "confirmed"))] == 1
    assert values["ozrules_command_to_proof_seconds_bucket", (("le", "0.25"),)] == 0
    assert values["ozrules_command_to_proof_seconds_bucket", (("le", "0.5"),)] == 1
    assert values["ozrules_command_to_proof_seconds_bucket", (("le", "+Inf"),)] == 1
    assert values["ozrules_command_to_proof_seconds_sum", ()] == pytest.approx(0.3)
    assert values["ozrules_ready", ()] == 1
    assert values["ozrules_tolerated_total", (("kind", "duplicate"),)] == 2


@pytest.mark.fault(97)
async def test_no_label_says_who_called() -> None:
    text = _text(await _worked())
    assert CALLER not in text
    assert NAME not in text
    assert "2010" not in text
    found = {
        label
        for family in text_string_to_metric_families(text)
        if family.name.startswith("ozrules_")
        for sample in family.samples
        for label in sample.labels
    }
    assert found <= LABELS


async def test_names_follow_the_conventions() -> None:
    """https://prometheus.io/docs/practices/naming/: a prefix, base units, _total on what only grows."""
    for family in text_string_to_metric_families(_text(await _worked())):
        if not family.name.startswith("ozrules"):
            assert family.name.startswith(("process_", "python_gc_"))
            continue
        assert family.documentation.endswith(".")
        assert not family.name.endswith(("_ms", "_milliseconds", "_count", "_sum"))
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples)
        if family.type == "histogram":
            assert family.name.endswith("_seconds")


def test_openmetrics_is_spoken_to_who_asks_for_it() -> None:
    text = _text(FakeSource(), "application/openmetrics-text; version=1.0.0")
    assert text.endswith("# EOF\n")


def test_a_rule_of_any_name_makes_a_line_that_can_be_read() -> None:
    source = FakeSource()
    source.measures.decisions['quote"back\\slash\nline', "fired"] = 3
    source.measures.stepped(RulesReplaced(at=0.0, rules=RuleSet()), (), lambda: 0.0)
    labels = (("reason", "fired"), ("rule", 'quote"back\\slash\nline'))
    assert _values(_text(source))["ozrules_decisions_total", labels] == 3


async def test_a_scrape_over_http_says_what_it_is() -> None:
    async with served() as (stage, client), client.get(f"{stage.url}/metrics", headers=stage.bearer) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        assert "ozrules_web_clients 0.0" in await answer.text()


# --- what the documents name ----------------------------------------------------------------------------------------

DOCS = Path(__file__).parents[2] / "docs"
_METRIC = re.compile(r"\bozrules_[a-z_]+\b")


async def _exposed() -> set[str]:
    source = await _worked()
    source.measures.gaps["office"] += 1
    source.measures.reloads["accepted"] += 1
    return {
        sample.name
        for family in text_string_to_metric_families(_text(source))
        if family.name.startswith("ozrules")
        for sample in family.samples
    }


@pytest.mark.parametrize("name", ["grafana-dashboard.json", "prometheus-alerts.yaml"])
async def test_every_metric_that_is_drawn_or_watched_exists(name: str) -> None:
    named = set(_METRIC.findall((DOCS / name).read_text(encoding="utf-8")))
    assert named
    assert named <= await _exposed()


async def test_every_metric_is_described_and_every_description_is_of_one() -> None:
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    described = set(re.findall(r"`(ozrules_[a-z_]+)`", page))
    exposed = {re.sub(r"_(bucket|sum|count)$", "", name) for name in await _exposed()}
    assert described == exposed


def test_the_dashboard_for_grafana_has_panels_that_do_not_overlap() -> None:
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))
    seen: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & seen, panel["title"]
        assert all(0 <= x < 24 for x, _ in cells)
        seen |= cells


def test_promtool_accepts_the_alert_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (apt-get install prometheus)")
    rules = DOCS / "prometheus-alerts.yaml"
    done = subprocess.run([promtool, "check", "rules", rules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def test_promtool_finds_nothing_to_say_about_the_metrics() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (apt-get install prometheus)")
    lines = _text(await _worked()).splitlines(keepends=True)
    ours = "".join(line for line in lines if "ozrules" in line)
    done = await asyncio.to_thread(
        subprocess.run, [promtool, "check", "metrics"], input=ours, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("panel", json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"])
def test_promtool_can_read_every_question_of_the_dashboard(panel: dict[str, Any], tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (apt-get install prometheus)")
    asked = [target["expr"].replace("$instance", ".*") for target in panel["targets"]]
    rules = [{"record": f"asked:{number}", "expr": expression} for number, expression in enumerate(asked)]
    path = tmp_path / "rules.yaml"
    path.write_text(json.dumps({"groups": [{"name": "panel", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run([promtool, "check", "rules", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
