# ruff: noqa: E501 (a pattern reads better whole)
"""Merge tags that nobody filled in, and the holes that empty ones leave.

All common dialects, without mistaking code, prices, list tags or JSON for them: what stands between
backquotes or in a line of code is left alone, and brackets count only if they hold the name of a field.
"""

import re
from collections.abc import Iterable

from gateway.reading.holes import COMPUTING, Tag, find_holes

# Words that name a field of a recipient, a sender or an offer, in five languages.
_FIELD = (
    r"(?:name|nome|cognome|surname|firstname|lastname|first|last|fname|lname|vorname|nachname|prenom|prénom|nom|nombre|apellidos?"
    r"|company|azienda|società|societa|impresa|ditta|firma|unternehmen|entreprise|société|empresa|compañía|organi[sz]ation|organizzazione"
    r"|title|titolo|titel|titre|título|role|ruolo|responsabile|rolle|rôle|puesto|cargo|position|posizione|job|qualifica|funktion|poste"
    r"|city|città|stadt|ville|ciudad|industry|settore|branche|secteur|sector|topic|argomento|tema|thema|sujet|subject|oggetto|asunto|betreff"
    r"|date|data|datum|fecha|time|ora|orario|uhrzeit|heure|hora|day|giorno|tag|jour|día|month|mese|link|url|sito|website|phone|telefono|telefon"
    r"|teléfono|téléphone|email|e-mail|mail|address|indirizzo|adresse|dirección|product|prodotto|produkt|produit|producto|service|servizio|servicio"
    r"|business|client|cliente|customer|kunde|prospect|competitor|concorrente|lead|contact|contatto|kontakt|recipient|destinatario|destinataire|empfänger|subscriber|iscritto"
    r"|sender|mittente|absender|expéditeur|remitente|referente|amount|importo|betrag|montant|importe|price|prezzo|preis|prix|precio|number|numero"
    r"|nummer|numéro|número|insert|inserire|inserisci|einfügen|insérer|insertar|placeholder|segnaposto|detail|dettaglio|project|progetto|projekt|projet"
    r"|proyecto|specific|specifico|team|event|evento|interest|achievement|signature|firma|your|tuo|tua|suo|vostro|ihr|dein|votre|ton|tu|su|x|y|z|field|feld|campo)"
)

