"""A real Prometheus that scrapes one gateway every second, and what it answers."""

import json
import math
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.tools import need

RULES = Path(__file__).resolve().parents[2] / "helm" / "rules.yaml"
CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: galateo
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Prometheus:
    """Started by `with`, on a port of its own, with its data in `folder`."""

    def __init__(self, folder: Path, scraped_port: int) -> None:
        self._folder = folder
        self._program = need("prometheus")
        (folder / "prometheus.yml").write_text(CONFIG.format(rules=RULES, port=scraped_port))
        self.port = 0

    def __enter__(self) -> Self:
        for _ in range(5):
            self.port = _free_port()
            with (self._folder / "prometheus.log").open("wb") as log:
                self._process = subprocess.Popen(
                    [
                        self._program,
                        f"--config.file={self._folder / 'prometheus.yml'}",
                        f"--storage.tsdb.path={self._folder / 'tsdb'}",
                        f"--web.listen-address=127.0.0.1:{self.port}",
                    ],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            if self._wait():
                return self
        raise AssertionError((self._folder / "prometheus.log").read_text())

    def _wait(self) -> bool:
        """Whether it became ready; False where somebody else took the port meanwhile."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2):
                    return True
            except OSError:
                time.sleep(0.05)
        return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def ask(self, path: str, **parameters: str) -> Any:
        """The `data` of an API answer; an AssertionError with its text where it is an error."""
        query = urllib.parse.urlencode(parameters).encode() or None
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/api/v1/{path}", data=query, timeout=20
            ) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from None

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series of an expression that have a number now."""
        found = self.ask("query", query=expr)
        assert found["resultType"] in {"vector", "scalar"}, expr
        series = found["result"] if found["resultType"] == "vector" else [{"value": found["result"]}]
        return [one for one in series if not math.isnan(float(one["value"][1]))]

    def scrapes(self) -> int:
        """How often it has scraped the gateway with success within the last minutes."""
        found = self.query("sum(sum_over_time(up[10m]))")
        return round(float(found[0]["value"][1])) if found else 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
