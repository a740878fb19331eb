"""What the dashboards and rules ask, read from the files that are shipped."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = sorted((ROOT / "helm" / "dashboards").glob("*.json"))
RULES = ROOT / "helm" / "rules.yaml"
SELECTOR = re.compile(r"\b((?:galateo|process)_[a-z0-9_]+)(\{[^}]*\})?")
# What Grafana puts in the place of its variables when everything is chosen, with windows that suit a test.
VARIABLES = {
    "$__rate_interval": "1m",
    "$__range": "2m",
    "$source": ".*",
    "$channel": ".*",
    "$class": ".*",
}


class Asked(NamedTuple):
    """An expression, and where it stands."""

    place: str
    expr: str


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every panel that shows something."""
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def dashboard_queries() -> list[Asked]:
    """Every query of every panel, with the variables filled in."""
    return [
        Asked(f"{file.stem}/{panel['title']}/{target['refId']}", fill(target["expr"]))
        for file in DASHBOARDS
        for panel in panels(json.loads(file.read_text(encoding="utf-8")))
        for target in panel["targets"]
    ]


def alerts() -> list[dict[str, Any]]:
    """Every rule."""
    groups = YAML(typ="safe").load(RULES)["groups"]
    return [rule for group in groups for rule in group["rules"]]


def fill(expr: str) -> str:
    """An expression as Grafana would send it."""
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    assert "$" not in expr, expr
    return expr


def selectors(expr: str) -> set[str]:
    """The metrics that an expression reads, with their label matchers."""
    return {name + (labels or "") for name, labels in SELECTOR.findall(expr)}