_SIGN = re.compile(r"[{\[%|<#$«~_@(+｛]")
_CALLS = (
    "Dear Hi Hello Hey Ciao Gentile Salve Caro Cara Hallo Hola Bonjour"
    " on by from to for at il al dal del per am vom le du el".split()
)
_CALLED = "|".join(rf"(?<=\b{one} )" for one in _CALLS)
# Each with what a text must hold for it, a look at which is quicker.
_SURE = (
    ("{{", re.compile(r"\{\{\{?[^{}]{0,80}\}?\}\}"), "merge tag"),
    ("｛", re.compile(r"｛{1,3}[^｛｝\n]{1,60}｝{1,3}"), "merge tag"),
    ("%%=", re.compile(r"%%=[^%\n]{1,80}=%%"), "merge tag"),
    ("%%", re.compile(r"(?<=/)%%[A-Za-z_]\w{2,30}%%"), "merge tag"),
    ("%", re.compile(r"(?<![\w/%.=?&])%[A-Z]{3,} [A-Z]{3,}%(?![\w%])"), "merge tag"),
    ("<?", re.compile(r"<\?(?:php\b|=)[^<>?]{0,80}\?>"), "merge tag"),
    ("MERGEFIELD", re.compile(r"\{ ?MERGEFIELD [^{}\n]{1,60}\}"), "mail merge field"),
    ("{%", re.compile(r"\{%-? ?[a-z][^%{}]{0,80}%\}"), "template condition"),
    ("{", re.compile(r"\{[#/^][A-Za-z][^{}]{0,60}\}"), "template condition"),
    ("%", re.compile(r"<%[=-]? ?[^%<>]{1,80}%>|&lt;%[=-]?[^%]{1,80}%&gt;"), "merge tag"),
    ("*|", re.compile(r"\*\|[A-Za-z][^|*\n]{0,60}\|\*"), "merge tag"),
    ("[[", re.compile(r"\[\[ ?[A-Za-zÀ-ÿ_][^\[\]]{0,60}\]\]"), "merge tag"),
    ("%", re.compile(r"(?<![\w/%.=?&])%%?[A-Za-z_][\w.À-ÿ-]{0,40}%%?(?![\w%])"), "merge tag"),
    # Guillemets quote in Italian and French: only the name of a field alone, or an identifier, is a tag.
    (
        "«",
        re.compile(rf"«(?:{_FIELD}|[A-Za-z]+_\w+|AddressBlock|GreetingLine)»", re.IGNORECASE),
        "mail merge field",
    ),
    ("|", re.compile(r"\{[^{}|\n<>]{1,60}\|[^{}\n<>]{0,200}\}"), "spun text"),
    (
        "|",
        re.compile(r"(?<![\w\[])\[[A-ZÀ-Ý][^\[\]|\n]{0,40}(?:\|[^\[\]|\n]{1,40})+\](?![\](])"),
        "spun text",
    ),
    ("[object", re.compile(r"\[object Object\]"), "empty value"),
    ("{", re.compile(rf"(?:{_CALLED})\{{\d\}}"), "merge tag"),
    ("%(", re.compile(r"%\([A-Za-z_]\w{0,40}\)[sd]"), "merge tag"),
    ("%", re.compile(r"(?<=[a-zà-ÿ.,:€$£] )%[sd](?=[ ,.;:!?)]|$)"), "merge tag"),
    (
        "${",
        re.compile(r"(?<![\w/\\=])\$\{[A-Za-z_][\w.]{0,40}(?:\([^(){}\n]{0,60}\)[\w.]{0,40}){1,6}\}"),
        "merge tag",
    ),
    ("{", re.compile(r"^\{\d\}$", re.MULTILINE), "merge tag"),
    (
        "[",
        re.compile(
            r"(?<!\w)\[[A-ZÀ-Ý][A-ZÀ-Ý ]{3,40}(?: [-–—]|:) ?(?:es\.|ad es|e\.g\.|eg|for example|z\. ?B\.|p\. ?ej\.|ex\.)[^\[\]\n]{1,400}\]"
        ),
        "field in brackets",
    ),
    ("_HERE", re.compile(r"(?<![\w/])[A-Z]{3,20}(?:_[A-Z]{2,20}){0,4}_HERE\b"), "unfilled field"),
    (
        "}",
        re.compile(
            r"(?<![\\{])\$?\{[A-Za-z_][\w.]{0,60}(?:\(['\"@\w, -]{0,40}\)|\[['\"]?\w{1,30}['\"]?\]){1,3}\}"
        ),
        "merge tag",
    ),
    ("${", re.compile(r"(?<=\w)\$\{[A-Za-z_][\w.]{0,40}\}"), "merge tag"),
    (
        "{",
        re.compile(r"(?<![\\\w])[A-Za-z]{2,30}\{(?:name|nome|firstname|[a-z]{2,20}_[a-z]{2,20})\}"),
        "merge tag",
    ),
    ("#{", re.compile(r"#\{[A-Za-z_@][^{}\n]{0,60}\}"), "merge tag"),
    ("{}", re.compile(r"(?:^|(?<=[a-zà-ÿ,] ))\{\}(?=[ ,.!?])", re.MULTILINE), "merge tag"),
    ("<<", re.compile(r"<<[A-Za-z][\w. ]{1,40}>>"), "merge tag"),
    ("$", re.compile(r"%[1-9]\$[sd]"), "merge tag"),
    ("[", re.compile(r"(?<=[a-z]\. )\[ {0,3}\](?=[,.;:!])"), "field in brackets"),
    ("PLACEHOLDER_", re.compile(r"\bPLACEHOLDER_[A-Z_]{2,40}"), "unfilled field"),
    # Text that a program forgot to put together: `" + name + "`, `' . $name . '`.
    ("+", re.compile(r"([\"']) ?\+ ?[A-Za-z_][\w.]{0,60}(?:\(\))? ?\+ ?\1"), "merge tag"),
    ("$", re.compile(r"' ?\. ?\$[A-Za-z_]\w{0,40}(?:->\w{1,40})? ?\. ?'"), "merge tag"),
    ("->", re.compile(r"(?<![\w/\\=])\$[a-z_]\w{0,30}->\w{1,40}(?![\w(])"), "merge tag"),
    ("\\(", re.compile(r"(?<![\w\\])\\\([A-Za-z_][\w.]{1,40}\)"), "merge tag"),
    ("<t t-", re.compile(r"<t t-[a-z]+=\"[^\"\n]{1,80}\" ?/?>"), "merge tag"),
    ("_", re.compile(r"(?<![\w/])_[A-Z]{4,}\b"), "unfilled field"),
)
_BRACE = re.compile(r"(?<![\w/$\\{}])\$?\{ ?([!$@]?[A-Za-zÀ-ÿ_][\wÀ-ÿ .'-]{0,40}) ?\}")
_DOLLAR = re.compile(r"(?<![\w/\\=])\$\{ ?[A-Za-z_][\w.]{0,40}(?:[|:!?][^{}]{0,40})? ?\}")
_VARIABLE = re.compile(r"(?<![\w/\\=$.@#-])\$([a-z_][A-Za-z_]{2,30}(?:-[a-z]{2,20})?)(?![\w$(=-])")
_NO_VARIABLE = frozenset({"mln", "mil", "mio", "million", "millions", "usd", "path", "home", "user"})
# The parameters of Laravel, `:date` or `:appName`.
_PARAMETER = re.compile(r"(?:^|(?<=[\s(])):([a-z][A-Za-z_]{2,24})(?![\w:/(=-])", re.MULTILINE)
_LEADS_ON = re.compile(r"\b(?:to|of|on|in|from|for|your|su|di|da|del|della|per|tuo|tua) $", re.IGNORECASE)
_LONGEST_LEAD = 8
_SEVERAL = 2
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
_SQUARE = re.compile(r"(?<![\w\]!])\[([^\[\]\n]{1,120})\](?![(\[]|: ?(?:https?:|/|<)|\s*\()", re.DOTALL)
_ANGLE = re.compile(
    rf"(?<!\w)<((?:[A-Za-zÀ-ÿ' /_-]+[ _-])?{_FIELD}(?:[ _-][A-Za-zÀ-ÿ' /_-]+)?)>", re.IGNORECASE
)
_HASHED = re.compile(r"(?<!\w)([#$@~|_]{1,2}|\^\^|&&|!!)([A-Za-z][A-Za-z_. ]{2,30})\1(?!\w)")
_PAREN = re.compile(
    r"(?<!\w)\(((?:your|il tuo|la tua|nome|insert|inserire|ihr|votre|tu|su|first|last)[ _][^()\n]{2,30}|nome[ _](?:azienda|cliente|cognome|società)|nome|name|azienda|company)\)",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?<![\w.@/-])(?:FIRST_?NAME|LAST_?NAME|FNAME|LNAME|COMPANY_?NAME|FULL_?NAME|NOME_?(?:AZIENDA|CLIENTE|COGNOME)|first_name|last_name|company_name"
    r"|firstName|lastName|companyName|full_name|nome_(?:azienda|cliente|contatto)|Firstname|Lastname|VORNAME|NACHNAME|PRENOM|NOMBRE_?CLIENTE|INSERT_[A-Z_]+|YOUR_[A-Z_]+)(?![\w.@=(])"
)
_BLANK = re.compile(
    r"(?<![\w])(?:_{4,}|(?<!\d-)(?<!X-)X{3,}(?!\w|-X)|O{3,}(?!\w)|(?<=[\s:])\.{6,}(?= ))(?![\w])"
)
# Three crosses are kisses or the number thirty, three circles are out of office, before and behind such words.
_NO_BLANK_BEFORE = re.compile(
    r"\b(?:a/c|acct|ending|ending in|secolo|capitolo|canto|papa|parte|cap\.|art\.|chapter|part|love|xx|baci|kisses|i am|i'm|i’m|be|being|is|was|been|my|an|auto|currently|sono|è|ufficio) ?$",
    re.IGNORECASE,
)
_ENDS_LETTER = re.compile(r"(?:[.!?,)]\s*|\n\s*|(?:^|, ?|\n)[A-Z][a-z]+ )$")
_NO_BLANK_AFTER = re.compile(
    r" (?:edizion|congress|convegn|olimpiad|giornat|anniversari|secolo|festival|conferen|edition|premio|concors|rassegn|settiman|assemble|marcia|corso|until|till|fino|from|next|this|today|tomorrow|messag|repl|respon|dal |dall|bis |jusqu|hasta|on (?:mon|tue|wed|thu|fri))",
    re.IGNORECASE,
)

