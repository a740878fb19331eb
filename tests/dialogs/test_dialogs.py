"""Runs every SMTP session written as text in this folder.

    > line       send the line and CRLF
    >> octets    send them as they stand, with escapes (\\r \\n \\x00 \\\\) and no CRLF added
    < prefix     the next reply; its last line begins so
    + prefix     a line of the last reply begins so
    - prefix     no line of the last reply begins so
    <eof         the gateway hangs up, having said nothing more
    <nothing     no reply comes (a NOOP is sent and answered next)
    = octets     what the last message submitted contains
    messages 2   how many were submitted so far
    # text       a comment

Before the first line, `! name value` sets the house up: `access open` (no passwords, the default) or
`access tool`, `limit NAME NUMBER`, `source NAME VALUE`, `refuse ADDRESS` (at RCPT).
"""

import ast
from pathlib import Path
from typing import Any

import pytest

from gateway.access import development_access
from gateway.ingress.smtp_limits import Limits
from tests.ingress.smtp.house import House, Wire, access_with

FILES = sorted(Path(__file__).parent.glob("*.txt"))


def unescape(text: str) -> bytes:
    return ast.literal_eval('b"' + text.replace('"', '\\"') + '"')  # type: ignore[no-any-return]


def set_up(lines: list[str]) -> House:
    limits: dict[str, Any] = {"auth_delay": 0.0}
    source: dict[str, Any] = {}
    refused: set[str] = set()
    tool = False
    for line in lines:
        what, _, rest = line.partition(" ")
        name, _, value = rest.partition(" ")
        if what == "limit":
            limits[name] = float(value) if "." in value else int(value)
        elif what == "source":
            source[name] = frozenset(value.split()) if name in {"classes", "from_domains"} else value
        elif what == "refuse":
            refused.add(name)
        elif what == "access":
            tool = name == "tool"
        else:
            raise ValueError(line)

    def refuse(_: Any, recipient: Any) -> str | None:
        return "This address bounced." if recipient.address in refused else None

    return House(
        access=access_with(**source) if tool or source else development_access(),
        limits=Limits(**limits),
        refuse_at_rcpt=refuse if refused else None,
    )


async def play(house: House, wire: Wire, line: str, last: list[str]) -> None:
    what, _, rest = line.partition(" ")
    if what == ">":
        await wire.send(rest.encode() + b"\r\n")
    elif what == ">>":
        await wire.send(unescape(rest))
    elif what == "<":
        last[:] = (await wire.reply()).split("\n")
        assert last[-1].startswith(rest), last
    elif what == "+":
        assert any(each.startswith(rest) for each in last), last
    elif what == "-":
        assert not any(each.startswith(rest) for each in last), last
    elif what == "<eof":
        assert await wire.rest() == b""
    elif what == "<nothing":
        await wire.send(b"NOOP\r\n")
        assert (await wire.reply()).startswith("250 2.0.0")
    elif what == "=":
        assert unescape(rest) in house.messages[-1].raw
    elif what == "messages":
        assert len(house.messages) == int(rest)
    else:
        raise ValueError(line)


def read(file: Path) -> list[str]:
    return [
        line for line in file.read_text(encoding="utf-8").split("\n") if line and not line.startswith("#")
    ]


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
async def test_dialog(file: Path) -> None:
    lines = read(file)
    async with set_up([line[2:] for line in lines if line.startswith("! ")]) as house:
        wire = await house.connect(greet=False)
        last: list[str] = []
        for number, line in enumerate(lines, 1):
            if line.startswith("! "):
                continue
            try:
                await play(house, wire, line, last)
            except (AssertionError, TimeoutError) as error:
                raise AssertionError(f"{file.name}, step {number}: {line!r}: {error}") from error
        wire.close()


def test_there_are_dialogs() -> None:
    assert len(FILES) > 20
