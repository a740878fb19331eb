"""How much, how fast, how long: limits that hold over real sockets, and other sessions undisturbed."""

import asyncio
import base64
import socket
import struct
import time
from typing import Any

import pytest

from gateway.access import Access
from gateway.ingress.smtp_limits import Limits
from gateway.intake import DiskFull, Unavailable
from gateway.message.envelope import Message
from tests.ingress.smtp.house import MAIL, SECRET, House, Wire, access_with


async def ready(house: House) -> Wire:
    wire = await house.connect()
    await wire.say("EHLO x")
    return wire


async def test_too_many_connections_in_all() -> None:
    async with House(limits=Limits(connections=2)) as house:
        first, second = await ready(house), await ready(house)
        third = await house.connect(greet=False)
        assert (await third.reply()).startswith("421 4.7.0")
        assert await third.rest() == b""
        assert (await first.say("NOOP")).startswith("250")
        second.close()
        await asyncio.sleep(0.05)
        await ready(house)


async def test_too_many_connections_of_one_peer() -> None:
    async with House(limits=Limits(connections_per_peer=1)) as house:
        first = await ready(house)
        second = await house.connect(greet=False)
        assert (await second.reply()).startswith("421 4.7.0")
        first.close()
        await asyncio.sleep(0.05)
        await ready(house)
        other = await house.connect(greet=False, local_addr=("127.0.0.2", 0))
        assert (await other.reply()).startswith("220")


async def test_an_idle_client_is_told_and_left() -> None:
    async with House(limits=Limits(command_timeout=0.2)) as house:
        wire = await ready(house)
        assert (await wire.reply()).startswith("421 4.4.2")
        assert await wire.rest() == b""


async def test_dribbling_a_command_does_not_count_as_saying_something() -> None:
    async with House(limits=Limits(command_timeout=0.4)) as house:
        wire = await ready(house)
        began = time.monotonic()
        told = asyncio.create_task(wire.reply())
        while not told.done() and time.monotonic() - began < 5:
            wire.writer.write(b"N")
            await asyncio.sleep(0.05)
        assert (await told).startswith("421 4.4.2")
        assert time.monotonic() - began < 3


async def test_strangers_are_given_less_time() -> None:
    async with House(access=access_with(), limits=Limits(stranger_timeout=0.2)) as house:
        wire = await ready(house)
        assert (await wire.reply()).startswith("421 4.4.2")


async def test_a_slow_message_is_given_up() -> None:
    limits = Limits(slow_after=0.2, slowest=1_000_000.0, command_timeout=1.0)
    async with House(limits=limits) as house:
        wire = await ready(house)
        await wire.mail()
        await wire.send(b"Subject: x\r\n")
        assert (await wire.reply()).startswith("421 4.4.2")
        assert house.messages == []


async def test_a_message_has_a_time_of_its_own() -> None:
    async with House(limits=Limits(data_timeout=0.3)) as house:
        wire = await ready(house)
        await wire.mail()
        assert (await wire.reply()).startswith("421 4.4.2")


async def test_a_long_session_ends_between_messages() -> None:
    async with House(limits=Limits(session_timeout=0.1, command_timeout=1.0)) as house:
        wire = await ready(house)
        assert (await wire.reply()).startswith("421 4.4.2")


async def test_the_time_that_submitting_takes_is_not_the_clients() -> None:
    async def slowly(_: Message) -> None:
        await asyncio.sleep(0.6)

    async with House(limits=Limits(command_timeout=0.2, session_timeout=0.2), before=slowly) as house:
        wire = await ready(house)
        await wire.mail()
        await wire.send(MAIL + b".\r\n")
        assert (await wire.reply()).startswith("250 2.0.0")