_CODE_LINE = re.compile(
    r"^\s{4,}\S|^\s*(?:\$ |# |>>> |//|/\*|export |import |from \w+ import|def |class |function |const |let |var |curl |return |if \(|for \(|SELECT |INSERT |set -|echo |git |npm |pip |docker |kubectl |sudo )"
    r"|[;{]\s*$|^\s*[}\])]+[;,]?\s*$|=>|\w\(\)|\bf\"|\bf'\{|\"\w+\"\s*:|</?\w{1,20}[^<>]{0,200}>.{0,200}</|^\s*[\w.-]+\s*(?:[:=]\s*[\"'$\d]|=\s*\{|:\s*\{(?! ?[A-Za-zÀ-ÿ_][\wÀ-ÿ .'-]{0,40} ?\}))"
)
_SURELY_TAGGED = re.compile(
    r"\{\{|\{%|\*\||\{\w{1,40}(?:(?:\(\))?\.\w{1,40}){1,8}\(\)\}|\$[a-z_]\w{0,30}->\w"
    r"|\$?\{[a-z_]\w{0,40}(?:\.get\(|\[['\"])|^[^=;{}()\"]*[\"'] ?\+ ?[A-Za-z_][\w.]{0,60}\(\) ?\+ ?[\"']"
)
_ANSWERED = re.compile(r"(?:(?:re|r|fwd?|fw|i|aw|wg|sv|tr|rv) ?: ?){0,9}", re.IGNORECASE)
"""What answering and passing on put in front of a subject."""
_IN_CODE = re.compile(r"\bf[\"']\S|;\s*$|^\s*(?:print|return|console\.log)\b")
_QUOTED_FIELD = re.compile(r"`\[(?:[A-Za-zÀ-ÿ_]{2,40}|[A-ZÀ-Ý][^\[\]`]{1,40})\]`")
_NOT_FIELDS = re.compile(
    r"^(?:\.{3}|…|sic|omissis|ndr|n\.d\.r\.?|nota|note|edit|ok|ext|external|esterno|spam|x| |info|error|errore|warn(?:ing)?|debug|fatal|todo|wip|fix|feat|bug|draft|bozza"
    r"|urgente?|important[e]?|reminder|promemoria|re|fwd?|fw|i|r|new|novità|invito|save the date|cid:.*|image.*|immagine.*|https?:.*|(?:v|ver|versione?)?[. ]?\d.*|[\d.,/: -]+|[a-z-]+ #\d+|[A-Z]{2,6}-\d+|.*@.*|[^A-Za-zÀ-ÿ]+)$",
    re.IGNORECASE,
)
_HAS_FIELD = re.compile(rf"(?<![A-Za-zÀ-ÿ]){_FIELD}(?![A-Za-zÀ-ÿ])", re.IGNORECASE)
_POINTED = re.compile(
    r" / |/.*\b(?:your|their|tuo|suo)\b|\b(?:e\.g\.|es\.|ad esempio|z\.b\.|p\. ?ej\.|por ejemplo)|_",
    re.IGNORECASE,
)
_FILL_IN = re.compile(
    r"^(?:your|il tuo|la tua|inserire|inserisci|insert|ihr|dein|votre|tu|su)\b", re.IGNORECASE
)
_NOTATION = re.compile(r"(?:[A-Za-z0-9]-[A-Za-z0-9])+|[\w.+-]{1,2}(?:(?:, ?| )[\w.+-]{1,2})+")
_ABOUT_CODE = re.compile(
    r"\b(?:colonn[ae]|camp[oi]|columns?|fields?|variabil[ei]|variables?|parametr[oi]|parameters?|chiav[ei]|keys?|attribut[oei]s?|spalte|feld|champ|columna|tag|element[oi]?|file|metodo|method)[ \"'`]*$",
    re.IGNORECASE,
)
_BUTTON = re.compile(
    r"^(?:view|see|click|read|book|open|download|join|register|sign up|learn|start|get|buy|shop|scopri|clicca|leggi|prenota|scarica|vai|vedi|visualizza|iscriviti|registrati|jetzt|mehr"
    r"|voir|cliquez|réserver|télécharger|ver|haz clic|reservar|descargar|unsubscribe|disiscriviti|link|qui|here|hier|ici|aquí)\b",
    re.IGNORECASE,
)
_ENVIRONMENT = re.compile(
    r"^%(?:appdata|localappdata|userprofile|path|temp|tmp|programfiles|windir|systemroot|homepath|username|computername|date|time|cd|errorlevel|os)%$|^\$\{ ?(?:HOME|PATH|USER|PWD|SHELL|LANG|TMPDIR|HOSTNAME)\b.*\}$",
    re.IGNORECASE,
)

