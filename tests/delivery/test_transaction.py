from hypothesis import example, given
from hypothesis import strategies as st

from gateway.delivery.transaction import Offers, Refusal, compose, open_transaction, read_offers, stuff
from tests.delivery.outbox import entry

EVERYTHING = Offers(pipelining=True, eight_bit=True, utf8=True, dsn=True, size=0, takes_size=True)


def unstuff(wire: bytes) -> bytes:
    """What a relay makes of it (RFC 5321 4.5.2)."""
    kept = []
    for line in wire.split(b"\r\n")[:-1]:
        assert line != b".", "the message would end here"
        kept.append(line.removeprefix(b"."))
    return b"".join(line + b"\r\n" for line in kept)


NASTY = st.lists(
    st.sampled_from([b".", b"\r\n", b"\r", b"\n", b"\0", b"a", b"MAIL FROM:<x@y>", b"\r\n.\r\n", b"\n.\n"])
).map(b"".join)


@given(NASTY)
@example(b"\n.\r\nMAIL FROM:<a@b>\r\n")
@example(b"\r\n.\n")
@example(b"\r\r\n\n.\r\r\n\n")
@example(b".")
def test_no_message_can_end_itself(raw: bytes) -> None:
    composed = compose(entry(raw=raw))
    bare = raw.replace(b"\r\n", b"")
    if b"\r" in raw.replace(b"\r\n", b" ") or b"\n" in raw.replace(b"\r\n", b" ") or b"\0" in bare:
        assert isinstance(composed, Refusal)
    else:
        assert isinstance(composed, bytes)
        assert unstuff(stuff(composed)) == (raw if raw.endswith(b"\r\n") else raw + b"\r\n")


@given(name=st.text(max_size=20), value=st.text(max_size=50))
@example(name="X", value="a\r\nBcc: b@example.org")
@example(name="X", value="a\r\n b\r\n")
@example(name="X: y\r\nZ", value="a")
def test_no_added_header_can_become_two(name: str, value: str) -> None:
    composed = compose(entry(add_headers=((name, value),), raw=b"A: b\r\n\r\nc\r\n"))
    if isinstance(composed, bytes):
        head, _, body = composed.partition(b"\r\n\r\n")
        assert body == b"c\r\n"
        starts = [line for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
        assert len(starts) == 2
        assert starts[0].startswith(f"{name}: ".encode())


PLACES = st.text(alphabet=st.sampled_from([*'ab@<> \r\n\0.,;:"\\[]()é\u2028\x85\x7f']), max_size=12)


@given(sender=PLACES, recipient=PLACES)
@example(sender="a@b", recipient='"x> y"@b')
@example(sender="a@b", recipient="a@b>\r\nRCPT TO:<c@d")
def test_no_address_can_become_a_command(sender: str, recipient: str) -> None:
    opening = open_transaction(entry(envelope_from=sender, address=recipient), b"x\r\n", EVERYTHING)
    if isinstance(opening, tuple) and not isinstance(opening, Refusal):
        for line in opening:
            assert line.endswith(b"\r\n")
            assert line.count(b"\r") == line.count(b"\n") == 1
            assert b"\0" not in line
            assert line.count(b"<") == line.count(b">") == 1


@given(notify=PLACES, orcpt=PLACES, dsn_return=PLACES, envelope_id=PLACES)
def test_no_dsn_parameter_can_become_another(
    notify: str, orcpt: str, dsn_return: str, envelope_id: str
) -> None:
    given = entry(notify=notify, orcpt=orcpt, dsn_return=dsn_return, dsn_envelope_id=envelope_id)
    opening = open_transaction(given, b"x\r\n", EVERYTHING)
    assert not isinstance(opening, Refusal)
    mail, rcpt = opening
    allowed = ("SIZE=3", "RET=FULL", "RET=HDRS", f"ENVID={envelope_id}")
    assert all(word in allowed for word in mail.decode().split()[2:])
    assert len(rcpt.decode().split()) <= 4


def test_an_original_recipient_beyond_ascii_goes_on_in_ascii() -> None:
    given = entry(orcpt="utf-8;x@müller.example", notify="SUCCESS")
    opening = open_transaction(given, b"x\r\n", EVERYTHING)
    assert opening[1] == (b"RCPT TO:<anna@example.org> NOTIFY=SUCCESS ORCPT=utf-8;x@m\\x{FC}ller.example\r\n")


def test_offers_are_read_with_doubt() -> None:
    assert read_offers({"pipelining": "", "size": "1000", "8bitmime": ""}) == Offers(
        pipelining=True, eight_bit=True, size=1000, takes_size=True
    )
    for size in ("", "-1", "many", "9" * 40, "٣"):
        assert read_offers({"size": size}).size == 0


def test_the_null_sender_is_fine() -> None:
    assert open_transaction(entry(envelope_from=""), b"x\r\n", Offers()) == (
        b"MAIL FROM:<>\r\n",
        b"RCPT TO:<anna@example.org>\r\n",
    )