async def test_a_quick_source_is_slowed_down_first() -> None:
    async with House(limits=Limits(source_rate=20.0, longest_wait=0.2)) as house:
        wire = await ready(house)
        began = time.monotonic()
        for _ in range(22):
            assert (await wire.say("MAIL FROM:<a@example.com>")).startswith("250")
            await wire.say("RSET")
        assert time.monotonic() - began >= 0.09  # two beyond the first twenty, less a clock tick
        others = [await ready(house) for _ in range(8)]
        replies = await asyncio.gather(*(other.say("MAIL FROM:<a@example.com>") for other in others))
        assert {reply[:9] for reply in replies} == {"250 2.1.0", "451 4.7.1"}


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (Unavailable("away"), "451 4.3.0"),
        (DiskFull("full"), "452 4.3.1"),
        (RuntimeError("bob@example.org"), "451 4.3.0"),
    ],
)
async def test_own_failures_ask_to_come_again(error: Exception, reply: str) -> None:
    async def fail(_: Message) -> None:
        raise error

    async with House(before=fail) as house:
        wire = await ready(house)
        for _ in range(2):
            await wire.mail()
            await wire.send(MAIL + b".\r\n")
            said = await wire.reply()
            assert said.startswith(reply)
            assert "bob" not in said


@pytest.mark.parametrize("asked", [False, True])
async def test_who_is_named_twice_is_written_to_once(asked: bool) -> None:
    async with House(refuse_at_rcpt=(lambda *_: None) if asked else None) as house:
        wire = await ready(house)
        await wire.mail("Bob@example.org", "bob@EXAMPLE.org", "ann@example.org", "Bob@example.org")
        await wire.send(MAIL + b".\r\n")
        assert (await wire.reply()).startswith("250")
        assert [r.address for r in house.messages[0].recipients] == ["Bob@example.org", "ann@example.org"]


@pytest.mark.parametrize("late", [False, True])
async def test_refusal_at_rcpt_at_once_or_later(late: bool) -> None:
    def refuse(_: Any, recipient: Any) -> Any:
        async def think() -> str | None:
            await asyncio.sleep(0.01)
            if recipient.address.startswith("broken"):
                raise RuntimeError(recipient.address)
            return answer

        answer = "This address bounced." if recipient.address.startswith("gone") else None
        return think() if late else answer

    async with House(refuse_at_rcpt=refuse) as house:
        wire = await ready(house)
        lines = [
            "MAIL FROM:<a@example.com>",
            "RCPT TO:<gone@example.org>",
            "RCPT TO:<bob@example.org>",
            "DATA",
        ]
        await wire.send(("\r\n".join(lines) + "\r\n").encode())
        replies = [(await wire.reply())[:9] for _ in lines]
        assert replies == ["250 2.1.0", "550 5.7.1", "250 2.1.5", "354 End d"]
        await wire.send(MAIL + b".\r\n")
        assert (await wire.reply()).startswith("250")
        assert [r.address for r in house.messages[0].recipients] == ["bob@example.org"]
        if late:
            await wire.say("MAIL FROM:<a@example.com>")
            assert (await wire.say("RCPT TO:<broken@example.org>")).startswith("451 4.3.0")


async def test_a_session_that_fails_says_come_again_and_others_go_on() -> None:
    def refuse(_: Any, recipient: Any) -> str | None:
        if recipient.address.startswith("broken"):
            raise RuntimeError(recipient.address)
        return None

    async with House(refuse_at_rcpt=refuse) as house:
        other, wire = await ready(house), await ready(house)
        await wire.say("MAIL FROM:<a@example.com>")
        said = await wire.say("RCPT TO:<broken@example.org>")
        assert said.startswith("451 4.3.0")
        assert "broken" not in said
        assert await wire.rest() == b""
        assert (await other.say("NOOP")).startswith("250")


