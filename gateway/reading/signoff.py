"""Who signs a text: a name with a role or an organization below it or beside it."""

import re
from collections.abc import Sequence

from gateway.reading.merge_tags import fill_fields
from gateway.reading.segments import Block

_LINES = 6
"""Lines at the end of a text among which a signature is looked for."""
_LONGEST = 60
"""Characters of a line of a signature."""
_LAST = 30
"""Characters of a last word to the reader, right below which one may sign."""
_DASHES = ("-", "–", "—", "~")
_EDGES = " \t-–—~"
"""What may stand around the words of a line."""
_OTHERS = ("quoted", "forwarded", "footer")
"""Kinds of block in which nobody signs."""
_WORD = r"[A-ZÀ-Þ][\w'’.&-]*"
_SMALL = (
    r"(?:of|the|and|for|at|in|de[ilr]?|dell[aeo]|degli|d[aiou]|von|van|und|für|la|le|et|des|y|e|&|@"
    r"|[-–—/|·•])"
)
_NAME = rf"{_WORD}(?: (?:{_WORD}|d[aei]|del|della|di|de|von|van)){{0,3}}"
_TITLE = rf"[^\w\s]{{0,3}} ?{_WORD}(?:,? (?:{_WORD}|{_SMALL})){{0,7}}"
_OFFICE = (
    r"(?:[Ss]egret\w+|[Tt]esorier\w+|[Pp]resident\w?|[Dd]irezione|[Dd]irett\w+|[Aa]mminist\w+|[Rr]edazione|[Cc]omitato"
    r"|[Ss]taff|[Bb]oard|[Cc]ommittee|[Mm]anagement|[Ss]ecretary|[Tt]reasurer|[Cc]hair\w*|[Ee]ditors?|[Oo]ffice)"
)
_ALONE = re.compile(_NAME)
_BELOW = re.compile(_TITLE)
_BESIDE = re.compile(rf"{_NAME}(?: ?[|–—] ?| - | \(| @ ?){_TITLE}\)?")
_AFTER_COMMA = re.compile(rf"{_WORD} {_NAME}, {_TITLE}|{_WORD}, {_WORD} {_TITLE}")
_HOUSE = re.compile(
    rf"(?:(?:The|Your|Il|Das|L['’]) ?)?(?:{_TITLE} Team|[Tt]eam (?:(?:di|of|at|von|de) )?{_TITLE})"
    rf"|(?:Il|La|Lo|I|Gli|Le|The|L['’]) ?{_OFFICE}(?: (?:{_WORD}|{_SMALL})){{0,5}}"
)
_LEGAL = (
    r"(?:[Ss]\.?[Rr]\.?[Ll]\.?[Ss]?|[Ss]\.?[Pp]\.?[Aa]|[Ss]\.?[Nn]\.?[Cc]|[Ss]\.?[Aa]\.?[Ss]|[Ll][Tt][Dd]|[Ll]imited|[Ii]nc"
    r"|LLC|[Pp][Ll][Cc]|[Cc]orp|GmbH|B\.?V|S\.?A|ONLUS|[Oo]nlus|A\.?P\.?S|A\.?S\.?D)\.?"
)
_BODY = (
    r"(?:Agency|Academy|Association|Bank|Capital|Clinic|Consulting|Foundation|Group|Insurance|Labs?|Library|Museum"
    r"|Partners|School|Services|Software|Solutions|Studios?|Systems|Technologies|University"
    r"|Agenzia|Assicurazioni|Associazione|Banca|Biblioteca|Clinica|Comune|Cooperativa|Farmacia|Fondazione|Gruppo"
    r"|Istituto|Libreria|Liceo|Pro Loco|Scuola|Studio|Università)"
)
_FIRM = re.compile(
    rf"{_TITLE},? {_LEGAL}|(?:{_WORD} ){{1,3}}{_BODY}|{_BODY}(?: (?:{_WORD}|{_SMALL})){{1,5}}"
    r"|(?!Mc|Mac|De|Di|La|Le|Lo)[A-Z][a-z]+[A-Z]\w*"
)
"""An organization by its form: `Riva Legno s.r.l.`, `Lowe Consulting`, `Studio Riva`, `RivaLegno`."""
_INLINE = re.compile(rf"[.!?…)] +({_WORD} {_NAME}(?:, | ?[|–—] ?| - | \(){_TITLE}\)?)\.?\s*$")
_PLACE = re.compile(
    r"\d|@\S|://|www\.|^(?:via|viale|piazza|p\.s|ps|street|tel|mob|cell|fax)\b", re.IGNORECASE
)
_REACHED = re.compile(
    r"^[^\w\s]{1,2} ?(?:(?:your|il tuo|la tua|tuo|tua)[ _])?(?:tele\w+|phone|contatt\w+|contact\w*|portfolio"
    r"|linkedin|link|e-?mail|sito|website|url|indirizzo|address|numero|number|dat[ae])\b",
    re.IGNORECASE,
)
"""A field for where somebody is reached, which says nothing of who it is."""
_COURTESY = re.compile(
    r"^(?:(?:best|kind|warm|many|thanks?|regards|cheers|sincerely|yours|with|love|hugs|merry|happy|see|all"
    r"|sent from|hi|hello|hey|dear|greetings|reply|unsubscribe|stop|grazie|saluti|un|a presto|con|in attesa"
    r"|ciao|gentile|car[oaie]|ti|la|le|inviato da|mit|viele|liebe[rn]?|sehr|hallo|bonjour|ch[eè]re?|saludos"
    r"|hola)\b"
    r"|thank|cordial|distint|buon|bien|atentamente|estimad|querid)",
    re.IGNORECASE,
)