_PLACES = frozenset(["s", "d", *(f"{digit}}}" for digit in range(10))])
"""What stands in `%s` and `{0}` behind the first sign: fields in mail, and talk in talk about programs."""
_FIELDS = ("merge tag", "mail merge field", "field in brackets", "unfilled field")
"""Tags that a word will stand in."""


def find_fields(text: str) -> list[tuple[int, int]]:
    """Where fields stand that something is to be written into, in order."""
    if _SIGN.search(text) is None:
        return []
    return [
        (start, end) for start, end, why in _clear(_signs(text, is_subject=False), text) if why in _FIELDS
    ]


def fill_fields(text: str) -> str:
    """The text as it reads once its fields are filled."""
    return fill(text, find_fields(text))


def fill(text: str, fields: Iterable[tuple[int, int]]) -> str:
    """The text with a capitalized word of the same length in each of these places."""
    filled, place = [], 0
    for start, end in fields:
        filled += [text[place:start], "N", "x" * (end - start - 1)]
        place = end
    return "".join(filled) + text[place:]


def find_tags(text: str, *, is_subject: bool = False, first: bool = False) -> list[Tag]:
    """Unfilled tags and holes in one block of visible text: (start, end, what it is).

    `first` says that the block opens the message, where a greeting may have lost its name.
    """
    tags: list[Tag] = []
    if _SIGN.search(text) or _leaves_room(text):
        tags = _signs(text, is_subject)
    if "_" in text or "NAME" in text or "NOM" in text or "Name" in text or "tname" in text:
        tags += [(m.start(), m.end(), "unfilled field") for m in _BARE.finditer(text)]
    if " :" in text or text.startswith(":") or "\n:" in text:
        tags += _parameters(text)
    if tags:
        tags = _clear(tags, text)
    if holes := find_holes(text, first=first):
        tags += [hole for hole in holes if not any(a < hole[1] and hole[0] < b for a, b, _ in tags)]
    return tags


