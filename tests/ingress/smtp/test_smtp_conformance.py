"""The session class beside stock aiosmtpd: the same codes to ordinary dialogs, the same attributes."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from gateway.ingress.smtp_limits import Limits
from tests.ingress.smtp.house import House, Wire

DIALOGS = [
    "EHLO x|MAIL FROM:<a@b.example>|RCPT TO:<c@d.example>|DATA|hello\r\n.|QUIT",
    "HELO x|MAIL FROM:<a@b.example>|RCPT TO:<c@d.example>|RCPT TO:<e@d.example>|DATA|hello\r\n.|QUIT",
    "EHLO x|MAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME SMTPUTF8|RCPT TO:<ü@d.example>|DATA|ü\r\n.",
    "EHLO x|MAIL FROM:<a@b.example>|RSET|MAIL FROM:<a@b.example>|MAIL FROM:<a@b.example>",
    "MAIL FROM:<a@b.example>|RCPT TO:<c@d.example>|DATA",
    "EHLO x|RCPT TO:<c@d.example>|DATA|MAIL FROM:<a@b.example>|DATA",
    "EHLO|HELO|EHLO x|HELO y|NOOP|NOOP x|RSET|RSET x|QUIT x|QUIT",
    "EHLO x|MAIL|MAIL FROM:|MAIL FROM:<a@b.example>|RCPT|RCPT TO:",
    "EHLO x|MAIL FROM:<a@b.example> SIZE=abc|MAIL FROM:<a@b.example> BODY=9BIT|MAIL FROM:<a@b.example> FOO=1",
    "EHLO x|MAIL FROM:<a@b.example> SIZE=99999999|MAIL FROM:<a@b.example> SMTPUTF8=1",
    "HELO x|MAIL FROM:<a@b.example> SIZE=1|MAIL FROM:<a@b.example>|RCPT TO:<c@d.example> FOO=1",
    "EHLO x|MAIL FROM: <a@b.example>|RCPT TO:<c@d.example>|DATA x|DATA|.",
    "EHLO x|FOO|VRFY a@b.example|VRFY|EXPN x|HELP|HELP MAIL|HELP FOO|STARTTLS",
    'EHLO x|MAIL FROM:<"a b"@c.example>|RCPT TO:<@x.example:c@d.example>|RCPT TO:<a@[127.0.0.1]>|DATA|.',
    "ehlo x|mail from:<a@b.example>|rcpt to:<c@d.example>|data|x\r\n.|quit",
    "EHLO x|AUTH|AUTH FOO|AUTH PLAIN !|AUTH PLAIN eA==|AUTH LOGIN|*",
]


@pytest.fixture
async def stock_port() -> AsyncIterator[int]:
    class Discard:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            return "250 OK"

    loop = asyncio.get_running_loop()
    options = {"hostname": "gw.example", "enable_SMTPUTF8": True, "data_size_limit": 1_000_000}
    server = await loop.create_server(
        lambda: SMTP(Discard(), loop=loop, auth_require_tls=False, **options), "127.0.0.1", 0
    )
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.sleep(0.01)


async def converse(wire: Wire, dialog: str) -> list[str]:
    codes = []
    for line in dialog.split("|"):
        await wire.send(line.encode() + b"\r\n")
        codes.append((await wire.reply())[:3])
    return codes


@pytest.mark.parametrize("dialog", DIALOGS)
async def test_codes(dialog: str, stock_port: int) -> None:
    async with House(limits=Limits(message_bytes=1_000_000)) as house:
        ours = await converse(await house.connect(), dialog)
        stock = Wire(*await asyncio.open_connection("127.0.0.1", stock_port))
        house.wires.append(stock)
        await stock.reply()
        assert ours == await converse(stock, dialog)


async def test_the_session_has_every_attribute_of_the_stock_class() -> None:
    loop = asyncio.get_running_loop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stock = vars(SMTP(object(), hostname="x", loop=loop))
    async with House() as house:
        wire = await house.connect()
        await wire.say("HELP")
        [session] = house.listener._reception.sessions
        ours = vars(session)
    assert set(stock) - set(ours) == set()


async def test_every_refusal_has_an_enhanced_status_code() -> None:
    """Over all dialogs above: 2xx, 4xx and 5xx carry x.y.z of their own class (RFC 2034)."""
    async with House(limits=Limits(message_bytes=1_000_000)) as house:
        for dialog in DIALOGS:
            wire = await house.connect()
            for line in dialog.split("|"):
                await wire.send(line.encode() + b"\r\n")
                said = await wire.reply()
                if said[:3] in {"354", "334"} or (line[:4].upper() in {"EHLO", "HELO"} and said[0] == "2"):
                    continue
                assert said[4] == said[0], said
                assert said[5] == ".", said
