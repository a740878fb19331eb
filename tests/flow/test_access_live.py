"""The access file changes while a gateway serves: over real sockets, with sessions open."""

import base64
import contextlib
import http.client
import json
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.flow.harness import Answer, Client, Gateway, Reply, eventually, mail
from tests.flow.recorders import Sink, Target
from tests.postgres import server
from tests.store.test_serve import children, on
from tests.store.test_serve import gateway as on_postgres

_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HOOK = "whsec_" + base64.b64encode(bytes(range(32))).decode()
GONE = "421 4.7.0 What this source may do has changed"


def source(name: str, secret: str, **given: Any) -> dict[str, Any]:
    classes = {"classes": ["transactional"], "default_class": "transactional"}
    return {"name": name, "controller": "acme", "secret": _HASHER.hash(secret)} | classes | given


def reviewer(name: str, secret: str, role: str = "compliance") -> dict[str, Any]:
    return {"name": name, "role": role, "secret": _HASHER.hash(secret)}


class File:
    """An access file; YAML is a superset of JSON. Written beside and moved, as careful editors do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, *sources: dict[str, Any], reviewers: tuple[dict[str, Any], ...] = ()) -> None:
        said = {
            "controllers": [{"name": "acme", "jurisdiction": "it"}],
            "sources": sources,
            "reviewers": reviewers,
        }
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(said, indent=1))
        fresh.replace(self.path)


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "access.yaml")


@contextlib.contextmanager
def serving(tmp_path: Path, file: File, **given: Any) -> Iterator[Gateway]:
    with Sink() as sink, Gateway(tmp_path, relay=sink.url, access=file.path, **given) as gateway:
        yield gateway


def loaded(gateway: Gateway, times: int = 1, word: str = "access.loaded") -> None:
    eventually(lambda: gateway.said().count(f'"{word}"') >= times, timeout=30, what=word)


def sign_in(client: Client, name: str, secret: str) -> Reply:
    return client.command("AUTH PLAIN " + base64.b64encode(f"\0{name}\0{secret}".encode()).decode())


def letter(n: int = 0) -> tuple[str, list[str], bytes]:
    to = f"p{n}@example.org"
    raw = mail("Il vostro ordine 12 è partito oggi.", sender="orders@acme.example", to=to, number=n)
    return "orders@acme.example", [to], raw


def post(gateway: Gateway, token: str) -> Answer:
    body = {
        "channel": "email",
        "sender": {"addresses": [{"type": "email", "value": "orders@acme.example"}]},
        "recipient": {"addresses": [{"type": "email", "value": f"p{time.monotonic_ns()}@example.org"}]},
        "subject": "Ordine",
        "text": "Il vostro ordine 12 è partito oggi.",
    }
    return gateway.request("POST", "/v1/messages", body, {"Authorization": f"Bearer {token}"})


def test_a_key_is_rotated_while_sessions_are_open(tmp_path: Path, file: File) -> None:
    tool, other = source("tool", "leaked"), source("other", "own", from_domains=["acme.example"])
    file.write(tool, other)
    with (
        serving(tmp_path, file) as gateway,
        Client(gateway.smtp_port) as stays,
        Client(gateway.smtp_port) as idle,
        Client(gateway.smtp_port) as writing,
    ):
        assert sign_in(stays, "other", "own").code == 235
        assert sign_in(idle, "tool", "leaked").code == 235
        assert sign_in(writing, "tool", "leaked").code == 235
        assert idle.send(*letter(1)).code == 250
        sender, [to], raw = letter(2)
        for line in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>", "DATA"):
            assert writing.command(line).code < 400
        writing.write(raw)
        slow = begin_post(gateway, "tool:leaked")
        assert post(gateway, "tool:leaked").status != 401
        file.write(source("tool", "fresh"), other, source("more", "third"))
        loaded(gateway)
        answer = idle.command(f"MAIL FROM:<{sender}>")
        assert f"{answer.code} {answer.text}".startswith(GONE)
        with pytest.raises(ConnectionError):
            idle.command("NOOP")
        writing.write(b".\r\n")
        assert writing.reply().code == 421
        assert end_post(slow) == 401
        assert post(gateway, "tool:leaked").status == 401
        for name, secret, code in (
            ("tool", "leaked", 535),
            ("tool", "fresh", 235),
            ("more", "third", 235),
            ("other", "own", 235),
        ):
            assert post(gateway, f"{name}:{secret}").status == (401 if code == 535 else 202)
            with Client(gateway.smtp_port) as client:
                assert sign_in(client, name, secret).code == code
        assert stays.send(*letter(3)).code == 250
        # What a source may do is another from its next message on; its session goes on.
        file.write(source("tool", "fresh"), other | {"from_domains": ["elsewhere.example"]})
        loaded(gateway, 2)
        assert stays.send(*letter(4)).code == 550
        assert post(gateway, "more:third").status == 401
        file.write(source("tool", "fresh"))
        loaded(gateway, 3)
        assert stays.command(f"MAIL FROM:<{sender}>").code == 421
        assert gateway.metric("galateo_access_reloads_total", result="loaded") == 3
        assert gateway.metric("galateo_messages_total", source="more", outcome="accepted") == 1


def begin_post(gateway: Gateway, token: str) -> tuple[socket.socket, bytes]:
    """A request whose body takes its time; its last octets."""
    body = json.dumps({"channel": "email"}).encode()
    client = socket.create_connection(("127.0.0.1", gateway.http_port), 30)
    head = (
        f"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    client.sendall(head.encode() + body[:5])
    return client, body[5:]


def end_post(slow: tuple[socket.socket, bytes]) -> int:
    client, rest = slow
    client.sendall(rest)
    answer = http.client.HTTPResponse(client)
    answer.begin()
    client.close()
    return answer.status


class Browser:
    """A reviewer's browser: keeps the cookie."""

    def __init__(self, gateway: Gateway, name: str, secret: str) -> None:
        self.gateway = gateway
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = gateway.request(
            "POST", "/console/login", f"name={name}&secret={secret}".encode(), form, ops=True
        )
        self.signed_in = answer.status == 303
        self.cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]

    def get(self, path: str) -> Answer:
        return self.gateway.request("GET", path, headers={"Cookie": self.cookie}, ops=True)


