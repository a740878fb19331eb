# ruff: noqa: E501 (a pattern reads better whole)
"""The holes that empty merge tags leave: greetings without a name, `null`, blanks where a value stood."""

import re
from collections.abc import Iterator

Tag = tuple[int, int, str]
"""(start, end, what it is)"""

_HELLO = (
    r"(?:ciao|salve|buongiorno|buonasera|gentile|gentil[ei]ssim[oa]|egregio|caro|cara|cari|spett(?:\.le|abile)|hi|hello|hey|dear|greetings"
    r"|good (?:morning|afternoon|evening)|hallo|guten (?:tag|morgen)|liebe[r]?|sehr geehrte[r]?|moin|servus|bonjour|bonsoir|salut|cher|chère|hola|buenos días"
    r"|buenas(?: tardes)?|estimad[oa]|querid[oa])"
)
_PREP = r"(?:di|da|per|con|presso|in|at|for|with|of|from|about|bei|von|für|mit|chez|pour|avec|en|para|de|con|a|à|team|company|azienda|firma|entreprise|empresa)"
_TITLE = r"(?:mr|ms|mrs|mx|dr|dott\.ssa|dott|sig\.ra|sig\.na|sig|prof\.ssa|prof|ing|avv|arch|herrn?|frau|m|mme|mlle|sr|sra|srta|team)"
_TITLES = rf"(?: {_TITLE}\.?(?: ?/ ?{_TITLE}\.?){{0,3}})?"
_END = r"(?=\s*(?:[,!.:;]|$))"
_NOTHING = rf"(?:null|undefined|(?-i:NaN|nan)\b|#n/a|#(?:ref|value|name)[!?]|[(<]null[)>]|\[object object\]|nil|friend_name|(?:none|n/?a|n\.[ad]\.|missing|unknown|test){_END}|[-?._/*–]{{1,2}}(?= ?,))"
# A name of the field where the name should be.
_FIELD_FOR_NAME = r"(?:(?:first|last|full|your|customer|client|recipient|contact|company)[ _]?name|nome[ _]?(?:e |di )?(?:cognome|cliente|azienda)?|cognome(?:[ _]e?[ _]?nome)?|name|fname|lname|vorname(?:[ _]nachname)?|nachname|prénom(?:[ _]nom)?|nombre(?:[ _]apellidos?)?)"
_VOID = re.compile(r"N(?:one|ULL|aN)|Invalid [Dd]ate")
_OPEN_EMPTY = re.compile(
    rf"^\W{{0,3}}{_HELLO}{_TITLES}(?:  ?,| *\n?,)",
    re.IGNORECASE,
)
_DEAR = r"gentile|egregi[oa]|car[oa]|dear|liebe[r]?|estimad[oa]|querid[oa]"
_OPEN_ALONE = re.compile(  # French puts a blank before the sign
    rf"^(?:ciao|hi|hello|hey|hallo|hola|{_DEAR}) +!\s*$", re.IGNORECASE | re.MULTILINE
)
_OPEN_LEFT = re.compile(rf"(?:{_DEAR}|sehr geehrte[r]?|chère?) *", re.IGNORECASE)
_OPEN_FIELD = re.compile(
    rf"^\W{{0,3}}{_HELLO}{_TITLES} +((?:[-@$#:&!^~*]{{1,2}})?{_FIELD_FOR_NAME}[-@$#:&!^~*]{{0,2}}){_END}",
    re.IGNORECASE,
)
_OPEN_NULL = re.compile(
    rf"(?:^|[.!\n] *)\W{{0,3}}{_HELLO}{_TITLES} +({_NOTHING}|%[sd@]|\?{{2,}}|xxx+|nnn+|\.{{3,}}(?= ?[,!]))(?![\w/])",
    re.IGNORECASE,
)
_PREP_NULL = re.compile(
    rf"(?:\b(?:{_PREP}|del|dal|al|il|alle|on|your)|\bn\.|\bnr\.|\bno\.) (null|undefined|None|NULL|N/A|#N/A|NaN|Invalid [Dd]ate|\(null\))(?!\w|[:(/]|\.\w)"
)
_SUM_NULL = re.compile(
    r"[€$£#] ?(null|undefined|NaN)\b|(?<=\w )(\((?:undefined|null)\))|(?:\b(?:di|of|von|de|è|is|por|pour)|:) ([€£$]) ?(?=[,.;](?:\s|$))"
)
_CURRENCY = ("€", "£", "$")
_NOBODY = re.compile(
    r"^(?:null|undefined)(?: (?:null|undefined))* (?=(?:ha|ti|vi|has|wants|invited|hat|sent)\b)"
)
# The first day of computers and the day that is none, where something is due.
_NO_DAY = re.compile(
    r"\b(?:scad|appuntament|riunion|rinnov|consegn|appointment|meeting|expir|due|renew|deliver|termin|fällig|rendez-vous|vence|cita\b)[^.!?\n]{0,40}?"
    r"\b(1970-01-01|0?1/0?1/1970|01\.01\.1970|00[/.]00[/.]0000|0000-00-00)\b",
    re.IGNORECASE,
)
COMPUTING = re.compile(
    r"\b(?:printf|format|strings?|stringa|placeholder|segnaposto|console|logs?|bug|errore|error|TypeError|restituisce|returns?|Cannot read)\b"
)
_BEFORE_HOLE = frozenset(
    "di da per con presso in at for with of from about bei von für mit chez pour avec en para de a à as della del dell' che that dass que".split()
)
_THEIRS = re.compile(
    r"\b(?:tu[ao]|vostr[ao]|su[ao]|il|your|deine?|ihre?|votre|tu|su) (?:azienda|team|company|firma|entreprise|empresa)$",
    re.IGNORECASE,
)
_AFTER_HOLE = frozenset(
    "e ed o ma è sono sta stia ha hai hanno abbia che cui per con in a da di and or but is are was has have to for with at in on of caught und ist sind hat mit für et est sont avec pour y es son con para".split()
)
_HOLE = re.compile(r"(?<! )  ++(?=([a-zà-ÿ]+))| (?=[,.;!](?:\s|$))")


