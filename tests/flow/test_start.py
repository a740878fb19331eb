"""What keeps a gateway from starting is told in a line, and nothing else goes wrong on the way out."""

import asyncio
import json
import os
import shutil
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.access import AccessError, development_access, load_access
from gateway.app.parts import StartError, read_keys, read_policies, start_store
from gateway.app.serving import App, build
from gateway.ingress.replies import ReplyListener
from gateway.ingress.smtp import Listener
from gateway.ingress.smtp_tls import make_context
from gateway.keys import KeysError, load_keys
from gateway.ops.health import FRESH
from gateway.settings import SecretUrl, Settings, load
from gateway.store.protocol import Unavailable, WrongKeys
from gateway.store.sqlite import SqliteStore
from gateway.watch import digest_folder, watch_folder
from gateway.workers import Crew, WorkersError
from tests.flow.harness import Gateway, eventually, policies
from tests.ingress.smtp.house import make_certificate


@pytest.mark.parametrize("listener", ["SMTP_LISTEN", "HTTP_LISTEN", "OPS_LISTEN"])
def test_an_address_that_is_taken_is_told(tmp_path: Path, listener: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        one = Gateway(
            tmp_path,
            relay="smtp://127.0.0.1:1",
            webhook_relay="http://127.0.0.1:1/hook",
            settings={listener: address},
        )
        with pytest.raises(AssertionError):
            one.start()
    said = (tmp_path / "stderr.log").read_text()
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith(f"galateo: GALATEO_{listener}: cannot listen on {address}: ")
    assert "may be there already" in said


class TestAddressesThatCannotBeHad:
    """Each is told with its setting, why, and what to do."""

    @pytest.mark.parametrize("address", ["192.0.2.1:0", "nosuchhost.invalid:0", "a..b:0"])
    @pytest.mark.parametrize("kind", ["smtp", "smtps", "reply", "workers"])
    async def test_one_that_is_not_here(self, tmp_path: Path, kind: str, address: str) -> None:
        make_certificate(tmp_path)
        off = dict.fromkeys(("smtp_listen", "http_listen", "ops_listen"), "off")
        name = "smtp_listen" if kind == "workers" else f"{kind}_listen"
        tls = {"smtp_tls_cert": tmp_path / "cert.pem", "smtp_tls_key": tmp_path / "key.pem"}
        settings = load(**(off | tls | {name: address}))
        with pytest.raises((OSError, WorkersError)) as told:
            await self.listen(kind, settings)
        said = str(told.value)
        assert said.startswith(f"GALATEO_{name.upper()}: cannot listen on {address}: ")
        assert said.endswith("; name an address that this machine has")

    @staticmethod
    async def listen(kind: str, settings: Settings) -> None:
        if kind == "workers":
            Crew(settings, 2, ())
        elif kind == "reply":
            await ReplyListener(settings, nobody).start()
        else:
            await Listener(settings, development_access(""), nobody).start()


def test_the_first_line_says_where_tls_is_from_the_first_octet(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    settings = {
        "SMTPS_LISTEN": "127.0.0.1:0",
        "SMTP_TLS_CERT": str(tmp_path / "cert.pem"),
        "SMTP_TLS_KEY": str(tmp_path / "key.pem"),
    }
    for plain in ({}, {"SMTP_LISTEN": "off"}):
        with Gateway(tmp_path, relay="smtp://127.0.0.1:1", settings=settings | plain) as one:
            ready = json.loads((tmp_path / "stdout.log").read_text().splitlines()[-1])
            host, _, port = ready["smtps"].rpartition(":")
            with socket.create_connection((host, int(port))) as raw:
                context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
                with context.wrap_socket(raw, server_hostname="localhost") as safe:
                    assert safe.recv(4) == b"220 "
            assert ("smtp" in ready) == (not plain) == bool(one.smtp_port)


def test_the_first_line_writes_addresses_as_the_settings_do(tmp_path: Path) -> None:
    settings = {"SMTP_LISTEN": "[::1]:0", "REPLY_LISTEN": "[::1]:0"}
    with Gateway(tmp_path, relay="smtp://127.0.0.1:1", settings=settings):
        ready = json.loads((tmp_path / "stdout.log").read_text().splitlines()[-1])
    assert {ready[name].rpartition(":")[0] for name in ("smtp", "reply")} == {"[::1]"}


async def nobody(message: object) -> str:
    raise AssertionError(message)


class TestFilesThatCannotBeMeant:
    """Each is named, with what to do about it."""

    def test_a_folder_of_policies_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(StartError, match=r"GALATEO_POLICIES: there is no folder .*nowhere"):
            read_policies(Settings(policies=tmp_path / "nowhere"))

    def test_a_folder_of_policies_without_lexicons(self, tmp_path: Path) -> None:
        with pytest.raises(StartError, match=r"GALATEO_POLICIES: .*/lexicons: it.yaml"):
            read_policies(Settings(policies=tmp_path))

    @pytest.mark.parametrize("octets", [b"hello world\n" * 1000, b"SQLite format 3\0" + b"\xff" * 8000])
    def test_a_database_that_is_none(self, tmp_path: Path, octets: bytes) -> None:
        (tmp_path / "galateo.db").write_bytes(octets)
        with pytest.raises(Unavailable, match=r"/galateo\.db: .*galateo restore"):
            SqliteStore(tmp_path / "galateo.db", clock=time.time)

    def test_a_database_where_nobody_may_write(self, tmp_path: Path) -> None:
        (tmp_path / "galateo.db").mkdir()
        with pytest.raises(Unavailable, match=r"/galateo\.db: .*must own it"):
            SqliteStore(tmp_path / "galateo.db", clock=time.time)

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        database = tmp_path / "file" / "var" / "galateo.db"
        with pytest.raises(
            Unavailable, match=r"^GALATEO_DATABASE: the folder .*/var cannot be made: Not a dir"
        ):
            SqliteStore(database, clock=time.time)
        with pytest.raises(
            KeysError, match=r"^the key file .*/galateo.keys cannot be written: Not a dir.*GALATEO_KEYS"
        ):
            read_keys(database.with_suffix(".keys"), make=True)

    async def test_a_folder_of_checkpoints_that_is_not_there(self, tmp_path: Path) -> None:
        missing = tmp_path / "elsewhere"
        settings = load(relay="smtp://127.0.0.1:1", checkpoint_file=missing / "galateo.checkpoints")
        with pytest.raises(StartError, match=f"GALATEO_CHECKPOINT_FILE: there is no folder {missing}"):
            await build(settings)
        assert not missing.exists()

    def test_a_key_file_that_cannot_be_looked_for(self, tmp_path: Path) -> None:
        with pytest.raises(KeysError, match=r"cannot be looked for: File name too long.* GALATEO_KEYS"):
            read_keys(tmp_path / ("k" * 300), make=True)

    def test_a_folder_in_which_nobody_may_write(self, tmp_path: Path) -> None:
        (tmp_path / "galateo.db.lock").mkdir()  # for root, too, no file can be opened there
        with pytest.raises(
            Unavailable, match=r"^GALATEO_DATABASE: this user cannot write galateo.db.lock in /"
        ):
            SqliteStore(tmp_path / "galateo.db", clock=time.time)

    @pytest.mark.parametrize("octets", [b"", b"[" * 100_000, b"\xff\xfe", b"[1]"])
    def test_a_key_file_that_is_none(self, tmp_path: Path, octets: bytes) -> None:
        (tmp_path / "keys").write_bytes(octets)
        with pytest.raises(KeysError, match="restore it from your backup"):
            load_keys(tmp_path / "keys")

    async def test_a_key_file_that_was_lost_is_not_replaced(self, tmp_path: Path) -> None:
        settings = Settings(database=SecretUrl(f"sqlite:///{tmp_path}/galateo.db"), keys=tmp_path / "keys")

        async def start() -> None:
            store, _ = await start_store(settings, None, serving=False, chain="test")
            await store.close()

        await start()
        kept = (tmp_path / "keys").rename(tmp_path / "kept")
        with pytest.raises(WrongKeys, match="another key file"):
            await start()
        assert not (tmp_path / "keys").exists()
        kept.rename(tmp_path / "keys")
        await start()

    @pytest.mark.parametrize("octets", [b"\xff\xfe\0", b"a: " + b"[" * 2000, b"sources: 2026-13-45\n", b"\0"])
    def test_an_access_file_that_is_none(self, tmp_path: Path, octets: bytes) -> None:
        (tmp_path / "access.yaml").write_bytes(octets)
        with pytest.raises(AccessError, match=r"access\.yaml"):
            load_access(tmp_path / "access.yaml")

    def test_a_certificate_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match=r"cert\.pem"):
            make_context(tmp_path / "cert.pem", tmp_path / "key.pem")

    def test_a_certificate_that_is_none(self, tmp_path: Path) -> None:
        for name in ("cert.pem", "key.pem"):
            (tmp_path / name).write_text("nonsense")
        with pytest.raises(OSError, match=r"key\.pem are no certificate .* GALATEO_SMTP_TLS_KEY"):
            make_context(tmp_path / "cert.pem", tmp_path / "key.pem")


async def test_a_round_that_fails_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    rounds = 0
    done = asyncio.Event()

    async def sweep() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise RuntimeError("a bug")
        done.set()

    turning = asyncio.create_task(App._every(object.__new__(App), 0.001, sweep))
    await asyncio.wait_for(done.wait(), 5)
    turning.cancel()
    assert "round.broken" in caplog.messages


NOTE = {
    "channel": "email",
    "class": "transactional",
    "sender": {"name": "Rita Conti", "addresses": [{"type": "email", "value": "rita@example.com"}]},
    "recipient": {"name": "Anna Bo", "addresses": [{"type": "email", "value": "anna@example.org"}]},
    "subject": "Your parcel",
    "text": "Your parcel left our warehouse today.",
}


async def test_a_worker_that_could_not_be_started_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its program is away for a moment, as in an upgrade."""
    off = dict.fromkeys(("smtp_listen", "http_listen", "ops_listen"), "off")
    program, away = tmp_path / "worker", tmp_path / "away"
    program.write_text("#!/bin/sh\necho {}\nexec sleep 60\n")
    program.chmod(0o700)
    crew = Crew(load(**off), 1, [str(program)])
    running = asyncio.create_task(crew.run())

    async def until(fine: Callable[[], bool]) -> None:
        await asyncio.to_thread(eventually, fine, 20)

    await until(lambda: bool(crew._serving))
    program.rename(away)
    [first] = crew._serving
    os.kill(first, signal.SIGKILL)
    await until(lambda: "worker.not_started" in caplog.messages)
    away.rename(program)
    await until(lambda: bool(crew._serving - {first}))
    crew._stopping.set()
    assert await running == 0


async def test_what_changes_while_a_gateway_starts_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "0.yaml").write_text("read at the start")
    known = digest_folder(tmp_path)
    (tmp_path / "0.yaml").write_text("written since")
    noticed = asyncio.Event()

    async def changed() -> None:
        noticed.set()

    watching = asyncio.create_task(watch_folder(tmp_path, changed, known))
    await asyncio.wait_for(noticed.wait(), 5)
    watching.cancel()


def test_each_file_that_is_read_is_watched(tmp_path: Path) -> None:
    (tmp_path / "jurisdictions").mkdir()
    for name in ("a.yaml", "b.yml", "jurisdictions/it.yml"):
        before = digest_folder(tmp_path)
        (tmp_path / name).write_text("version: 1")
        written = digest_folder(tmp_path)
        (tmp_path / name).write_text("version: 2")
        changed = digest_folder(tmp_path)
        (tmp_path / name).unlink()
        assert len({before, written, changed}) == 3
        assert digest_folder(tmp_path) == before


async def test_a_policy_whose_name_is_not_utf8_is_noticed_and_so_is_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zip from another machine makes such names."""
    monkeypatch.setattr("gateway.watch.POLL_SECONDS", 0.5)
    odd = os.fsdecode(b"novit\xe0.yaml")
    seen: list[bytes] = []

    async def changed() -> None:
        seen.append(digest_folder(tmp_path))

    async def until(count: int) -> None:
        await asyncio.to_thread(eventually, lambda: len(seen) == count, 20)

    watching = asyncio.create_task(watch_folder(tmp_path, changed, digest_folder(tmp_path)))
    for count, text in enumerate(("one", "two"), 1):
        (tmp_path / odd).write_text(text)
        await until(count)
    (tmp_path / odd).unlink()
    await until(3)
    watching.cancel()
    assert len(set(seen)) == 3


async def test_a_folder_that_cannot_be_read_once_is_watched_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    noticed: list[int] = []
    again = asyncio.Event()

    async def changed() -> None:
        noticed.append(1)
        if len(noticed) == 1:
            raise ZeroDivisionError
        again.set()

    watching = asyncio.create_task(watch_folder(tmp_path, changed, b""))
    while not noticed:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)  # until the folder is watched
    (tmp_path / "0.yaml").write_text("written since")
    await asyncio.wait_for(again.wait(), 40)
    watching.cancel()
    assert "watch.broken" in caplog.messages


