"""Base64 in pieces says what the standard library says in one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.base64_text import PIECE, decode, encode_lines


@given(st.binary(max_size=400))
def test_lines_are_those_of_mime(octets: bytes) -> None:
    assert encode_lines(octets) == base64.encodebytes(octets).replace(b"\n", b"\r\n")


@pytest.mark.parametrize("size", [PIECE * 3 // 4 - 1, PIECE * 3 // 4, PIECE * 3 // 4 + 1, PIECE * 2 + 5])
def test_pieces_make_the_whole(size: int) -> None:
    octets = bytes(range(256)) * (size // 256 + 1)
    octets = octets[:size]
    assert decode(base64.b64encode(octets).decode()) == octets
    assert encode_lines(octets) == base64.encodebytes(octets).replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    "text", ["a", "ab=", "ab==cd==", "a b=", "ab%=", "é", "=", "A" * (PIECE - 2) + "==" + "AAAA"]
)
def test_what_is_no_base64(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        decode(text)
