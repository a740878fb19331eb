"""Real servers that we did not write: Postfix's smtp-sink and aiosmtpd, at speed and in bulk."""

import asyncio
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.store.attempt import Outcome
from tests.delivery.outbox import entry
from tests.delivery.setting import delivering, until
from tests.tools import need, shared


@contextmanager
def smtp_sink(*options: str) -> Iterator[int]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    drop = ["-u", "nobody"] if os.geteuid() == 0 else []
    sink = subprocess.Popen([need("smtp-sink", "postfix"), *drop, *options, f"127.0.0.1:{port}", "100"])
    try:
        yield port
    finally:
        sink.terminate()
        sink.wait()


@pytest.mark.parametrize("options", [(), ("-p",), ("-e",)], ids=["pipelining", "lock-step", "helo"])
async def test_smtp_sink_takes_two_thousand(options: tuple[str, ...]) -> None:
    items = [entry(address=f"a{n}@example.org", raw=b"Subject: %d\r\n\r\n.x\r\n" % n) for n in range(2000)]
    with smtp_sink(*options) as port:
        async with delivering(f"smtp://127.0.0.1:{port}", connections=8) as world:
            await until_open(port)
            world.send(*items)
            await until(lambda: len(world.outbox.settled) >= len(items), 30)
    assert {attempt.outcome for _, attempt in world.outbox.settled} == {Outcome.DELIVERED}


@pytest.mark.parametrize("option", ["-q mail", "-q rcpt", "-q data", "-q ."])
async def test_smtp_sink_that_hangs_up(option: str) -> None:
    items = [entry(), entry()]
    with smtp_sink(*option.split()) as port:
        await until_open(port)
        async with delivering(f"smtp://127.0.0.1:{port}") as world:
            world.send(*items)
            for item in items:
                assert (await world.attempt(item)).outcome is Outcome.DEFERRED


async def until_open(port: int) -> None:
    for _ in range(500):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    raise AssertionError("smtp-sink did not start")


class Keeper:
    """An aiosmtpd handler that keeps what it gets."""

    def __init__(self) -> None:
        self.kept: list[tuple[str | None, list[str], bytes]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.original_content, bytes)
        self.kept.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return "250 2.0.0 ok"


@pytest.fixture
def real_mail() -> list[bytes]:
    return [path.read_bytes() for path in sorted(shared("data/eml").glob("*.eml"))]


async def test_real_mail_arrives_at_aiosmtpd_as_it_is(real_mail: list[bytes]) -> None:
    whole = [raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n") for raw in real_mail]
    fit = [raw for raw in whole if b"\0" not in raw and max(map(len, raw.split(b"\r\n"))) < 998]
    assert len(fit) > 50
    keeper = Keeper()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(keeper), "127.0.0.1", 0)
    items = [entry(raw=raw, address=f"a{n}@example.org") for n, raw in enumerate(fit)]
    async with delivering(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}") as world:
        world.send(*items)
        for item in items:
            assert (await world.attempt(item)).outcome is Outcome.DELIVERED
    server.close()
    assert [raw for _, _, raw in keeper.kept] == [
        raw if raw.endswith(b"\r\n") else raw + b"\r\n" for raw in fit
    ]