def test_a_database_that_is_taken_away_is_told(tmp_path: Path) -> None:
    with Gateway(tmp_path, relay="smtp://127.0.0.1:1") as one:
        assert one.request("GET", "/readyz", ops=True).json()["checks"]["file"] == "ok"
        assert one.request("POST", "/v1/messages", NOTE).status == 202
        (tmp_path / "galateo.db").rename(tmp_path / "elsewhere.db")
        assert one.request("POST", "/v1/messages", NOTE).status == 503
        time.sleep(FRESH)
        ready = one.request("GET", "/readyz", ops=True)
        assert (ready.status, ready.json()["checks"]["file"]) == (503, "failed")
        eventually(lambda: "database.gone" in one.said(), 20)
        assert one.metric("galateo_database_up") == 0
        (tmp_path / "elsewhere.db").rename(tmp_path / "galateo.db")
        eventually(lambda: one.request("GET", "/readyz", ops=True).status == 200)
        assert one.request("POST", "/v1/messages", NOTE).status == 202


def test_lexicons_that_go_away_are_what_is_told(tmp_path: Path) -> None:
    folder = policies(tmp_path / "policies")
    with Gateway(tmp_path, relay="smtp://127.0.0.1:1", policies=folder) as one:
        shutil.rmtree(folder / "lexicons")
        os.kill(one.pid, signal.SIGHUP)
        eventually(lambda: "lexicons.refused" in one.said())
        assert '"problem":"lexicons/it.yaml:1: cannot be read' in one.said()
        eventually(lambda: one.metric("galateo_policy_reloads_total", result="failed"))
        assert "policies.refused" not in one.said()
        own = f"http://127.0.0.1:{one.ops_port}"
        form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": own}
        signed = one.request("POST", "/console/login/local", b"", form, ops=True)
        cookie = {"Cookie": signed.headers["Set-Cookie"].partition(";")[0]}
        page = one.request("GET", "/console/policies", headers=cookie, ops=True).body.decode()
        assert "<code>lexicons/it.yaml:1</code>" in page


def test_a_reload_asked_for_during_the_start_waits_for_it(tmp_path: Path) -> None:
    one = Gateway(tmp_path, relay="smtp://127.0.0.1:1")

    def ask() -> None:
        eventually((tmp_path / "keys").exists, 60)
        for _ in range(5):
            os.kill(one.pid, signal.SIGHUP)

    asking = threading.Thread(target=ask)
    asking.start()
    with one:
        asking.join()
        eventually(lambda: one.metric("galateo_policy_reloads_total", result="loaded"))
        assert one.request("POST", "/v1/messages", NOTE).status == 202