def _leaves_room(text: str) -> bool:
    """Whether there may be a blank to fill in: a quick look before the pattern."""
    return "____" in text or "XXX" in text or "OOO" in text or "......" in text


def _clear(tags: list[Tag], text: str) -> list[Tag]:
    """Each once, the longer of two that overlap, and none in code or in talk about code."""
    code, computing = _code_spans(text), COMPUTING.search(text) is not None
    out: list[Tag] = []
    for tag in sorted(tags, key=lambda one: (one[0], -one[1])):
        start = tag[0]
        if (out and start < out[-1][1]) or any(a <= start < b for a, b in code):
            continue
        about = text[start].isalpha() or text[start] in "<(_$:"
        if about and _ABOUT_CODE.search(text[max(0, start - 20) : start]):
            continue
        if text.startswith("[object", start) or text[start + 1 : tag[1]] in _PLACES:
            if computing:
                continue
        elif _ENVIRONMENT.match(text[start : tag[1]]):
            continue
        out.append(tag)
    return out


def _signs(text: str, is_subject: bool) -> list[Tag]:
    tags = [
        (m.start(), m.end(), why)
        for sign, pattern, why in _SURE
        if sign in text
        for m in pattern.finditer(text)
    ]
    if "{" in text:
        for pattern in (_DOLLAR, _BRACE):
            tags += [(m.start(), m.end(), "merge tag") for m in pattern.finditer(text)]
    if "$" in text:
        tags += _variables(text)
    if "[" in text:
        tags += [
            (m.start(), m.end(), "field in brackets")
            for m in _SQUARE.finditer(text)
            if _is_field(m, text, is_subject)
        ]
    if "<" in text:
        tags += [(m.start(), m.end(), "field in brackets") for m in _ANGLE.finditer(text)]
    if "(" in text:
        tags += [(m.start(), m.end(), "field in brackets") for m in _PAREN.finditer(text)]
    if any([text.count(sign) > 1 for sign in "#$@~|_^&!"]):  # noqa: C419 (a list is quicker)
        tags += [
            (m.start(), m.end(), "merge tag")
            for m in _HASHED.finditer(text)
            if _HAS_FIELD.search(m[2].replace("_", " "))
        ]
    if _leaves_room(text):
        tags += [
            (m.start(), m.end(), "blank to fill in") for m in _BLANK.finditer(text) if not _rules_off(m, text)
        ]
    return tags


