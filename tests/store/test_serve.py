"""`galateo serve` on PostgreSQL: workers, drain, kills, refusals; over real sockets."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest

from tests.flow.harness import ROOT, Client, Gateway, Sink, eventually
from tests.postgres import database

pytestmark = pytest.mark.postgres

CAP = """\
version: 1
policy: cap
title: Five a day
owner: compliance@example.com
why: Nobody wants more.
mode: enforce
applies_to:
  class: [outreach]
rules:
  - rule: contact_cap
    limit: 5
    per: day
    outcome: reject
"""


MADE: list[Gateway] = []
"""The gateways of the test that runs."""


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    """A test that fails, or runs out of time, leaves no gateway behind to trouble the next."""
    yield
    while MADE:
        MADE.pop().kill()


@contextmanager
def on(server: str) -> Iterator[str]:
    """A database of its own, for a test that does not run in a loop."""
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        url = runner.run(stack.enter_async_context(database(server)))
        try:
            yield url
        finally:
            runner.run(stack.aclose())


def gateway(folder: Path, sink: Sink, url: str, *words: str, policies: Path | None = None) -> Gateway:
    folder.mkdir(exist_ok=True)
    keys = folder.parent / "keys"
    if not keys.exists():
        from gateway.keys import new_keys, save_keys

        save_keys(keys, new_keys())
    made = Gateway(folder, relay=sink.url, policies=policies, settings={"DATABASE": url, "KEYS": str(keys)})
    made.words = words
    MADE.append(made)
    return made


def letter(number: int, to: str, class_: str, text: str) -> bytes:
    lines = [
        "From: orders@acme.example",
        f"To: {to}",
        "Subject: Una nota",
        f"Message-ID: <{number}@acme.example>",
        f"X-Galateo-Class: {class_}",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        text,
        "",
    ]
    return "\r\n".join(lines).encode()


def receipt(number: int, to: str = "") -> tuple[str, list[str], bytes]:
    to = to or f"p{number}@example.org"
    raw = letter(number, to, "transactional", "Il vostro ordine 12 è partito oggi.")
    return "orders@acme.example", [to], raw


def test_two_workers_share_ports_and_metrics_and_are_restarted(postgres_server: str, tmp_path: Path) -> None:
    with (
        on(postgres_server) as url,
        Sink() as sink,
        gateway(tmp_path / "a", sink, url, "--workers", "2") as two,
    ):
        for number in range(12):
            with Client(two.smtp_port) as client:
                assert client.send(*receipt(number)).code == 250
        sink.wait(12)
        eventually(lambda: two.metric("galateo_messages_total", outcome="accepted") == 12)
        workers = children(two.pid)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        eventually(lambda: len(set(children(two.pid)) - {workers[0]}) == 2, 30)
        eventually(lambda: takes(two, 100), 30)
        assert two.metric("galateo_messages_total", outcome="accepted") >= 12
        assert two.stop(40) == 0
        assert '"ready"' in two.said()
        assert Counter(sink.message_ids).most_common(1)[0][1] == 1


def test_workers_show_the_worst_that_one_of_them_sees_and_what_all_of_them_take(
    postgres_server: str, tmp_path: Path
) -> None:
    with (
        on(postgres_server) as url,
        Sink() as sink,
        gateway(tmp_path / "a", sink, url, "--workers", "2") as two,
    ):
        sink.down()
        with Client(two.smtp_port) as client:
            assert client.send(*receipt(1)).code == 250
        eventually(lambda: two.metric("galateo_relay_up", relay="smtp") == 0, 15)
        # One worker has the message and knows; the other measures as often, and has nothing to complain of.
        for _ in range(12):
            assert two.metric("galateo_relay_up", relay="smtp") == 0
            assert two.metric("galateo_database_up") == 1
            time.sleep(0.5)
        assert two.metric("process_resident_memory_bytes") > 2 * 50e6
        before = two.metric("process_cpu_seconds_total")
        assert before > 0.2
        killed = children(two.pid)[0]
        os.kill(killed, signal.SIGKILL)
        sink.up()
        eventually(lambda: len(set(children(two.pid)) - {killed}) == 2, 30)
        eventually(lambda: two.metric("galateo_relay_up") == 1, 40)
        assert two.metric("process_cpu_seconds_total") >= before
        assert two.stop(40) == 0


def test_workers_whose_parent_was_killed_stop_too(postgres_server: str, tmp_path: Path) -> None:
    with on(postgres_server) as url, Sink() as sink:
        two = gateway(tmp_path / "a", sink, url, "--workers", "2").start()
        port, workers = two.smtp_port, children(two.pid)
        two.kill()
        eventually(lambda: not any(map(lives, workers)), 30)
        assert two.said().count("worker.orphaned") == 2
        with pytest.raises(OSError, match="refused"):
            Client(port)


def lives(pid: int) -> bool:
    """Whether a process is there and is more than what nobody has waited for."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def takes(one: Gateway, number: int) -> bool:
    try:
        with Client(one.smtp_port) as client:
            return client.send(*receipt(number + int(time.monotonic() * 1000))).code == 250
    except OSError:
        return False


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_drain_leaves_nothing_behind(postgres_server: str, tmp_path: Path) -> None:
    """SIGTERM under load: every acknowledged message comes out once, the leases are free again."""
    with on(postgres_server) as url, Sink() as sink:
        acknowledged: list[int] = []
        one = gateway(tmp_path / "a", sink, url).start()
        sender = threading.Thread(target=send_until_closed, args=(one.smtp_port, acknowledged))
        sender.start()
        eventually(lambda: len(acknowledged) > 20)
        began = time.monotonic()
        assert one.stop(40) == 0
        assert time.monotonic() - began < 25
        sender.join(10)
        with gateway(tmp_path / "b", sink, url):
            eventually(lambda: wanted(acknowledged) <= set(sink.message_ids), 20)
        assert Counter(sink.message_ids).most_common(1)[0][1] == 1


