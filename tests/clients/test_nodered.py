"""Node-RED, a whole tool: its e-mail node by SMTP, its HTTP request node in SendGrid's dialect."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.house import CASES, HERE, KEY, SECRET, Served
from tests.clients.installed import node_folder
from tests.tools import need

START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class NodeRed:
    """A running Node-RED; what it logs stands in `log`."""

    port: int
    log: Path

    def post(self, path: str, body: Any) -> Any:
        """What a flow answers."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return json.loads(answer.read())


@pytest.fixture(scope="module")
def red(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeRed]:
    """Node-RED with the flow of `nodered/`."""
    folder, installed = tmp_path_factory.mktemp("nodered"), node_folder()
    for name in ("flows.json", "settings.js"):
        shutil.copy(HERE / "nodered" / name, folder / name)
    (folder / "flows_cred.json").write_text(json.dumps({"mail": {"userid": "tool", "password": SECRET}}))
    (folder / "package.json").write_text('{"dependencies": {"node-red-node-email": "*"}}')
    (folder / "node_modules").symlink_to(installed / "node_modules")
    port = _free_port()
    environment = {
        **os.environ,
        "NODE_RED_PORT": str(port),
        "SMTP_PORT": str(served.gateway.smtp_port),
        "HOME": str(folder),
        "NO_PROXY": "*",
    }
    log = folder / "log.txt"
    command = [need("node", "nodejs"), "node_modules/node-red/red.js", "-u", str(folder), "-s", "settings.js"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out)
    try:
        _wait(process, port, log)
        yield NodeRed(port, log)
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/mail", timeout=5)
        except urllib.error.HTTPError:  # the flow is there and takes only POST
            if "Started flows" in log.read_text():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"Node-RED did not start\n{log.read_text()[-2000:]}")


@pytest.mark.parametrize("case", CASES)
def test_the_email_node(red: NodeRed, case: str) -> None:
    class_, people, word = CASES[case]
    before = len(red.log.read_text())
    headers = {"X-Galateo-Class": class_, "X-Galateo-Purpose": "newsletter"}
    letter = {
        "to": people,
        "from": "news@acme.test",
        "subject": "Your order",
        "text": "Your order 12 left today.",
    }
    seen = red.post("/mail", {**letter, "headers": headers})
    if case == "refused":
        assert seen["ok"] is False
        assert "550 5.7.1" in seen["error"]
        assert word in seen["error"]
    else:
        assert seen == {"ok": True}
        assert word in red.log.read_text()[before:]


@pytest.mark.parametrize("case", CASES)
def test_the_http_node(served: Served, red: NodeRed, case: str) -> None:
    class_, people, word = CASES[case]
    body = {
        "personalizations": [{"to": [{"email": one}]} for one in people],
        "from": {"email": "news@acme.test"},
        "subject": "Your order",
        "content": [{"type": "text/plain", "value": "Your order 12 left today."}],
        "headers": {"X-Galateo-Class": class_, "X-Galateo-Purpose": "newsletter"},
    }
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": f"nodered-{case}"}
    given = {"url": f"{served.url}/v3/mail/send", "headers": headers, "body": body}
    seen = red.post("/post", given)
    if case == "refused":
        assert seen["status"] == 403
        assert word in seen["body"]
        return
    assert (seen["status"], len(seen["id"])) == (202, 26)
    assert red.post("/post", given)["id"] == seen["id"]