def _variables(text: str) -> list[Tag]:
    """`$company`: one that names a field, or two of any name."""
    found = [m for m in _VARIABLE.finditer(text) if m[1] not in _NO_VARIABLE]
    if len({m[1] for m in found}) < _SEVERAL:
        found = [m for m in found if _names_field(m[1])]
    return [(m.start(), m.end(), "merge tag") for m in found]


def _parameters(text: str) -> list[Tag]:
    """`:appName`, `to :app`, or two of which one names a field (`:date at :time`): any other lone `:word` may
    be a slip of the blank."""
    found = list(_PARAMETER.finditer(text))
    several = len({m[1] for m in found}) >= _SEVERAL and any(_names_field(m[1]) for m in found)
    return [
        (m.start(), m.end(), "merge tag")
        for m in found
        if several
        or not m[1].islower()
        or _LEADS_ON.search(text, max(0, m.start() - _LONGEST_LEAD), m.start())
    ]


def _names_field(identifier: str) -> bool:
    return _HAS_FIELD.search(_HUMP.sub(" ", identifier)) is not None


def _is_field(match: "re.Match[str]", text: str, is_subject: bool) -> bool:
    words = match[1].strip()
    if (
        not words
        or _NOT_FIELDS.match(words)
        or _NOTATION.fullmatch(words)
        or text[match.end() : match.end() + 1] == "("
    ):
        return False
    if text[max(0, match.start() - 2) : match.start()] in ("- ", "* ") and words in "xX":
        return False
    alone = _alone(match, text)
    count = len(words.split())
    if _POINTED.search(words):
        return True
    named = bool(_HAS_FIELD.search(words))
    if alone and count > 4:
        return named and count <= 7 and bool(_FILL_IN.match(words))
    if is_subject and _ANSWERED.fullmatch(text, 0, match.start()):
        return named and count <= 4 and _is_bare_field(words)
    if named:
        return True
    if _BUTTON.match(words):
        return alone
    return not alone and count <= 6 and words[:1].islower() and "-" not in words


def _rules_off(match: "re.Match[str]", text: str) -> bool:
    """Whether it is no blank: a line across the page, a number, kisses, out of office."""
    start, end = match.span()
    before = text[text.rfind("\n", 0, start) + 1 : start]
    after = text[end : end + 200].split("\n", 1)[0]
    if match.group()[0] not in "XO":
        return not before.strip() and not after.strip()
    if _NO_BLANK_AFTER.match(after):
        return True
    ahead = text[max(0, start - 30) : start]
    if _NO_BLANK_BEFORE.search(ahead):
        return True
    return match.group()[0] == "X" and not after.strip(" .!") and _ENDS_LETTER.search(ahead) is not None


def _is_bare_field(words: str) -> bool:
    """In front of a subject, `[Proposta]` is a label, `[Nome]` or `[Your Company]` a field."""
    return bool(re.fullmatch(rf"(?:{_FIELD}[ _-]?)+", words, re.IGNORECASE))


def _alone(match: "re.Match[str]", text: str) -> bool:
    before = text.rfind("\n", 0, match.start()) + 1
    after = text.find("\n", match.end())
    return (
        not text[before : match.start()].strip()
        and not text[match.end() : after if after >= 0 else len(text)].strip()
    )


def _code_spans(text: str) -> list[tuple[int, int]]:
    spans = []
    if "`" in text:
        quoted = re.finditer(r"`{1,3}[^`]{0,400}`{1,3}", text)
        spans += [m.span() for m in quoted if not _QUOTED_FIELD.fullmatch(m.group())]
    place = 0
    for line in text.split("\n"):
        if _CODE_LINE.search(line) and not (_SURELY_TAGGED.search(line) and not _IN_CODE.search(line)):
            spans.append((place, place + len(line)))
        place += len(line) + 1
    return spans