def find_signature(text: str, blocks: Sequence[Block]) -> tuple[int, int] | None:
    """Where the text ends with a name and, below or beside it, what its bearer is: (start, end)."""
    lines = _last_lines(text, blocks)
    for place, (start, line, leads) in enumerate(lines):
        if not leads or not 1 < len(line) <= _LONGEST:
            continue
        size, line = len(line), _plain(line)
        if _HOUSE.fullmatch(line) or (_FIRM.fullmatch(line) and _signs(line)):
            return start, start + size
        if _ALONE.fullmatch(line):
            below, title, _ = lines[place + 1] if place + 1 < len(lines) else (0, "", False)
            named = len(title) <= _LONGEST and _BELOW.fullmatch(_plain(title))
            if named and _signs(line) and _signs(title):
                return start, below + len(title)
        elif (_BESIDE.fullmatch(line) or _AFTER_COMMA.fullmatch(line)) and _signs(line):
            return start, start + size
    return _find_inline(text, blocks)


def _find_inline(text: str, blocks: Sequence[Block]) -> tuple[int, int] | None:
    """The same at the end of the last line, as in short messages: `... Thank you! Ada Lowe, Lowe Books`."""
    for block in reversed(blocks):
        if block.kind not in _OTHERS:
            first = max(block.start, block.end - _LONGEST - len(". "))
            match = _INLINE.search(text[first : block.end])
            if match is None or not _signs(_plain(match[1])):
                return None
            return first + match.start(1), first + match.end(1)
    return None


def _last_lines(text: str, blocks: Sequence[Block]) -> list[tuple[int, str, bool]]:
    """The last lines but the first, as (start, line, whether a signature may begin there): after a closing, a
    comma or a short last word, with one of the last paragraphs, or after the only dash."""
    own: list[Block] = []
    for block in reversed(blocks[1:] or blocks):
        if block.kind not in _OTHERS:
            own.insert(0, block)
            if len(own) == _LINES:
                break
    found: list[tuple[int, str, bool]] = []
    opens = dashed = listed = False
    for place, block in enumerate(own):
        start = block.start
        leads = block.kind == "signature" or (place >= len(own) - 3 and text.startswith("\n\n", start - 2))
        for line in text[start : block.end].split("\n"):
            bare, listed, dashed = line.strip(_EDGES), dashed, line.lstrip().startswith(_DASHES)
            found.append((start + line.find(bare), bare, opens or leads))
            last_word = len(bare) <= _LAST and bare.endswith(("!", "."))
            opens = block.kind == "closing" or bare.endswith(",") or last_word
            leads = block.kind == "signature"
            start += len(line) + 1
    if dashed and not listed:
        found[-1] = (*found[-1][:2], True)
    return found[-_LINES:] if len(blocks) > 1 else found[1:][-_LINES:]


def _plain(line: str) -> str:
    """A line without marks of bold type, its fields filled."""
    return fill_fields(line.replace("*", ""))


def _signs(line: str) -> bool:
    """Whether a line is neither an address nor a courtesy."""
    return not (_PLACE.search(line) or _REACHED.match(line) or _COURTESY.match(line))
