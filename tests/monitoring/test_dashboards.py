"""The dashboards: drawn from their tables, sound in Grafana's own types, and asking for what there is."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard as grafana

from gateway.metrics import Metrics
from tests.monitoring.expressions import DASHBOARDS, ROOT, alerts, panels, selectors

SUFFIXES = ("_total", "_bucket", "_count", "_sum", "_info", "")
# In the order of issue of the four: what each must show.
PROMISED = {
    "compliance": {
        "consent_grade",
        "galateo_violations_total",
        "galateo_held_messages",
        "galateo_holds_by_age",
        "galateo_oldest_hold_seconds",
        "galateo_review_seconds",
        "galateo_reviews_total",
        "galateo_unsubscribes_total",
        "galateo_complaints_total",
    },
    "outreach": {
        "galateo_replies_total",
        "galateo_conversations_started_total",
        "galateo_accepted_by_stage_total",
        "galateo_reply_answer_seconds",
        "galateo_unanswered_replies",
        "galateo_messages_per_person",
        "galateo_copied_share",
        "galateo_sequence_step",
    },
    "operations": {
        "galateo_messages_total",
        "galateo_accept_seconds",
        "galateo_delivery_seconds",
        "galateo_outbox_messages",
        "galateo_oldest_outbox_seconds",
        "galateo_commit_seconds",
        "galateo_batch_messages",
        "galateo_relay_up",
        "galateo_database_up",
    },
    "policies": {'mode="observe"', "galateo_policy_info", "galateo_policy_files_refused"},
}


@pytest.fixture(params=DASHBOARDS, ids=lambda file: file.stem)
def board(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request.param.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def names() -> set[str]:
    """Every name that the gateway's registry knows, with the suffixes of its type."""
    return {
        name for family in Metrics().registry.collect() for name in (family.name + end for end in SUFFIXES)
    }


def test_the_four_are_there() -> None:
    assert {file.stem for file in DASHBOARDS} == set(PROMISED)


def test_they_are_what_the_tables_say() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "helm" / "build_dashboards.py", "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_changed_file_is_found_stale(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build = _load_build()
    (tmp_path / "dashboards").mkdir()
    for each in DASHBOARDS:
        text = each.read_text(encoding="utf-8")
        (tmp_path / "dashboards" / each.name).write_text(text.replace("p95", "p96") if each == file else text)
    monkeypatch.setattr(build, "HERE", tmp_path)
    changed = "p95" in file.read_text(encoding="utf-8")
    assert build.main(["--check"]) == int(changed)
    assert (file.name in capsys.readouterr().err) == changed


def test_grafanas_types_read_it_and_write_it_again(board: dict[str, Any]) -> None:
    register_default_plugins()
    again = json.loads(json.dumps(grafana.Dashboard.from_json(board), cls=JSONEncoder))
    assert again["uid"] == board["uid"]
    assert again == board


def test_every_panel_explains_itself(board: dict[str, Any]) -> None:
    for panel in panels(board):
        where = panel["title"]
        assert len(panel["description"]) > 30, where
        assert panel["links"], where
        assert all(
            link["url"].startswith(("${console}/", "${runbooks}/", "/d/")) for link in panel["links"]
        ), where
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"], where
        assert defaults["thresholds"]["steps"][0]["value"] is None, where
        assert panel["targets"], where
        assert panel["datasource"]["uid"] == "${datasource}", where


def test_links_lead_somewhere(board: dict[str, Any]) -> None:
    uids = {json.loads(file.read_text())["uid"] for file in DASHBOARDS}
    for panel in panels(board):
        for link in panel["links"]:
            kind, _, page = link["url"].partition("}/")
            if kind == "${runbooks":
                assert (ROOT / "docs" / "runbooks" / page).exists(), page
            elif link["url"].startswith("/d/"):
                assert link["url"].removeprefix("/d/") in uids


def test_what_may_be_chosen(board: dict[str, Any]) -> None:
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert set(variables) == {"datasource", "source", "channel", "class", "console", "runbooks"}
    for label in ("source", "channel", "class"):
        assert variables[label]["query"] == f"label_values(galateo_messages_total, {label})"
        assert variables[label]["includeAll"]
        assert variables[label]["multi"]


def test_panels_do_not_overlap_and_have_numbers_of_their_own(board: dict[str, Any]) -> None:
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_they_show_what_was_promised(file: Path) -> None:
    text = json.dumps([panel["targets"] for panel in panels(json.loads(file.read_text()))])
    assert {
        name for name in PROMISED[file.stem] if name.replace('"', '\\"') not in text.replace("\\\\", "\\")
    } == set()


def test_shares_of_what_policies_saw_leave_out_who_was_refused_before() -> None:
    """At RCPT no policy is asked: whoever is refused there violated none, and has no class."""
    asked = {
        panel["title"]: panel["targets"][0]["expr"]
        for file in DASHBOARDS
        for panel in panels(json.loads(file.read_text()))
    }
    for title in ("Refused or held, by class", "Observed objections per hundred decisions"):
        assert 'class!="unknown"' in asked[title]


def test_nobody_asks_for_open_rates() -> None:
    for file in DASHBOARDS:
        text = file.read_text().lower()
        assert "open rate" not in text
        assert "pixel" not in text


def test_every_metric_asked_for_exists(names: set[str]) -> None:
    exprs = [rule["expr"] for rule in alerts()]
    for file in DASHBOARDS:
        exprs += [
            target["expr"] for panel in panels(json.loads(file.read_text())) for target in panel["targets"]
        ]
    asked = {selector.partition("{")[0] for expr in exprs for selector in selectors(expr)}
    assert {name for name in asked if name.startswith("galateo_")} - names == set()


def test_the_documentation_lists_every_metric() -> None:
    text = (ROOT / "docs" / "dashboards.md").read_text(encoding="utf-8")
    families = {f.name for f in Metrics().registry.collect() if f.name.startswith("galateo_")}
    assert {name for name in families if f"`{name}" not in text} == set()
    for rule in alerts():
        assert f"`{rule['alert']}`" in text


def _load_build() -> Any:
    spec = importlib.util.spec_from_file_location("build_dashboards", ROOT / "helm" / "build_dashboards.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
