"""Reading in a process of its own says the same, and its end costs nothing but time."""

import asyncio
import os
import signal
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.aside import Aside
from gateway.aside.wire import frame, frames, pack_content, pack_read, unpack_content, unpack_read
from gateway.message.content import Attachment, Content
from gateway.reading.load import load_lexicons
from gateway.reading.packing import pack_reading
from gateway.reading.read import Reader

LEXICONS = Path(__file__).parents[2] / "policies" / "lexicons"
TEXTS = (
    Content(
        subject="Un'offerta per {{nome}}",
        text="Ciao Ada,\n\nla nostra piattaforma fa risparmiare il 30%. Prenota una demo gratuita!",
        recipient_name="Ada Neri",
        own_words=("Ada",),
    ),
    Content(html="<p>Hello <b>Dana</b>,</p><p style='display:none'>hidden text of some length</p>"),
    Content(text="", attachments=(Attachment(filename="a\udcff.pdf", type="application/pdf", size=9),)),
    Content(text="\ud800 lone, и кириллица, и 👋🏽", channel="linkedin", whole=False),
)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(load_lexicons(LEXICONS))


async def working(reader: Reader) -> Aside:
    """An Aside whose other process reads: it was given enough to read."""
    aside = Aside(reader)
    async with asyncio.timeout(60):
        while not aside.elsewhere:
            text = f"Il testo {os.urandom(200).hex()} non serve a nulla. " * 40
            assert (await aside.read(Content(text=text)))[1] == b""  # while it practices, too
            await asyncio.sleep(0)
    return aside


def child_of(parent: int) -> Iterable[int]:
    """The processes that read for this one."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, _, rest = status.read_text().partition(" (")
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(rest.rpartition(") ")[2].split()[1]) == parent and b"gateway.aside" in command:
            yield int(pid)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core reads in place")
async def test_it_says_the_same_elsewhere(reader: Reader) -> None:
    aside = await working(reader)
    try:
        answers = await asyncio.gather(*(aside.read(content) for content in TEXTS * 20))
        assert [reading for reading, _ in answers] == [reader.read(content) for content in TEXTS] * 20
        packed = [pack_reading(reader.read(content)) for content in TEXTS[:2]]
        assert [packed for _, packed in answers] == [*packed, b"", b""] * 20
        assert aside.elsewhere
    finally:
        await aside.stop()
    assert (await aside.read(TEXTS[0]))[0] == answers[0][0]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core reads in place")
async def test_what_waits_is_read_here_when_the_other_process_dies(reader: Reader) -> None:
    aside = await working(reader)
    try:
        asked = [asyncio.ensure_future(aside.read(content)) for content in TEXTS * 50]
        await asyncio.sleep(0)
        for pid in child_of(os.getpid()):
            os.kill(pid, signal.SIGKILL)
        answers = await asyncio.gather(*asked)
        assert [reading for reading, _ in answers] == [reader.read(content) for content in TEXTS] * 50
        assert not aside.elsewhere
    finally:
        await aside.stop()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core reads in place")
async def test_new_lexicons_are_used_at_once_and_the_old_process_ends(reader: Reader) -> None:
    aside = await working(reader)
    (old,) = child_of(os.getpid())
    pending = asyncio.ensure_future(aside.read(TEXTS[0]))
    await asyncio.sleep(0)
    aside.forget()
    assert not aside.elsewhere
    assert (await pending)[0] == reader.read(TEXTS[0])
    async with asyncio.timeout(20):
        while old in child_of(os.getpid()):  # noqa: ASYNC110 (nobody tells when a process ends)
            await asyncio.sleep(0.02)
    await aside.stop()


async def test_little_is_read_in_place(reader: Reader) -> None:
    aside = Aside(reader)
    for content in TEXTS:
        assert await aside.read(content) == (reader.read(content), b"")
    assert not aside.elsewhere
    assert not list(child_of(os.getpid()))
    await aside.stop()


@pytest.mark.parametrize("content", TEXTS[:2])
def test_contents_and_readings_pass_the_line(reader: Reader, content: Content) -> None:
    there = unpack_content(pack_content(content))
    assert reader.read(there) == reader.read(content)
    read = reader.read(content), b"as it is stored"
    assert unpack_read(pack_read(read)) == read


@pytest.mark.parametrize("content", TEXTS[2:])
def test_what_cannot_pass_the_line_says_so(content: Content) -> None:
    with pytest.raises(UnicodeEncodeError):
        pack_content(content)


@given(st.lists(st.binary(max_size=300), max_size=8), st.integers(1, 40))
def test_frames_come_whole_however_they_are_cut(values: list[bytes], size: int) -> None:
    said = b"".join(map(frame, values))
    waiting, found = bytearray(), []
    for place in range(0, len(said), size):
        waiting += said[place : place + size]
        found += frames(waiting)
    assert found == values
    assert not waiting
