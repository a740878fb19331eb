"""Mailman 3, a whole tool: a post to a list goes in by LMTP and out to its members through the gateway."""

import json
import os
import signal
import smtplib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.house import CASES, HERE, SECRET, Served
from tests.clients.installed import python

PATIENCE = 60.0
RUNNERS = ("archive", "bounces", "command", "digest", "nntp", "rest", "retry", "task", "virgin")
"""Those that stay off: a post takes the way in, pipeline, out."""
SETTINGS = """
[mailman]
layout: here
site_owner: admin@acme.test
[paths.here]
var_dir: {folder}/var
[mta]
incoming: mailman.mta.null.NullMTA
smtp_host: 127.0.0.1
smtp_port: {smtp}
smtp_user: tool
smtp_pass: {secret}
lmtp_host: 127.0.0.1
lmtp_port: {lmtp}
"""


class Mailman:
    """A running Mailman with a list for each case."""

    def __init__(self, folder: Path, smtp: int) -> None:
        self.folder = folder
        self.port = _free_port()
        settings = folder / "mailman.cfg"
        text = SETTINGS.format(folder=folder, smtp=smtp, secret=SECRET, lmtp=self.port)
        settings.write_text(text + "".join(f"[runner.{name}]\nstart: no\n" for name in RUNNERS))
        program = python()
        members = json.dumps({name: people for name, (_, people, _) in CASES.items()})
        command = [str(program), str(HERE / "python" / "mailman_lists.py"), str(settings), members]
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        with (folder / "out.txt").open("wb") as out:
            self.process = subprocess.Popen(
                [str(program.parent / "master"), "-C", str(settings)],
                cwd=folder,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Until it takes posts."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError((self.folder / "out.txt").read_text()[-2000:])

    def stop(self) -> None:
        """End it and its runners."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def post(self, case: str) -> None:
        """Post to the list of a case."""
        class_, _, _ = CASES[case]
        text = (
            f"From: news@acme.test\r\nTo: {case}@lists.acme.test\r\nSubject: Your order\r\n"
            f"Message-ID: <{case}@acme.test>\r\nX-Galateo-Class: {class_}\r\n"
            "X-Galateo-Purpose: newsletter\r\n\r\nYour order 12 left today.\r\n"
        )
        with smtplib.LMTP("127.0.0.1", self.port) as session:
            refused = session.sendmail("news@acme.test", [f"{case}@lists.acme.test"], text)
            assert refused == {}

    def said(self, log: str, case: str, words: str) -> str:
        """The line of a log that speaks of a post to the list of a case, once there is one."""
        deadline = time.monotonic() + PATIENCE
        path = self.folder / "var" / "logs" / log
        while time.monotonic() < deadline:
            for line in path.read_text().splitlines() if path.exists() else ():
                if f"<{case}@acme.test>" in line and words in line:
                    return line
            time.sleep(0.1)
        logs = {one.name: one.read_text()[-1500:] for one in path.parent.glob("*.log")}
        raise AssertionError(f"{log} says nothing of {case}\n{logs}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def mailman(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailman]:
    """Mailman, once the gateway runs."""
    running = Mailman(tmp_path_factory.mktemp("mailman"), served.gateway.smtp_port)
    try:
        running.wait()
        yield running
    finally:
        running.stop()


@pytest.mark.parametrize("case", ["accepted", "held", "mixed"])
def test_a_post_goes_out(served: Served, mailman: Mailman, case: str) -> None:
    outcome = {"accepted": "accepted", "held": "held", "mixed": "rejected"}[case]
    before = served.gateway.metric("galateo_messages_total", source="tool", outcome=outcome)
    mailman.post(case)
    people = len(CASES[case][1])
    assert mailman.said("smtp.log", case, f"for {people} recips")
    assert served.gateway.metric("galateo_messages_total", source="tool", outcome=outcome) == before + 1


def test_a_refused_post_is_a_failure_in_its_log(mailman: Mailman) -> None:
    mailman.post("refused")
    told = mailman.said("smtp.log", "refused", "delivery to bo@example.test failed with code 550")
    assert CASES["refused"][2] in told
