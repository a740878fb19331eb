"""What was probably meant where a file is no YAML, or no text: a parser's own words are for programmers."""

import codecs
import re

_SPACES = "\u00a0\u1680\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff"
_ODD_SPACE = re.compile(rf"^[ \t-]*[{_SPACES}]|[:-][{_SPACES}]")
_CURLY = re.compile(r"[:\[{,-]\s*[“”„‟«»‘’‚‛]")
_TIGHT_COLON = re.compile(r"""[\s-]*[A-Za-z_]+:[^\s:/"']""")
_TIGHT_DASH = re.compile(r"\s*-[A-Za-z]")
_RESERVED = re.compile(r"^[\s-]*\w+:\s*([@%`*&!|>{\[\"'-])")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_STRAIGHT = "write straight ones, \" or '; word processors bend them"

LINE_UP = "begin it in the same column as the keys beside it, with spaces"
QUOTE = 'put the whole text in quotes: title: "..."'


def diagnose(text: str, said: str, line: int) -> tuple[int, str, str]:
    """The line (1-based) to look at, what is wrong there, and what to do; what the parser `said` of `line`
    where nothing better is known."""
    rows = text.split("\n")
    for at in (line, line - 1):
        row = rows[at - 1] if 0 < at <= len(rows) else ""
        found = _in_row(row, said)
        if found:
            return at, *found
    return line, *_by_words(said)


def _in_row(row: str, said: str) -> tuple[str, str] | None:
    if "\t" in row[: len(row) - len(row.lstrip())] or (r"'\t'" in said and "\t" in row):
        return (
            "a tab stands in this line",
            "write spaces in its place, as many as the lines beside it begin with",
        )
    if _ODD_SPACE.search(row):
        return "a space in this line is not an ordinary one", "delete it and type it again"
    if _CURLY.search(row):
        return "the quotes in this line are curly", _STRAIGHT
    if _TIGHT_DASH.match(row):
        return "a space is missing after the dash", "- rule: ..."
    if _TIGHT_COLON.match(row):
        return "a space is missing after the colon", "limit: 5"
    mark = _RESERVED.match(row)
    if mark and mark[1] in "@%`*" and ("cannot start" in said or "alias" in said):
        return f"a text cannot begin with {mark[1]}", QUOTE
    if mark and mark[1] == "-" and "sequence entries" in said:
        return "a text cannot begin with a dash", QUOTE
    if mark and mark[1] in "\"'{" and "<scalar>" in said and "expected ','" not in said:
        return "more text follows what is in quotes or braces", QUOTE
    if row.count(": ") > 1 and "mapping values" in said and "{" not in row:
        return "a colon within a text looks like a second key", QUOTE
    return None


def _by_words(said: str) -> tuple[str, str]:
    if "end of stream" in said:
        return "a quote is opened here and never closed", "close it, with the same kind"
    if "another document" in said:
        return "a second document begins here", "a file holds one document: give each a file of its own"
    if "escape" in said:
        return "a backslash within double quotes means something else", "use single quotes: '...'"
    if "expected ',' or" in said:
        return (
            "a bracket, a quote or a comma is missing here or just before",
            "compare it with a line like it",
        )
    if "<block end>" in said or "mapping values" in said or "sequence entries" in said or "':'" in said:
        return "this line or the one before is not lined up with its neighbors", LINE_UP
    return said, ""


def strange(text: str) -> tuple[int, str, str] | None:
    """The first character that no YAML may hold: line, what is wrong, what to do."""
    found = _CONTROL.search(text)
    if not found:
        return None
    line = text.count("\n", 0, found.start()) + 1
    return line, f"an invisible character (U+{ord(found[0]):04X}) stands in this line", "type the line again"


def undecodable(data: bytes) -> tuple[int, str, str]:
    """The same of octets that are no UTF-8."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return 1, "the file is not UTF-8 text, but UTF-16", "save it again with the encoding UTF-8"
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"{\\rtf", b"%PDF")):
        return 1, "the file is not UTF-8 text, but a document", "save it as plain text, encoding UTF-8"
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return (
            line,
            "the file is not UTF-8 text; the first other letter is here",
            "save it with the encoding UTF-8",
        )
    return 1, "the file is not UTF-8 text", "save it with the encoding UTF-8"
