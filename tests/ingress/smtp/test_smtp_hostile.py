"""Random octets and commands: no crash, a proper reply to each line, however the octets are cut."""

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingress.smtp_limits import Limits
from gateway.ingress.smtp_protocol import SmtpSession
from tests.ingress.smtp.house import House, Wire, access_with

LIMITS = Limits(errors=1000, message_bytes=2000, line_bytes=300, auth_delay=0.0, recipients=3)
COMMANDS = [
    b"EHLO x\r\n",
    b"HELO x\r\n",
    b"MAIL FROM:<a@b.example>\r\n",
    b"MAIL FROM:<> BODY=8BITMIME\r\n",
    b"RCPT TO:<c@d.example>\r\n",
    b"RCPT TO:<rejected@d.example>\r\n",
    b"DATA\r\n",
    b"Subject: x\r\n\r\nhi\r\n",
    b".\r\n",
    b"..\r\n",
    b"hi\n.\n",
    b"hi\r.\r",
    b"\r\n",
    b"\n",
    b"\0\r\n",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"VRFY x\r\n",
    b"HELP\r\n",
    b"STARTTLS\r\n",
    b"AUTH PLAIN AHRvb2wAeA==\r\n",
    b"AUTH LOGIN\r\n",
    b"dG9vbA==\r\n",
    b"x" * 400 + b"\r\n",
    b"X-Galateo-Class: none\r\n",
]
STREAM = st.lists(st.one_of(st.sampled_from(COMMANDS), st.binary(max_size=20)), max_size=25).map(b"".join)


async def play(house: House, pieces: list[bytes]) -> bytes:
    """Feed the pieces, exactly so cut, to a session on a real connection; return all it says until QUIT."""
    found = set(house.listener._reception.sessions)
    wire = await house.connect(greet=False)
    greeting = await wire.reply()
    [session] = set(house.listener._reception.sessions) - found
    assert isinstance(session, SmtpSession)
    for piece in filter(None, pieces):
        if session.transport is None:
            break
        session.data_received(piece)
        await asyncio.sleep(0)
    wire.writer.write_eof()
    said = await wire.rest()
    wire.close()
    return greeting.encode() + b"\r\n" + said


def blank_ids(said: bytes, house: House) -> bytes:
    for message in house.messages:
        said = said.replace(message.id.encode(), b"ID")
    return said


@given(STREAM, st.data())
def test_any_cut_gives_the_same_replies(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    async def compare() -> None:
        async with House(limits=LIMITS) as whole, House(limits=LIMITS) as cut:
            once = blank_ids(await play(whole, [stream, b"\r\nQUIT\r\n"]), whole)
            twice = blank_ids(await play(cut, [*pieces, b"\r\nQUIT\r\n"]), cut)
            assert once == twice
            assert [m.raw for m in whole.messages] == [m.raw for m in cut.messages]

    asyncio.run(compare())


@given(STREAM)
def test_nothing_disturbs_the_gateway_or_other_sessions(stream: bytes) -> None:
    errors: list[Any] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR:
                errors.append(record.getMessage())

    async def attack() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: errors.append(context))
        async with House(access=access_with(), limits=LIMITS) as house:
            other = await house.connect()
            said = await play(house, [stream])
            for line in said.removesuffix(b"\r\n").split(b"\r\n"):
                assert line[:3].isdigit(), said
                assert line[3:4] in b" -", said
                assert len(line) < 512, said
                assert line.decode("ascii").isprintable(), said
            assert (await other.say("NOOP")).startswith("250")
            assert house.messages == []
            assert house.listener._reception.budget.used == 0

    collector = Collect()
    logging.getLogger().addHandler(collector)
    try:
        asyncio.run(attack())
    finally:
        logging.getLogger().removeHandler(collector)
    assert errors == []


@pytest.mark.parametrize("size", [60_000_000])
async def test_one_line_of_many_megabytes_is_refused_by_its_size(size: int) -> None:
    async with House() as house:
        wire = await house.connect()
        await wire.say("EHLO x")
        assert (await wire.mail()).startswith("354")
        for _ in range(size // 1_000_000):
            await wire.send(b"x" * 1_000_000)
            assert house.listener._reception.budget.used < 30_000_000
        await wire.send(b"\r\n.\r\n")
        assert (await wire.reply()).startswith("552 5.3.4")
        assert house.messages == []
        assert (await wire.say("NOOP")).startswith("250")


async def test_many_refused_messages_in_one_packet() -> None:
    """Each is over before the next begins: no recursion, and a turn for others in between."""
    async with House(limits=Limits(errors=100_000)) as house:
        wire: Wire = await house.connect()
        await wire.say("EHLO x")
        one = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n\n.\r\n\r\n.\r\n"
        wire.writer.write(one * 3000 + b"QUIT\r\n")
        said = await wire.rest(60)
        assert said.count(b"550 5.6.11") == 3000
        assert said.endswith(b"221 2.0.0 Bye\r\n")
        assert house.messages == []
