"""The argument of MAIL FROM and RCPT TO."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.address import parse_mailbox, parse_path

ACCEPTED = {
    b"<mario@azienda.example>": "mario@azienda.example",
    b" <mario@azienda.example> ": "mario@azienda.example",
    b"mario@azienda.example": "mario@azienda.example",
    b"<>": "",
    b"<a@localhost>": "a@localhost",
    b"<a+b/c=d!#$%&'*?^_`{|}~@x.example>": "a+b/c=d!#$%&'*?^_`{|}~@x.example",
    b'<"a b"@x.example>': '"a b"@x.example',
    b'<"a>@\\"b"@x.example>': '"a>@\\"b"@x.example',
    b"<a@[192.0.2.1]>": "a@[192.0.2.1]",
    b"<a@[IPv6:2001:db8::1]>": "a@[IPv6:2001:db8::1]",
    b"<@one.example,@two.example:a@x.example>": "a@x.example",
    b"<" + b"l" * 64 + b"@x.example>": "l" * 64 + "@x.example",
    b"<a@xn--caff-8oa.example>": "a@xn--caff-8oa.example",
}
REFUSED = [
    b"",
    b"<",
    b">",
    b"<a>",
    b"a",
    b"<@x.example>",
    b"<a@>",
    b"<a@x.example",
    b"a@x.example>",
    b"<a..b@x.example>",
    b"<.a@x.example>",
    b"<a.@x.example>",
    b"<a b@x.example>",
    b"<a@x..example>",
    b"<a@-x.example>",
    b"<a@x-.example>",
    b"<a@x_y.example>",
    b"<a@.example>",
    b"<a@x.example.>",
    b"<a@b@x.example>",
    b"<a@x.example>b",
    b"<a@x.example>SIZE=1",
    b"<a(c)@x.example>",
    b'<"a@x.example>',
    b'<"a"b@x.example>',
    b"<a\0@x.example>",
    b"<a\r@x.example>",
    b"<a\n@x.example>",
    b"<a@x.example\r>",
    b"<a@x.example>\r\nRCPT TO:<b@x.example>",
    b"<a@x.example> \n",
    b'<"a\0b"@x.example>',
    b'<"a\r\n"@x.example>',
    b"<a\x7f@x.example>",
    b"<\x1ba@x.example>",
    b"<a@[192.0.2.256]>",
    b"<a@[IPv6:zz]>",
    b"<a@[IPv6:fe80::1%eth0]>",
    b"<a@[x]>",
    b"<a@[192.0.2.1>",
    b"<@x.example:>",
    b"<@-x.example:a@x.example>",
    b"<" + b"l" * 65 + b"@x.example>",
    b"<a@" + b"x" * 64 + b".example>",
    b"<a@" + b"x.ex." * 52 + b"example>",
    "<é@x.example>".encode(),
    b"<\xff@x.example>",
    b"<a@x.example> B\xc3\xa9=1",
]


@pytest.mark.parametrize("arg", ACCEPTED)
def test_accepted(arg: bytes) -> None:
    mailbox = parse_mailbox(arg)
    assert mailbox is not None
    assert mailbox.address == ACCEPTED[arg]
    assert parse_mailbox(arg.decode()) == mailbox
    assert mailbox.is_null is (arg == b"<>")
    if mailbox.address:
        assert f"{mailbox.local}@{mailbox.domain}" == mailbox.address


@pytest.mark.parametrize("arg", REFUSED)
def test_refused(arg: bytes) -> None:
    assert parse_mailbox(arg) is None


@pytest.mark.parametrize(
    ("arg", "accepted"),
    [
        ("<é@x.example>", True),
        ("<a@caffè.example>", True),
        ("<用户@例子.example>", True),
        ("<a\u200b@x.example>", False),
        ("<a\u202e@x.example>", False),
        ("<a\x85@x.example>", False),
        ("<a\u00a0@x.example>", False),
        ("<a＠x.example>", False),
        ("<" + "é" * 33 + "@x.example>", False),
        ("<a@é\u0338\u2260.example>", False),
        ("<a\ud800@x.example>", False),
    ],
)
def test_smtputf8(arg: str, accepted: bool) -> None:
    assert (parse_mailbox(arg, utf8=True) is not None) is accepted
    assert parse_mailbox(arg) is None


def test_parameters_follow_the_path() -> None:
    for path in (b"<a@x.example>", b'<"a b"@x.example>', b"a@x.example"):
        parsed = parse_path(path + b" SIZE=12 BODY=8BITMIME")
        assert parsed is not None
        assert parsed[1] == "SIZE=12 BODY=8BITMIME"
        assert parse_mailbox(path + b" SIZE=12") is None
    assert parse_path(b"<a@x.example> ") == parse_path(b"<a@x.example>")


@given(
    st.one_of(
        st.binary(max_size=60), st.text(alphabet='<>@.ab"\\:, []1\r\n\0é\u200b', max_size=40).map(str.encode)
    ),
    st.booleans(),
)
def test_nothing_dangerous_passes(arg: bytes, utf8: bool) -> None:
    parsed = parse_path(arg, utf8=utf8)
    if parsed:
        address, rest = parsed[0].address, parsed[1]
        assert not any(ord(c) < 32 or ord(c) == 127 for c in address + rest)
        assert utf8 or (address + rest).isascii()
        assert not address or parse_mailbox(f"<{address}>", utf8=utf8) == parsed[0]


@pytest.mark.parametrize(
    "arg",
    [
        b"<" + b"a." * 50_000 + b"@x>",
        b'<"' + b"\\" * 100_000,
        b"<" + b"@a," * 30_000,
        b"<a@" + b"a-" * 50_000,
    ],
)
def test_long_arguments_cost_little(arg: bytes) -> None:
    before = time.process_time()
    assert parse_mailbox(arg) is None
    assert time.process_time() - before < 0.5