def test_a_reviewer_is_removed_with_the_console_open(tmp_path: Path, file: File) -> None:
    tool = source("tool", "secret")
    ada, bruno = reviewer("ada", "one"), reviewer("bruno", "two")
    file.write(tool, reviewers=(ada, bruno))
    token = {"Authorization": "Bearer ada:one"}
    with serving(tmp_path, file) as gateway:
        hers, his = Browser(gateway, "ada", "one"), Browser(gateway, "bruno", "two")
        assert (hers.get("/console/people").status, his.get("/console/people").status) == (200, 200)
        assert gateway.request("GET", "/api/v1/holds", headers=token, ops=True).status == 200
        file.write(tool, reviewers=(bruno | {"role": "reviewer"},))
        loaded(gateway)
        answer = hers.get("/console/")
        assert (answer.status, answer.headers["Location"][:14]) == (303, "/console/login")
        assert gateway.request("GET", "/api/v1/holds", headers=token, ops=True).status == 401
        assert not Browser(gateway, "ada", "one").signed_in
        assert (his.get("/console/").status, his.get("/console/people").status) == (200, 403)
        file.write(tool, reviewers=(reviewer("bruno", "three"),))
        loaded(gateway, 2)
        assert his.get("/console/").status == 303
        assert Browser(gateway, "bruno", "three").signed_in


def test_a_file_that_cannot_be_used_changes_nothing_and_is_told(tmp_path: Path, file: File) -> None:
    tool, ada = source("tool", "secret"), reviewer("ada", "one")
    file.write(tool, reviewers=(ada,))
    with serving(tmp_path, file) as gateway:
        browser = Browser(gateway, "ada", "one")
        assert b"not in force" not in browser.get("/console/policies").body
        refusals = (
            (lambda: file.write(tool | {"classes": ["nonsense"]}), r"access\.yaml:\d+: source 'tool': there"),
            (lambda: file.path.write_text(file.path.read_text()[:200]), r"access\.yaml:\d+: "),
            (lambda: file.path.write_text("# nobody\n"), r"access\.yaml: it names nobody any more"),
            (file.path.unlink, r"access\.yaml: it cannot be read, or is empty"),
            (
                lambda: file.write(tool | {"upstream": {"provider": "sendgrid", "key_file": "none"}}),
                r"access\.yaml:\d+: source 'tool': upstream\.key_file: cannot|key_file cannot be read",
            ),
        )
        for times, (spoil, said) in enumerate(refusals, 1):
            spoil()
            loaded(gateway, times, "access.refused")
            problem = gateway.said().rpartition("access.refused")[2]
            assert re.search(said, problem), problem
            page = browser.get("/console/policies").body.decode()
            assert "The access file on disk is not in force." in page
            assert gateway.metric("galateo_access_file_refused") == 1
            assert post(gateway, "tool:secret").status == 202
        file.write(tool, reviewers=(ada,))
        loaded(gateway)
        assert gateway.metric("galateo_access_file_refused") == 0
        assert gateway.metric("galateo_access_reloads_total", result="failed") == len(refusals)
        assert b"access file on disk" not in browser.get("/console/policies").body


