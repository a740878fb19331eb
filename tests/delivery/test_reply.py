import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.delivery.reply import MAX_LINE, MAX_LINES, BrokenReplyError, Reply, ReplyReader, printable

CODES = st.integers(200, 599)
TEXTS = st.binary(max_size=60).filter(lambda text: not set(b"\r\n") & set(text))


@settings(max_examples=40)
@given(
    replies=st.lists(st.tuples(CODES, st.lists(TEXTS, min_size=1, max_size=4)), max_size=5), data=st.data()
)
def test_replies_are_read_in_whatever_pieces_they_come(
    replies: list[tuple[int, list[bytes]]], data: st.DataObject
) -> None:
    wire = b"".join(
        b"%d%b%b\r\n" % (code, b" " if n == len(lines) else b"-", line)
        for code, lines in replies
        for n, line in enumerate(lines, 1)
    )
    reader, read = ReplyReader(), []
    while wire:
        size = data.draw(st.integers(1, len(wire)))
        read += reader.feed(wire[:size])
        wire = wire[size:]
    assert read == [Reply(code, b" ".join(lines)) for code, lines in replies]
    assert not reader.midway


@given(st.lists(st.binary(max_size=100), max_size=20))
def test_anything_else_is_refused_and_never_raises_otherwise(pieces: list[bytes]) -> None:
    reader = ReplyReader()
    try:
        for piece in pieces:
            for reply in reader.feed(piece):
                assert 200 <= reply.code <= 599
    except BrokenReplyError:
        return


@pytest.mark.parametrize(
    "wire",
    [
        b"hello\r\n",
        b"\r\n",
        b"25 ok\r\n",
        b"2500 ok\r\n",
        b"250_ok\r\n",
        b"199 ok\r\n",
        b"600 ok\r\n",
        "２５０ ok\r\n".encode(),
        b"250-a\r\n251 b\r\n",
        b"250-a\r\n\r\n",
        b"250 " + b"x" * MAX_LINE + b"\r\n",
        b"2" * (MAX_LINE + 1),
        b"250-x\r\n" * (MAX_LINES + 1),
        b"HTTP/1.1 400 Bad Request\r\n",
    ],
)
def test_broken_replies(wire: bytes) -> None:
    with pytest.raises(BrokenReplyError):
        ReplyReader().feed(wire)


def test_replies_before_what_is_none_count() -> None:
    reader = ReplyReader()
    assert reader.feed(b"250 taken\r\n\x00what\r\n250 x\r\n") == [Reply(250, b"taken")]
    assert reader.midway
    assert reader.broken is not None
    with pytest.raises(BrokenReplyError):
        reader.feed(b"250 y\r\n")


@pytest.mark.parametrize(
    ("reply", "enhanced"),
    [
        (Reply(250, b"2.1.5 ok"), "2.1.5"),
        (Reply(550, b"5.1.1"), "5.1.1"),
        (Reply(550, b"5.1.1000 no"), ""),
        (Reply(550, b"4.1.1 of another class"), ""),
        (Reply(450, b"try later 4.2.1"), ""),
        (Reply(550, b"5.1.1no"), ""),
    ],
)
def test_enhanced_codes(reply: Reply, enhanced: str) -> None:
    assert reply.enhanced == enhanced


@given(st.binary(max_size=1000) | st.text(max_size=1000))
def test_printable_is_short_and_plain(text: bytes | str) -> None:
    plain = printable(text)
    assert len(plain) <= 200
    assert plain.isascii()
    assert not plain or plain.isprintable()


def test_printable_keeps_what_is_plain() -> None:
    assert printable(b"2.0.0 Ok: queued as 4AB") == "2.0.0 Ok: queued as 4AB"
    assert printable("x\r\n250 y") == "x?250 y"
