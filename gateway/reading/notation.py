# ruff: noqa: E501 (a pattern reads better whole)
"""The notation of lexicon phrases, and its translation into RE2.

    offr{o|iamo|e}      alternatives, an empty one allowed: libr{o|i|}
    promozion*          any ending
    ti (caro) scrivo    a word that may be missing
    costa ... meno      up to four words between
    ^ sconto            at the start of a phrase
    sconto $            at its end
    posso inviar* ...?  in a question
    <n> <name> <names> <word> <,>   a number, a capitalized word, one to five of them, any one word, a comma
    sconto @2           twice the weight of its group

Letter case and accents do not matter, but for <name>.
"""

import re

_SLOTS = {
    "<n>": r"\$? ?[0-9][0-9.,']*(?: ?[%$])?",
    "<name>": r"(?-i:[A-Z][A-Za-z'&.-]*[A-Za-z0-9])",
    "<names>": r"(?-i:[A-Z][A-Za-z'&.-]*)(?: (?:(?:&|and|e|y|et|und|di|de|von|van|of|del|della) )?(?-i:[A-Z][A-Za-z'&.-]*)){0,4}",
    "<word>": r"[A-Za-z0-9'-]+",
    "<,>": ",",
}
BLANK = r"(?:[ ,;:]+|\b)"
_GAP = r"(?:[^ .!?]+ ){0,4}"
ASKED = r"[^?.!]*\?"
START = r"^[^A-Za-z0-9]*"
END = r"[^A-Za-z0-9]*$"
_TOKEN = re.compile(r"\.\.\.\??|<[a-z,]+>|[{}()|*^$ ]|[^{}()|*^$ <>]+|[<>]")
_WORD = re.compile(r"[A-Za-z0-9]")


class BadPhrase(ValueError):
    """A phrase that the notation does not allow; the text says why."""


def translate(phrase: str) -> str:
    """An RE2 pattern, case-insensitive, for folded ASCII text, with one group around the words."""
    before, tokens, after = take_apart(phrase)
    body = "".join(_join(tokens))
    if not _WORD.search(body):
        raise BadPhrase("no words in it")
    left = r"\b" if _starts_wordly(tokens[0]) else ""
    right = "" if tokens[-1] in "*" or tokens[-1][-1] in "?!%" else r"\b"
    return f"{before}{left}({body}){right}{after}"


def take_apart(phrase: str) -> tuple[str, list[str], str]:
    """The tokens of a phrase, and the patterns of what stands before and after them."""
    _check(phrase)
    tokens = _TOKEN.findall(phrase)
    before, after = "", ""
    if tokens[0] == "^":
        before, tokens = START, tokens[1:]
    if tokens and tokens[-1] == "$":
        after, tokens = END, tokens[:-1]
    if tokens and tokens[-1] == "...?":
        after, tokens = ASKED, tokens[:-1]
    while tokens and tokens[0] == " ":
        tokens = tokens[1:]
    while tokens and tokens[-1] == " ":
        tokens = tokens[:-1]
    if not tokens:
        raise BadPhrase("no words in it")
    return before, tokens, after


def _starts_wordly(token: str) -> bool:
    return token in ("{", "(") or token.startswith("<") or bool(_WORD.match(token))


def _check(phrase: str) -> None:
    for opening, closing in ("{}", "()"):
        if phrase.count(opening) != phrase.count(closing):
            raise BadPhrase(f"{opening} without {closing}, or the other way round")
    depth = 0
    for char in phrase:
        depth += (char in "{(") - (char in "})")
        if depth < 0:
            raise BadPhrase("a closing bracket before its opening one")
    for slot in re.findall(r"<[^>]*>?", phrase):
        if slot not in _SLOTS:
            raise BadPhrase(f"unknown slot {slot}; there are {', '.join(_SLOTS)}")


def _join(tokens: list[str]) -> list[str]:
    out: list[str] = []
    leads: list[bool] = []
    skip_blank = False
    for place, token in enumerate(tokens):
        if token == " ":
            if not skip_blank and out and out[-1] != _GAP:
                out.append(BLANK)
            skip_blank = False
            continue
        skip_blank = False
        if token == "(":
            # The blank before an optional word belongs to it; at the start, the blank after it.
            leads.append(bool(out) and out[-1] == BLANK)
            out[-1:] = [f"(?:{BLANK}(?:"] if leads[-1] else [*out[-1:], "(?:(?:"]
        elif token == ")":
            skip_blank = not leads.pop() and tokens[place + 1 : place + 2] == [" "]
            out.append(f"){BLANK})?" if skip_blank else "))?")
        else:
            out.append(render(token))
    return out


def render(token: str) -> str:
    """The pattern of one token. Raises BadPhrase."""
    if token in ("^", "$"):
        raise BadPhrase(f"{token} stands only at the {'start' if token == '^' else 'end'}")
    fixed = {"{": "(?:", "}": ")", "|": "|", "...": _GAP, "*": r"[A-Za-z'-]*"}.get(token) or _SLOTS.get(token)
    return fixed or re.escape(token).replace("\\-", "-?").replace("'", "[' ]?")
