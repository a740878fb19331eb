"""Every mail file of the corpus, sent as it stands with CRLF line ends."""

import asyncio
import re
from pathlib import Path

from tests.ingress.smtp.house import House
from tests.tools import shared


def load(file: Path) -> bytes:
    return re.sub(rb"\r\n|\r|\n", b"\r\n", file.read_bytes())


async def test_every_file_gets_a_proper_reply_and_arrives_byte_for_byte() -> None:
    files = sorted(shared("data/eml").glob("*.eml"))
    assert len(files) > 100
    arrived = 0
    async with House() as house:
        wire = await house.connect()
        await wire.say("EHLO corpus")
        for file in files:
            raw = load(file)
            raw += b"" if raw.endswith(b"\r\n") or not raw else b"\r\n"
            assert (await wire.mail()).startswith("354"), file.name
            stuffed = (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:]
            for start in range(0, len(stuffed), 1000):
                await wire.send(stuffed[start : start + 1000])
                await asyncio.sleep(0)
            await wire.send(b".\r\n")
            reply = await wire.reply()
            if b"\0" in raw:
                assert reply.startswith("554 5.6.0"), file.name
                continue
            assert reply.startswith("250 2.0.0 "), (file.name, reply)
            assert house.messages[-1].raw == raw, file.name
            assert reply.split()[2] == house.messages[-1].id
            arrived += 1
        wire.close()
    assert arrived == len(house.messages) > 100
