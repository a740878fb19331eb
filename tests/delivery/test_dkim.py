"""Signatures that another implementation verifies, whatever was added and taken out before."""

import base64
import time
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.delivery.dkim import (
    BadKey,
    SigningKey,
    SigningOutbox,
    body_hash,
    from_domain,
    load_signing_keys,
    signature,
)
from gateway.delivery.transaction import compose
from gateway.message.parse import parse
from gateway.message.rewrite import BLIND, outgoing, unsigned
from tests.delivery.outbox import MemoryOutbox, entry

RSA = SigningKey("r1", "acme.example", generate_private_key(65537, 2048))
ED = SigningKey("e1", "acme.example", Ed25519PrivateKey.generate())
MAIL = (
    b"From: Elena <elena@acme.example>\r\nTo: anna@example.org\r\nSubject: =?utf-8?q?citt=C3=A0?=\r\n"
    b"List-Unsubscribe: <mailto:x@acme.example>\r\nX-Other:  a \t b\r\n c\r\n\r\n"
    b"Ciao  Anna \r\n\r\nx\r\n\r\n\r\n"
)


def record(key: SigningKey) -> bytes:
    public = key.private.public_key()
    if isinstance(key.private, Ed25519PrivateKey):
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(raw)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + b"".join(pem.splitlines()[1:-1])


def lookup(name: bytes, timeout: int = 5) -> bytes | None:
    known = {b"%b._domainkey.acme.example." % k.selector.encode(): record(k) for k in (RSA, ED)}
    return known.get(name)


def verified(raw: bytes) -> bool:
    found = dkim.DKIM(raw)
    try:
        return all(found.verify(idx=n, dnsfunc=lookup) for n in range(raw.lower().count(b"dkim-signature:")))
    except dkim.DKIMException:
        return False


@pytest.mark.parametrize("key", [RSA, ED], ids=["rsa", "ed25519"])
def test_another_implementation_verifies(key: SigningKey) -> None:
    raw = b"DKIM-Signature: " + signature(key, MAIL, time.time()).encode() + b"\r\n" + MAIL
    assert verified(raw)
    assert not verified(raw.replace(b"Ciao", b"Addio"))
    assert not verified(raw.replace(b"mailto:x", b"mailto:y"))
    assert all(len(line) <= 78 for line in signature(key, MAIL, 0).split("\r\n"))


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b".", "è".encode()]), max_size=40),
    st.lists(st.sampled_from(["x", " ", "\t", "\r\n ", "\r\n\t"]), max_size=12),
)
def test_any_spacing_is_signed_as_others_read_it(pieces: list[bytes], header: list[str]) -> None:
    value = "x" + "".join(header) + "x"
    raw = b"From: e@acme.example\r\nSubject: " + value.encode() + b"\r\n\r\n" + b"".join(pieces)
    raw = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    assert verified(b"DKIM-Signature: " + signature(ED, raw, 1).encode() + b"\r\n" + raw)


def test_empty_lines_at_the_end_take_no_time() -> None:
    begun = time.process_time()
    found = body_hash(b"Ciao\r\n" + b"\r\n" * 500_000)  # each of them copied what was left
    assert time.process_time() - begun < 2
    assert found == body_hash(b"Ciao\r\n")
    assert body_hash(b"\r\n" * 1_000) == body_hash(b"")


def outbox(*, resign: bool = False) -> SigningOutbox:
    return SigningOutbox(MemoryOutbox(time.time), {"acme.example": (RSA, ED)}, time.time, resign=resign)


def test_what_was_added_and_taken_out_is_covered() -> None:
    given_entry = entry(
        raw=MAIL,
        strip_headers=("list-unsubscribe",),
        add_headers=(
            ("List-Unsubscribe", "<https://out.example/u/abc>,\r\n <mailto:leave@out.example>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ),
    )
    raw = compose(outbox().sign(given_entry))
    assert isinstance(raw, bytes)
    assert raw.count(b"DKIM-Signature:") == 2
    assert verified(raw)
    signed = parse(raw).headers.get_all("dkim-signature")[0].replace(" ", "").lower()
    assert "list-unsubscribe:list-unsubscribe:list-unsubscribe-post" in signed
    assert raw.count(b"List-Unsubscribe:") == 1
    assert not verified(b"List-Unsubscribe: <https://evil.example/>\r\n" + raw)


def test_a_header_without_an_empty_line_is_signed() -> None:
    raw = compose(outbox().sign(entry(raw=MAIL.partition(b"\r\n\r\n")[0])))
    assert isinstance(raw, bytes)
    assert raw.count(b"DKIM-Signature:") == 2
    assert verified(raw)


def test_only_ones_own_domain_is_signed() -> None:
    for sender in (b"x@other.example", b"x@acme.example.evil", b"a@acme.example, b@other.example", b""):
        raw = MAIL.replace(b"Elena <elena@acme.example>", sender)
        assert outbox().sign(entry(raw=raw)).add_headers == (), sender
    assert outbox().sign(entry(raw=b"{}", format="json")).add_headers == ()
    twice = b"From: a@acme.example\r\n" + MAIL
    assert from_domain(parse(twice).headers) == ""


def test_what_came_signed_is_left_or_signed_anew() -> None:
    raw = b"DKIM-Signature: v=1; a=rsa-sha256; d=tool.example; s=x; h=from; bh=x; b=x\r\n" + MAIL
    assert outbox().sign(entry(raw=raw)).add_headers == ()
    anew = outbox(resign=True).sign(entry(raw=raw, strip_headers=("dkim-signature",)))
    composed = compose(anew)
    assert isinstance(composed, bytes)
    assert b"tool.example" not in composed
    assert verified(composed)


@pytest.mark.parametrize("covered", [False, True])
def test_a_blind_copy_that_a_signature_covers_is_left_and_any_other_taken_out(covered: bool) -> None:
    raw = b"Bcc: hid@example.org\r\nReturn-Path: <old@acme.example>\r\n" + MAIL
    names = [b"from", b"to", b"subject", *([b"bcc"] if covered else [])]
    key = RSA.private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    signer = dkim.DKIM(raw)
    signer.should_not_sign = set()  # RFC 6376 5.4 asks to leave Bcc out; not everybody does
    signed = signer.sign(b"r1", b"acme.example", key, include_headers=names) + raw
    left = outgoing(signed, unsigned(signed, BLIND))
    assert verified(signed)
    assert verified(left)
    assert (b"hid@example.org" in left, b"Return-Path" in left) == (covered, False)


def test_keys_are_found_by_the_name_of_their_record(tmp_path: Path) -> None:
    for key in (RSA, ED):
        pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / f"{key.selector}._domainkey.acme.example.pem").write_bytes(pem)
    found = load_signing_keys(tmp_path)
    assert {k.algorithm for k in found["acme.example"]} == {"rsa-sha256", "ed25519-sha256"}
    (tmp_path / "x.pem").write_text("")
    with pytest.raises(BadKey, match="named"):
        load_signing_keys(tmp_path)
    (tmp_path / "x.pem").unlink()
    (tmp_path / "s._domainkey.b.example.pem").write_text("no key")
    with pytest.raises(BadKey, match="PEM"):
        load_signing_keys(tmp_path)
    with pytest.raises(BadKey, match="folder"):
        load_signing_keys(tmp_path / "nowhere")
