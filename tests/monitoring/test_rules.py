"""The alerts: sound for Prometheus, ringing when they should, each with a page that says what to do."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.monitoring.expressions import ROOT, RULES, alerts
from tests.tools import need

CASES = sorted(Path(__file__).parent.glob("rules_*_test.yaml"))
RUNBOOKS = ROOT / "docs" / "runbooks"
# What must ring, by the words of those who asked for it.
PROMISED = {
    "complaint rate": "GalateoComplaintRateHigh",
    "unanswered replies": "GalateoRepliesUnanswered",
    "holds past their SLA": "GalateoHoldsPastSla",
    "no reviewer active": "GalateoNoReviewer",
    "outbox growing": "GalateoOutboxGrowing",
    "relay down": "GalateoRelayDown",
    "policy load failed": "GalateoPoliciesRefused",
    "policy silent while traffic flows": "GalateoPolicySilent",
    "disk": "GalateoDiskFilling",
    "certificate expiry": "GalateoCertificateExpiring",
}


def promtool(*words: str | Path) -> str:
    done = subprocess.run(
        [need("promtool", "prometheus"), *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_reads_them() -> None:
    assert f"{len(alerts())} rules found" in promtool("check", "rules", RULES)


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_each_rings_when_it_should(file: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", file)


def test_each_is_tried_both_ways() -> None:
    tests = [test for file in CASES for test in YAML(typ="safe").load(file)["tests"]]
    ringing, silent = set(), set()
    for test in tests:
        for case in test.get("alert_rule_test", ()):
            (ringing if case["exp_alerts"] else silent).add(case["alertname"])
        for case in test.get("promql_expr_test", ()):
            ringing |= set(re.findall(r'alertname="(\w+)"', case["expr"]))
    names = {rule["alert"] for rule in alerts()}
    assert names - ringing == set()
    assert names - silent == set()


def test_each_is_tried_until_it_is_over() -> None:
    """Silent at a time after one at which it rang, in the same test."""
    over = set()
    for test in (test for file in CASES for test in YAML(typ="safe").load(file)["tests"]):
        rang: dict[str, float] = {}
        for case in test.get("promql_expr_test", ()):
            named = re.findall(r'alertname="(\w+)"', case["expr"] + str(case["exp_samples"]))
            rang |= {name: _minutes(case["eval_time"]) for name in named}
        for case in test.get("alert_rule_test", ()):
            name, at = case["alertname"], _minutes(case["eval_time"])
            if case["exp_alerts"]:
                rang[name] = at
            elif name in rang and at > rang[name]:
                over.add(name)
    assert {rule["alert"] for rule in alerts()} - over == set()


def _minutes(time: str) -> float:
    return float(time[:-1]) * {"m": 1, "h": 60}[time[-1]]


def test_what_was_promised_is_there() -> None:
    assert set(PROMISED.values()) <= {rule["alert"] for rule in alerts()}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_each_says_what_it_means_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"info", "warning", "critical"}
    assert rule["annotations"]["summary"]
    assert len(rule["annotations"]["description"]) > 40
    page = (ROOT / rule["annotations"]["runbook"]).read_text(encoding="utf-8")
    assert f"`{rule['alert']}`" in page
    for part in ("**What it means.**", "## Look", "## Do", "**It is over when**"):
        assert part in page, part


def test_every_runbook_belongs_to_an_alert() -> None:
    named = {Path(rule["annotations"]["runbook"]).name for rule in alerts()}
    assert {page.name for page in RUNBOOKS.glob("*.md")} == named


def test_runbooks_link_to_what_exists() -> None:
    for page in RUNBOOKS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