async def test_memory_is_bounded_over_all_sessions() -> None:
    """Ten sessions send more than there is room for at once; every message arrives."""
    size, going = 400_000, 10
    async with House(limits=Limits(inflight_bytes=1_000_000, message_bytes=500_000)) as house:
        raw = b"Subject: big\r\n\r\n" + (b"x" * 76 + b"\r\n") * (size // 78)
        wires = [await ready(house) for _ in range(going)]
        most = 0

        async def send(wire: Wire) -> str:
            nonlocal most
            assert (await wire.mail()).startswith("354")
            for start in range(0, len(raw), 20_000):
                await wire.send(raw[start : start + 20_000])
                most = max(most, house.listener._reception.budget.used)
                await asyncio.sleep(0.001)
            await wire.send(b".\r\n")
            return await wire.reply()

        replies = await asyncio.gather(*(send(wire) for wire in wires))
        assert {reply[:9] for reply in replies} == {"250 2.0.0"}
        assert {message.raw for message in house.messages} == {raw}
        assert most < 1_000_000 + 500_000 + going * 262_144
        assert house.listener._reception.budget.used == 0


async def test_what_is_sent_ahead_is_read_no_further_than_needed() -> None:
    gate = asyncio.Event()

    async def wait(_: Message) -> None:
        await gate.wait()

    async with House(before=wait, limits=Limits(command_timeout=30.0)) as house:
        wire = await ready(house)
        await wire.mail()
        wire.writer.write(MAIL + b".\r\n" + b"NOOP\r\n" * 2_000_000)
        await asyncio.sleep(0.3)
        [session] = house.listener._reception.sessions
        assert len(session._pending) < 1_000_000  # type: ignore[attr-defined]
        gate.set()
        assert (await wire.reply()).startswith("250 2.0.0 0")
        assert (await wire.reply()) == "250 2.0.0 Ok"
        # A client that does not read its replies gets no more of them.
        await asyncio.sleep(0.5)
        assert session.transport.get_write_buffer_size() < 1_000_000  # type: ignore[attr-defined]
        other = await ready(house)
        assert (await other.say("NOOP")).startswith("250")
        wire.writer.transport.abort()


async def test_a_lost_client_does_not_lose_its_message_nor_the_budget() -> None:
    gate = asyncio.Event()

    async def wait(_: Message) -> None:
        await gate.wait()

    async with House(before=wait) as house:
        wire = await ready(house)
        await wire.mail()
        await wire.send(MAIL + b".\r\n")
        await asyncio.sleep(0.05)
        reset = struct.pack("ii", 1, 0)
        wire.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        wire.writer.transport.abort()
        await asyncio.sleep(0.05)
        assert house.listener.sessions == 0
        gate.set()
        await asyncio.sleep(0.05)
        assert len(house.messages) == 1
        assert house.listener._reception.budget.used == 0


async def test_half_a_message_is_none() -> None:
    async with House() as house:
        wire = await ready(house)
        await wire.mail()
        await wire.send(MAIL)
        wire.writer.write_eof()
        assert await wire.rest() == b""
        assert house.messages == []
        assert house.listener._reception.budget.used == 0


async def test_a_client_that_says_no_more_still_gets_its_reply() -> None:
    async def slowly(_: Message) -> None:
        await asyncio.sleep(0.1)

    async with House(before=slowly) as house:
        wire = await ready(house)
        await wire.mail()
        await wire.send(MAIL + b".\r\nQUIT\r\n")
        wire.writer.write_eof()
        assert (await wire.rest()).startswith(b"250 2.0.0 ")
        assert len(house.messages) == 1


async def test_drain_lets_messages_end_and_sends_the_idle_away() -> None:
    gate = asyncio.Event()

    async def wait(_: Message) -> None:
        await gate.wait()

    async with House(before=wait) as house:
        idle, waiting, sending = [await ready(house) for _ in range(3)]
        await waiting.mail()
        await waiting.send(MAIL + b".\r\n")
        await sending.mail()
        await sending.send(MAIL)
        await asyncio.sleep(0.05)
        drained = asyncio.create_task(house.listener.drain(5))
        assert (await idle.reply()).startswith("421 4.3.2")
        assert await idle.rest() == b""
        with pytest.raises(ConnectionRefusedError):
            await house.connect()
        await sending.send(b".\r\n")
        gate.set()
        for wire in (waiting, sending):
            assert (await wire.reply()).startswith("250 2.0.0")
            assert (await wire.reply()).startswith("421 4.3.2")
            assert await wire.rest() == b""
        await drained
        assert len(house.messages) == 2


async def test_drain_ends_in_time() -> None:
    async with House() as house:
        wire = await ready(house)
        await wire.mail()
        began = time.monotonic()
        await house.listener.drain(0.2)
        assert time.monotonic() - began < 2
        house.listener.close()
        assert b"250" not in await wire.rest()


async def test_wrong_secrets_take_longer_each_time() -> None:
    async with House(access=access_with(), limits=Limits(auth_delay=0.1)) as house:
        wire = await ready(house)
        began = time.monotonic()
        assert (await wire.say("AUTH PLAIN AHRvb2wAd3Jvbmc=")).startswith("535 5.7.8")
        assert (await wire.say("AUTH PLAIN AHRvb2wAd3Jvbmc=")).startswith("535 5.7.8")
        assert time.monotonic() - began >= 0.3


async def test_an_endless_auth_line_hangs_up() -> None:
    async with House(access=access_with()) as house:
        wire = await ready(house)
        await wire.say("AUTH LOGIN")
        await wire.send(b"a" * 100_000)
        assert (await wire.reply()).startswith("500 5.5.6")
        assert await wire.rest() == b""


async def test_development_serves_its_own_machine_alone() -> None:
    networks = {"smtp_proxy_protocol": True, "smtp_proxy_trusted": "127.0.0.0/8"}
    async with House(settings=networks) as house:
        wire = await house.connect(greet=False)
        await wire.send(b"PROXY TCP4 192.0.2.1 127.0.0.1 4000 25\r\n")
        assert (await wire.reply()).startswith("554 5.7.1")
        assert await wire.rest() == b""


async def test_proxy_headers_name_the_peer() -> None:
    networks = {"smtp_proxy_protocol": True, "smtp_proxy_trusted": "127.0.0.0/8"}
    limits = Limits(connections_per_peer=1, proxy_timeout=0.3)
    async with House(access=access_with(), settings=networks, limits=limits) as house:
        wire = await house.connect(greet=False)
        await wire.send(b"PROXY TCP4 192.0.2.1 127.0.0.1 4000 25\r\nEHLO x\r\n")
        assert (await wire.reply()).startswith("220")
        # Secrets do not travel in clear from another machine.
        assert "AUTH" not in await wire.reply()
        assert (await wire.say("AUTH PLAIN AHRvb2wAd3Jvbmc=")).startswith("538 5.7.11")
        same = await house.connect(greet=False)
        await same.send(b"PROXY TCP4 192.0.2.1 127.0.0.1 4001 25\r\n")
        assert (await same.reply()).startswith("421 4.7.0")
        v2 = await house.connect(greet=False)
        await v2.send(
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
            + bytes([192, 0, 2, 9, 127, 0, 0, 1])
            + b"\x10\0\0\x19NOOP\r\n"
        )
        assert (await v2.reply()).startswith("220")
        assert (await v2.reply()).startswith("250")
        for wrong in (b"EHLO x\r\n", b"PROXY FOO\r\n", b"PROXY TCP4 nonsense\r\n", b""):
            without = await house.connect(greet=False)
            await without.send(wrong)
            assert await without.rest() == b""


async def test_a_proxys_own_machine_is_not_this_one() -> None:
    networks = {"smtp_proxy_protocol": True, "smtp_proxy_trusted": "127.0.0.0/8"}
    async with House(settings=networks) as house:
        wire = await house.connect(greet=False)
        await wire.send(b"PROXY TCP4 127.0.0.1 127.0.0.1 4000 25\r\n")
        assert (await wire.reply()).startswith("220")
        unknown = await house.connect(greet=False)
        await unknown.send(b"PROXY UNKNOWN\r\n")
        assert (await unknown.reply()).startswith("220")


async def test_a_peer_that_is_no_proxy_sends_no_header() -> None:
    networks = {"smtp_proxy_protocol": True, "smtp_proxy_trusted": "10.0.0.0/8"}
    async with House(settings=networks) as house:
        wire = await house.connect()
        assert (await wire.say("PROXY TCP4 192.0.2.1 127.0.0.1 4000 25")).startswith("500")


async def test_another_rate_counts_in_a_session_that_is_open() -> None:
    access = access_with(rate=1000.0)
    async with House(access, limits=Limits(longest_wait=0.2, auth_in_clear=True)) as house:
        wire = await ready(house)
        token = base64.b64encode(f"\0tool\0{SECRET}".encode()).decode()
        assert (await wire.say(f"AUTH PLAIN {token}")).startswith("235")
        for rate, expected in ((1000.0, {"250"}), (0.5, {"250", "451"}), (0.0, {"250"})):
            tool = access.sources["tool"].model_copy(update={"rate": rate})
            access.adopt(Access(sources={"tool": tool}, controllers=access.controllers, reviewers={}))
            codes = set()
            for _ in range(5):
                codes.add((await wire.say("MAIL FROM:<a@example.com>"))[:3])
                await wire.say("RSET")
            assert codes == expected, rate