def test_a_thousand_changes_while_messages_come_in(tmp_path: Path, file: File) -> None:
    """None is lost, none is refused, and the last one counts."""
    tool = source("tool", "secret")
    file.write(tool)
    with serving(tmp_path, file) as gateway, Client(gateway.smtp_port) as client:
        assert sign_in(client, "tool", "secret").code == 235
        codes: set[int] = set()
        done = threading.Event()

        def send() -> None:
            n = 0
            while not done.is_set():
                codes.add(client.send(*letter(n)).code)
                n += 1

        sending = threading.Thread(target=send)
        sending.start()
        try:
            for n in range(1000):
                file.write(tool, source("other", "o") if n % 2 else tool | {"name": f"n{n}"})
            file.path.unlink()
            time.sleep(1)
            file.write(tool, source("last", "l"))
            eventually(lambda: post(gateway, "last:l").status == 202, timeout=30)
        finally:
            done.set()
            sending.join()
        assert codes == {250}
        assert gateway.said().count('"access.loaded"') < 20
        assert "access.refused" not in gateway.said()


def test_webhooks_and_upstreams_follow(tmp_path: Path, file: File) -> None:
    tool = source("tool", "secret")
    file.write(tool)
    key = tmp_path / "key"
    key.write_text("one")
    with Target(lambda _: (202, {})) as target, serving(tmp_path, file) as gateway:
        hooks = [{"url": target.url, "secret": HOOK, "events": ["message.accepted"]}]
        upstream = {"provider": "sendgrid", "key_file": str(key), "url": origin(target.url)}
        file.write(tool | {"webhooks": hooks}, source("shop", "shop", upstream=upstream))
        loaded(gateway)
        time.sleep(3)  # a new subscriber hears what happens from now on
        assert post(gateway, "tool:secret").status == 202
        eventually(lambda: any(b"message.accepted" in r.body for r in target.requests), timeout=30)
        for given in ("one", "two"):
            key.write_text(given)
            gateway.process.send_signal(signal.SIGHUP)  # type: ignore[union-attr]
            loaded(gateway, 2 if given == "one" else 3)
            target.requests.clear()
            sent = gateway.request("POST", "/v3/mail/send", SENDGRID, {"Authorization": "Bearer shop.shop"})
            assert sent.status == 202, sent.body
            eventually(lambda: any("v3" in r.path for r in target.requests), timeout=30)
            [asked] = [r for r in target.requests if "v3" in r.path]
            assert asked.headers["authorization"] == f"Bearer {given}"
        file.write(tool)
        loaded(gateway, 4)
        target.requests.clear()
        assert post(gateway, "tool:secret").status == 202
        time.sleep(3)
        assert not target.requests


SENDGRID = {
    "personalizations": [{"to": [{"email": "anna@example.org"}]}],
    "from": {"email": "orders@acme.example"},
    "subject": "Ordine",
    "content": [{"type": "text/plain", "value": "Il vostro ordine 12 è partito oggi."}],
}


def origin(url: str) -> str:
    return "/".join(url.split("/")[:3])


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with server() as url:
        yield url


@pytest.mark.postgres
def test_every_worker_follows(postgres: str, tmp_path: Path, file: File) -> None:
    """Sessions at either worker end; two hundred fresh ones, wherever they land, know the new key alone."""
    file.write(source("tool", "leaked"))
    with on(postgres) as url, Sink() as sink:
        made = on_postgres(tmp_path / "a", sink, url, "--workers", "2")
        del made.settings["DEVELOPMENT"]
        made.settings["ACCESS"] = str(file.path)
        with made as two, contextlib.ExitStack() as stack:
            clients = [stack.enter_context(Client(two.smtp_port)) for _ in range(24)]
            for client in clients:
                assert sign_in(client, "tool", "leaked").code == 235
            file.write(source("tool", "fresh"))
            loaded(two, 2)
            assert len(children(two.pid)) == 2
            assert {client.command("MAIL FROM:<a@acme.example>").code for client in clients} == {421}
            for _ in range(24):
                assert post(two, "tool:leaked").status == 401
                assert post(two, "tool:fresh").status == 202
            assert two.metric("galateo_access_reloads_total", result="loaded") == 2
            assert two.metric("galateo_access_file_refused") == 0