def find_holes(text: str, *, first: bool) -> list[Tag]:
    """Holes in one block of visible text; `first` says that it opens the message, where a greeting may have
    lost its name."""
    tags = _lost_name(text) if first else []
    if "null" in text or "undefined" in text or "N/A" in text or _VOID.search(text):
        tags += _voids(text)
    if "€ ," in text or "€ ." in text or "$ ," in text or "£ ," in text:
        tags += [(m.start(3), m.end(3), "hole where a value stood") for m in _SUM_NULL.finditer(text) if m[3]]
    if "1970" in text or "0000-00-00" in text or "00/0000" in text or "00.0000" in text:
        tags += [(m.start(1), m.end(1), "empty value") for m in _NO_DAY.finditer(text)]
    if "  " in text or " ," in text or " ." in text or " !" in text:
        tags += [(start, end, "hole where a value stood") for start, end in _blanks(text)]
    return tags


def _lost_name(text: str) -> list[Tag]:
    """What a greeting that opens the message has in place of a name."""
    head = text[:80]
    if (match := _OPEN_EMPTY.match(head)) and re.search(r"\s,$", match.group()):
        return [(match.start(), match.end(), "greeting without its name")]
    if _OPEN_LEFT.fullmatch(text):
        return [(0, len(text.rstrip()), "greeting without its name")]
    if match := _OPEN_ALONE.match(head):
        return [(match.start(), match.start() + len(match.group().rstrip()), "greeting without its name")]
    if match := _OPEN_NULL.search(head):
        return [(match.start(1), match.end(1), "empty value in place of a name")]
    if match := _OPEN_FIELD.match(head):
        return [(match.start(1), match.end(1), "unfilled field")]
    return []


def _voids(text: str) -> Iterator[Tag]:
    """Words by which programs say that there is no value."""
    if COMPUTING.search(text):
        return
    for pattern in (_PREP_NULL, _SUM_NULL, _NOBODY):
        for match in pattern.finditer(text):
            group = match.lastindex or 0
            if match[group][:1] not in _CURRENCY:
                yield (match.start(group), match.end(group), "empty value")


def _blanks(text: str) -> Iterator[tuple[int, int]]:
    """A word that something follows, and nothing but blanks after it."""
    for match in _HOLE.finditer(text):
        end = match.start()
        start = text.rfind(" ", max(0, end - 12), end) + 1
        if start < 2 or not text[start - 2].isalnum():
            continue
        known = text[start:end].lower() in _BEFORE_HOLE or _THEIRS.search(text[max(0, end - 24) : end])
        if known and (match[1] is None or match[1] in _AFTER_HOLE):
            yield start, match.end()