def wanted(numbers: list[int]) -> set[str]:
    return {f"{number}@acme.example" for number in numbers}


def send_until_closed(port: int, acknowledged: list[int]) -> None:
    number = 0
    try:
        with Client(port) as client:
            while True:
                number += 1
                if client.send(*receipt(number)).code == 250:
                    acknowledged.append(number)
                else:
                    return
    except OSError:
        return


def test_a_cap_holds_while_replicas_are_killed(postgres_server: str, tmp_path: Path) -> None:
    """Three replicas, fifty recipients, kill -9 and restart: never a sixth, nothing acknowledged lost."""
    policies = tmp_path / "policies"
    for name in ("lexicons", "jurisdictions"):
        shutil.copytree(ROOT / "policies" / name, policies / name)
    (policies / "cap.yaml").write_text(CAP)
    with on(postgres_server) as url, Sink() as sink:
        replicas = [gateway(tmp_path / name, sink, url, policies=policies).start() for name in "abc"]
        over = threading.Event()
        accepted: list[tuple[int, str]] = []
        threads = [threading.Thread(target=fill_up, args=(replicas, n, over, accepted)) for n in range(6)]
        try:
            for thread in threads:
                thread.start()
            for turn in range(2):
                time.sleep(1.0)
                replicas[turn].kill()
                replicas[turn].start()
            time.sleep(1.0)
        finally:
            over.set()
            for thread in threads:
                thread.join(30)
        counts = Counter(to for _, to in accepted)
        assert counts
        assert max(counts.values()) <= 5
        ids = {f"{number}@acme.example" for number, _ in accepted}
        eventually(lambda: ids <= set(sink.message_ids), 60)
        came = Counter(delivery.recipients[0] for delivery in sink.deliveries if delivery.message_id in ids)
        assert max(came.values()) <= 6  # a delivery under way at a kill may come again, under the same id
        for replica in replicas:
            assert replica.stop(40) == 0


def fill_up(
    replicas: list[Gateway], sender: int, over: threading.Event, accepted: list[tuple[int, str]]
) -> None:
    number = sender * 100_000
    while not over.is_set():
        one = replicas[number % 3]
        try:
            with Client(one.smtp_port, timeout=10) as client:
                for _ in range(20):
                    if over.is_set():
                        return
                    number += 1
                    to = f"r{number % 50}@example.org"
                    raw = letter(number, to, "outreach", "Buongiorno, come sta?")
                    if client.send("elena@acme.example", [to], raw).code == 250:
                        accepted.append((number, to))
        except OSError:
            time.sleep(0.05)


def test_a_stopped_holder_that_comes_back_sends_nothing_twice(postgres_server: str, tmp_path: Path) -> None:
    with on(postgres_server) as url, Sink() as sink:
        first = gateway(tmp_path / "a", sink, url).start()
        second = gateway(tmp_path / "b", sink, url).start()
        sink.down()
        for number in range(10):
            with Client(first.smtp_port) as client:
                assert client.send(*receipt(number)).code == 250
        os.kill(first.pid, signal.SIGSTOP)
        time.sleep(14)  # longer than the silence after which a dead one is buried
        sink.up()
        os.kill(first.pid, signal.SIGCONT)
        eventually(lambda: wanted(list(range(10))) <= set(sink.message_ids), 90)
        time.sleep(1)
        assert Counter(sink.message_ids).most_common(1)[0][1] == 1
        assert first.stop(40) == 0
        assert second.stop(40) == 0


class Fleet:
    """The replicas that a balancer sends to, and senders that keep their connections and try again elsewhere
    when one is closed with 421, as mail programs do."""

    def __init__(self) -> None:
        self.ports: list[int] = []
        self.acknowledged: list[int] = []
        self.failures: list[str] = []
        self.moved = 0
        self.over = threading.Event()

    def send(self, sender: int) -> None:
        """Submit one after another until it is over; a failure is whatever is neither 250 nor 421."""
        number = sender * 100_000
        while not self.over.is_set():
            try:
                with Client(self.ports[number % len(self.ports)], timeout=30) as client:
                    while not self.over.is_set():
                        turned_away = client.welcome.code == 421
                        reply = client.welcome if turned_away else client.send(*receipt(number))
                        if reply.code == 421:
                            self.moved += 1
                            break
                        if reply.code != 250:
                            self.failures.append(f"{number}: {reply}")
                            return
                        self.acknowledged.append(number)
                        number += 1
            except OSError as error:
                self.failures.append(f"{number}: {error!r}")
                return


