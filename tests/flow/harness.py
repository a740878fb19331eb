"""A real gateway and the world around it, for tests that go over real sockets.

    with Sink() as sink, Gateway(tmp_path, relay=sink.url) as gateway:
        gateway.consents([consent("anna@example.org")])
        with Client(gateway.smtp_port) as client:
            reply = client.send("news@example.com", ["anna@example.org"], message)
        assert reply.code == 250
        [delivered] = sink.wait(1)

`Gateway` is `galateo serve` as a process of its own, in a folder of its own, on ephemeral ports.
`Sink` (an SMTP relay that records) and `Target` (a webhook target that records) live in threads of
the test's process, so blocking and asynchronous tests may both use them. `Client` sends exactly the
bytes it is given, which smtplib does not.
"""

import base64
import csv
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.flow.recorders import Delivery, Request, Sink, Target

__all__ = ["ROOT", "Answer", "Client", "Delivery", "Gateway", "Reply", "Request", "Sink", "Target"]
__all__ += ["CONSENT_COLUMNS", "WEBHOOK_SECRET", "consent", "eventually", "mail", "policies", "stuff"]

ROOT = Path(__file__).resolve().parents[2]
CONSENT_COLUMNS = (
    "address",
    "channel",
    "purpose",
    "controller",
    "action",
    "at",
    "wording",
    "wording_version",
)
CONSENT_COLUMNS += (
    "language",
    "form_url",
    "ip",
    "user_agent",
    "confirmed_at",
    "confirmed_ip",
    "basis",
    "source",
)
CONSENT_COLUMNS += ("contract",)
START_SECONDS = 60.0
LISTENERS = ("smtp", "http", "ops")
WEBHOOK_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class Gateway:
    """`galateo serve` with its state in `folder`; start it by `with` or `start()`.

    `relay` and `webhook_relay` are where deliveries go; `policies` is a folder (default: the shipped
    ones); `access` is an access.yaml, without which it runs in development mode. `settings` are
    further GALATEO_* variables without the prefix; `environment` goes to the process as it is
    (LD_PRELOAD and the like). `smtp_port`, `http_port`, `ops_port` and `pid` are valid while it runs
    and change at a restart; the port of a listener that is off is 0. What it said is in
    `folder`/stdout.log and stderr.log.
    """

    smtp_port = http_port = ops_port = 0
    words: tuple[str, ...] = ()

    def __init__(
        self,
        folder: Path,
        *,
        relay: str,
        webhook_relay: str = "",
        policies: Path | None = None,
        access: Path | None = None,
        settings: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.settings = {
            "SMTP_LISTEN": "127.0.0.1:0",
            "HTTP_LISTEN": "127.0.0.1:0",
            "OPS_LISTEN": "127.0.0.1:0",
            "DATABASE": f"sqlite:///{folder / 'galateo.db'}",
            "KEYS": str(folder / "keys"),
            "POLICIES": str(policies or ROOT / "policies"),
            "RELAY": relay,
            **({"WEBHOOK_RELAY": webhook_relay, "WEBHOOK_SECRET": WEBHOOK_SECRET} if webhook_relay else {}),
            **({"ACCESS": str(access)} if access else {"DEVELOPMENT": "1"}),
            **(settings or {}),
        }
        self.environment = dict(environment or {})
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until it says that it is ready."""
        log = self.folder / "stdout.log"
        with log.open("ab") as out, (self.folder / "stderr.log").open("ab") as err:
            seen = out.tell()
            self.process = subprocess.Popen(
                [*GALATEO, "serve", *self.words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.folder,
                env=self._environment(),
            )
        try:
            ready = self._ready(log, seen)
        except BaseException:
            self.kill()
            raise
        self.smtp_port, self.http_port, self.ops_port = (_port(ready.get(name)) for name in LISTENERS)
        return self

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self.process is not None
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether the process is still there."""
        return self.process is not None and self.process.poll() is None

    def stop(self, timeout: float = 20.0) -> int:
        """End it politely (SIGTERM) and return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def restart(self) -> Self:
        """Start it again on the same state, after `stop` or `kill`."""
        return self.start()

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `galateo WORDS...` with the same settings; with `check`, a failing exit code raises."""
        done = subprocess.run(
            [*GALATEO, *words],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=self.folder,
            env=self._environment(),
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(
                f"galateo {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    def consents(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Import consent events (see `consent`) through the command line."""
        path = self.folder / f"consents-{time.monotonic_ns()}.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, CONSENT_COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        self.command("consents", "import", str(path))

    def holds(self) -> list[dict[str, Any]]:
        """What `galateo holds list --json` says."""
        found = json.loads(self.command("holds", "list", "--json").stdout)
        return found["holds"] if isinstance(found, dict) else found

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        ops: bool = False,
    ) -> "Answer":
        """One HTTP request to the ingest listener, or with `ops` to the other. A body that is not
        bytes is sent as JSON."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.ops_port if ops else self.http_port, timeout=30
        )
        given = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            given.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body=body, headers=given)
            got = connection.getresponse()
            return Answer(got.status, dict(got.getheaders()), got.read())
        finally:
            connection.close()

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels; 0 when there are none."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        total = 0.0
        for line in self.request("GET", "/metrics", ops=True).body.decode().splitlines():
            sample = re.fullmatch(rf"{re.escape(name)}(\{{.*\}})? (\S+)( \d+)?", line)
            if sample and all(label in (sample[1] or "") for label in wanted):
                total += float(sample[2])
        return total

    def said(self) -> str:
        """Everything the gateway wrote to stdout and stderr so far."""
        return "".join(
            (self.folder / name).read_text(errors="replace") for name in ("stdout.log", "stderr.log")
        )

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GALATEO_")}
        return kept | {f"GALATEO_{key}": value for key, value in self.settings.items()} | self.environment

    def _ready(self, log: Path, seen: int) -> dict[str, str]:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with log.open("rb") as file:
                file.seek(seen)
                for line in file.read().splitlines():
                    if b'"ready"' in line and line.endswith(b"}"):
                        return json.loads(line)
            if not self.running:
                break
            time.sleep(0.02)
        raise AssertionError(f"the gateway did not become ready\n{self.said()[-4000:]}")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.running and kind is None:
            self.stop()
        else:
            self.kill()


GALATEO = (sys.executable, "-m", "gateway")


class Answer(NamedTuple):
    """What came back over HTTP; `json()` reads the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP reply: its code and its text, lines joined by a line feed."""

    code: int
    text: str

    @property
    def id(self) -> str:
        """The message id that the gateway gave, after the enhanced status code; "" without one."""
        words = self.text.split()
        return words[1] if len(words) > 1 else ""

    @property
    def outcome(self) -> str:
        """accepted, held, mixed, rejected or deferred, as DESIGN section 5 writes them."""
        if self.code >= 400:
            return "rejected" if self.code >= 500 else "deferred"
        words = self.text.split()
        return "mixed" if words[3:] and words[3].rstrip(",").isdigit() else (words[2:] or ["accepted"])[0]

    @property
    def counts(self) -> dict[str, int]:
        """How many recipients each outcome had, as a mixed reply gives them."""
        return {
            word: int(number) for word, number in re.findall(r"(accepted|held|rejected) (\d+)", self.text)
        }


class Client:
    """One SMTP session that sends what it is given, byte for byte. A lost connection is a ConnectionError.
    `welcome` is the reply to EHLO, or a greeting that turns away."""

    def __init__(
        self, port: int, *, host: str = "127.0.0.1", timeout: float = 30.0, greet: bool = True
    ) -> None:
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        if not greet:
            return
        try:
            self.welcome = self.reply()
            if self.welcome.code < 400:
                self.welcome = self.command("EHLO client.example")
        except BaseException:
            self.close()
            raise

    def reply(self) -> Reply:
        """Read one reply, of however many lines."""
        lines = []
        while True:
            line = self.file.readline()
            if not line.endswith(b"\n"):
                raise ConnectionError("the server closed the connection")
            lines.append(line[4:].strip().decode(errors="replace"))
            if line[3:4] != b"-":
                return Reply(int(line[:3]), "\n".join(lines))

    def write(self, octets: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(octets)

    def command(self, line: str | bytes) -> Reply:
        """Send one line and read the reply to it."""
        self.write((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return self.reply()

    def send(self, sender: str, recipients: Sequence[str], message: bytes, *, parameters: str = "") -> Reply:
        """One transaction; the first refusal of MAIL, of all recipients, or the reply to the message."""
        answer = self.command(f"MAIL FROM:<{sender}>{parameters}")
        if answer.code >= 400:
            return answer
        answers = [self.command(f"RCPT TO:<{recipient}>") for recipient in recipients]
        if answers[-1].code == 421:
            return answers[-1]
        if all(each.code >= 400 for each in answers):
            self.command("RSET")
            return answers[0]
        answer = self.command("DATA")
        if answer.code != 354:
            return answer
        self.write(stuff(message))
        return self.reply()

    def close(self) -> None:
        """Hang up without QUIT."""
        self.file.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def stuff(message: bytes) -> bytes:
    """A message as DATA carries it: leading dots doubled, the final dot added (RFC 5321, 4.5.2)."""
    body = message.replace(b"\r\n.", b"\r\n..")
    body = b"." + body if body.startswith(b".") else body
    return body + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n")


def mail(
    text: str, *, sender: str, to: str, subject: str = "Una nota", number: int | str = 0, **headers: str
) -> bytes:
    """A plain text message with CRLF line ends; further headers by keyword, `_` for `-`."""
    lines = [
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {subject}",
        f"Message-ID: <{number}.{time.monotonic_ns()}@client.example>",
        "Date: Mon, 16 Nov 2026 09:30:00 +0100",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", *text.splitlines(), ""]).encode()


def consent(address: str, **given: str) -> dict[str, str]:
    """A row for `Gateway.consents`: a double opt-in to the newsletter, but for what is given."""
    return {
        "address": address,
        "channel": "email",
        "purpose": "newsletter",
        "controller": "default",
        "action": "granted",
        "at": "2026-03-02T10:00:00Z",
        "wording": "Yes, send me the monthly newsletter.",
        "wording_version": "3",
        "language": "en",
        "form_url": "https://www.example.com/newsletter",
        "ip": "192.0.2.10",
        "user_agent": "Mozilla/5.0",
        "confirmed_at": "2026-03-02T10:05:00Z",
        "confirmed_ip": "192.0.2.10",
        "basis": "consent",
        "source": "website",
        "contract": "",
        **given,
    }


def policies(folder: Path, *documents: str) -> Path:
    """A folder of just these policies, with the shipped lexicons and jurisdictions."""
    folder.mkdir()
    for name in ("lexicons", "jurisdictions"):
        shutil.copytree(ROOT / "policies" / name, folder / name)
    for number, document in enumerate(documents):
        (folder / f"{number}.yaml").write_text(document)
    return folder


def eventually(holds: Callable[[], Any], timeout: float = 10.0, what: str = "it") -> Any:
    """The first true answer of `holds`, asked every 20 ms; an AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (answer := holds()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come to hold within {timeout:g} s")
        time.sleep(0.02)
    return answer


def _port(address: str | None) -> int:
    return int(address.rpartition(":")[2]) if address else 0
