"""Base64 of large octets (RFC 4648, RFC 2045 6.8), in pieces: whoever does it in a thread lets others work in
between, which one long call into C does not.
"""

from binascii import Error, a2b_base64, b2a_base64

PIECE = 256 * 1024
"""A multiple of 4 characters."""
WIDTH = 76
_LINE = WIDTH // 4 * 3


def decode(text: str) -> bytes:
    """The octets of Base64 without white space. Raises ValueError for anything else."""
    if len(text) <= PIECE:
        return a2b_base64(text, strict_mode=True)
    found = []
    for start in range(0, len(text), PIECE):
        piece = text[start : start + PIECE]
        if "=" in piece and start + PIECE < len(text):
            raise Error("padding within the text")
        found.append(a2b_base64(piece, strict_mode=True))
    return b"".join(found)


def encode_lines(octets: bytes) -> bytes:
    """Lines of 76 characters, each with its CRLF."""
    lines = []
    step = PIECE // WIDTH * _LINE
    for start in range(0, len(octets), step):
        text = b2a_base64(octets[start : start + step], newline=False)
        lines += [text[at : at + WIDTH] for at in range(0, len(text), WIDTH)]
    return b"\r\n".join([*lines, b""])