def test_an_upgrade_one_by_one_under_load_fails_no_submission(postgres_server: str, tmp_path: Path) -> None:
    with on(postgres_server) as url, Sink() as sink:
        fleet = Fleet()
        old = [gateway(tmp_path / name, sink, url).start() for name in "ab"]
        fleet.ports = [one.smtp_port for one in old]
        threads = [threading.Thread(target=fleet.send, args=(n,)) for n in range(1, 7)]
        for thread in threads:
            thread.start()
        new = []
        try:
            for turn, one in enumerate(old):
                time.sleep(1)
                new.append(gateway(tmp_path / f"new{turn}", sink, url).start())
                fleet.ports = [each.smtp_port for each in (*old[turn + 1 :], *new)]
                assert one.stop(40) == 0
            time.sleep(1)
        finally:
            fleet.over.set()
            for thread in threads:
                thread.join(40)
        assert fleet.failures == []
        assert fleet.moved >= 6  # each sender was moved at least once
        eventually(lambda: wanted(fleet.acknowledged) <= set(sink.message_ids), 60)
        assert Counter(sink.message_ids).most_common(1)[0][1] == 1
        for one in new:
            assert one.stop(40) == 0


def run(environment: dict[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GALATEO_")}
    return subprocess.run(
        [sys.executable, "-m", "gateway", *words], env=kept | environment, cwd=folder, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip


def test_workers_on_sqlite_are_refused(tmp_path: Path) -> None:
    done = run(
        {"GALATEO_DEVELOPMENT": "1", "GALATEO_RELAY": "smtp://127.0.0.1:9"},
        tmp_path,
        "serve",
        "--workers",
        "2",
    )
    assert done.returncode == 1
    assert "--workers needs PostgreSQL" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_without_a_schema_says_what_to_do(postgres_server: str, tmp_path: Path) -> None:
    from gateway.keys import new_keys, save_keys

    save_keys(tmp_path / "keys", new_keys())
    settings = {
        "GALATEO_DEVELOPMENT": "1", "GALATEO_RELAY": "smtp://127.0.0.1:9",
        "GALATEO_KEYS": str(tmp_path / "keys"),
        "GALATEO_POLICIES": str(ROOT / "policies"), "GALATEO_SMTP_LISTEN": "127.0.0.1:0",
        "GALATEO_HTTP_LISTEN": "127.0.0.1:0", "GALATEO_OPS_LISTEN": "127.0.0.1:0",
    }  # fmt: skip
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        url = runner.run(stack.enter_async_context(database(postgres_server, migrated=False)))
        try:
            done = run(settings | {"GALATEO_DATABASE": url}, tmp_path, "serve")
            assert (done.returncode, "galateo migrate" in done.stderr) == (1, True)
            done = run(settings | {"GALATEO_DATABASE": url}, tmp_path, "audit", "verify")
            assert done.returncode == 1
            assert "galateo migrate" in done.stderr, done.stderr
            done = run(settings | {"GALATEO_DATABASE": url}, tmp_path, "migrate")
            assert done.returncode == 0, done.stderr
            assert "0001_first.pre.sql" in done.stdout
            done = run(settings | {"GALATEO_DATABASE": url}, tmp_path, "migrate", "--distributed")
            if "citus" not in done.stderr.lower():
                assert done.returncode == 0
            else:
                assert (done.returncode, "no Citus extension" in done.stderr) == (1, True)
        finally:
            runner.run(stack.aclose())


def test_a_port_that_is_taken_is_told(postgres_server: str, tmp_path: Path) -> None:
    with on(postgres_server) as url, Sink() as sink, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        one = gateway(tmp_path / "a", sink, url, "--workers", "2")
        one.settings["SMTP_LISTEN"] = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(AssertionError, match="GALATEO_SMTP_LISTEN: cannot listen on"):
            one.start()


def test_all_workers_know_of_a_pause_and_of_its_end(postgres_server: str, tmp_path: Path) -> None:
    with (
        on(postgres_server) as url,
        Sink() as sink,
        gateway(tmp_path / "a", sink, url, "--workers", "2") as two,
    ):
        two.command("pause", "--source", "development")
        time.sleep(1.2)
        said = []
        for number in range(16):
            with Client(two.smtp_port) as client:
                said.append(client.send(*receipt(number)).outcome)
        assert set(said) == {"held"}
        assert two.metric("galateo_paused", kind="source") == 1
        two.command("resume", "--source", "development")
        assert len(sink.wait(16, 20)) == 16
        assert Counter(sink.message_ids).most_common(1)[0][1] == 1
