"""Folding: text into plain bytes, one byte for one character, so that offsets stay.

A phrase becomes the bytes that the lexicons are matched on: accents, quotes, dashes, blanks and
currency signs are evened out, letter case is kept. What needs more than that (look-alike letters,
zero-width characters, `o f f e r t a`, `0fferta`) takes the slow path, which remembers where each
byte came from.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from gateway.message.unseen import IGNORABLE
from gateway.reading.language import split_words

_EVEN = {
    "ÀÁÂÃÄÅ": b"A", "àáâãäåª": b"a", "Çç": b"", "ÈÉÊË": b"E", "èéêë": b"e", "ÌÍÎÏ": b"I", "ìíîï": b"i",
    "Ññ": b"", "ÒÓÔÕÖØ": b"O", "òóôõöøº": b"o", "ÙÚÛÜ": b"U", "ùúûü": b"u", "Ýý": b"", "ÿ": b"y",
    "Ÿ": b"Y", "ß": b"s", "Š": b"S", "š": b"s", "Ž": b"Z", "ž": b"z",
    "‘’‚‹›´`": b"'", "“”„«»": b'"', "–—": b"-", "•·": b"*", "…": b".", "€£¥¢": b"$", "\xa0\r\n\t\f\v": b" ",
    "¿¡\xad": b" ", "×": b"x",
}  # fmt: skip
_PAIRS = {"Ç": b"C", "ç": b"c", "Ñ": b"N", "ñ": b"n", "Ý": b"Y", "ý": b"y"}


_SHOWING_NOTHING = (*range(1, 9), *range(14, 32), 127)
"""Controls that no mail program shows."""


def _table() -> bytes:
    table = bytearray(range(128)) + bytearray(b"\x7f" * 128)
    for letters, even in _EVEN.items():
        for letter in letters:
            table[letter.encode("cp1252")[0]] = (even or _PAIRS[letter])[0]
    for control in _SHOWING_NOTHING:
        table[control] = 0
    return bytes(table)


FOLD = _table()

# Letters of other scripts that pass for Latin ones.
_ALIKE = str.maketrans(
    "аеорсухіјѕԁԛԝһкмтвнАВЕКМНОРСТХУІЈЅαοινυρτκεΑΒΕΖΗΙΚΜΝΟΡΤΥΧɡɑıօոսᴏᴀᴇ",
    "aeopcyxijsdqwhkmtbhABEKMHOPCTXYIJSaoivuptkeABEZHIKMNOPTYXgaionuoae",
)
_ALIKE |= str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz")
# White letters on black disks and squares.
_ALIKE |= {first + place: 65 + place for first in (0x1F150, 0x1F170) for place in range(26)}
# Letters in brackets.
_ALIKE |= {0x249C + place: 97 + place for place in range(26)}
_BORROWED = str.maketrans(
    "ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᎾᏢᏒᏚᎢᏙᎳᎩᏃⲀⲂⲤⲈⲎⲒⲔⲘⲚⲞⲢⲦⲨⲬⲌⲁⲃⲥⲉⲏⲓⲕⲙⲛⲟⲣⲧⲩⲭⲍıɩȷ",
    "ABCDEFGHIJKLMNOPRSTUVWXYZABCDEGHIJKLMOPRSTVWYZABCEHIKMNOPTYXZabcehikmnoptyxziij",
)
"""Letters of scripts in which no mail is written, for the Latin ones that they look like."""
_OF_NO_MAIL = re.compile("[\u13a0-\u13f5\u2c80-\u2cb1\ua4d0-\ua4f7]{1,40}")
_LEET = str.maketrans("013457@$", "oleastas")
_FOREIGN = re.compile(r"[Ͱ-ԯ԰-֏]")
_MIXED = re.compile(r"[a-zA-ZÀ-ɏ][Ͱ-ԯ]|[Ͱ-ԯ][a-zA-ZÀ-ɏ]")
_FILLERS = "\u115f\u1160\u3164\uffa0\ufe00-\ufe0f\U000e0000-\U000e0fff"
"""Letters, variations and tags that show nothing."""
_CONTROLS = "\u2060-\u206f\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
"""What shows nothing and stands in no word of any script."""
_ZERO = re.compile(f"[{IGNORABLE}]")
_INWORD = re.compile(
    f"[^\\W\\d_][\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u034f\u180e\ufeff{_CONTROLS}{_FILLERS}]+[^\\W\\d_]"
)
_ELIDED = re.compile(
    r"(?<![^\W\d_])(?:[cdjlmnst]|un|all|dall|dell|nell|sull|quell|qu)[\x91\x92](?=[aeiouhàèéìòù])"
    r"|(?<=[^\W\d_])\x92(?=(?:s|t|re|ve|ll|d|m)(?![^\W\d_]))",
    re.IGNORECASE,
)
"""An apostrophe of Windows that a program took for a control: where a word is cut short as people do."""
_NO_LETTERS = frozenset({"Mn", "Me", "Cf", "Cc"})
"""Categories of signs that show nothing, or only what they add to a letter."""
_BLANK = "\t\n\v\f\r\x85\u2028\u2029\u2800"
"""Signs that show as a blank, whatever Unicode calls them."""
_THIN = re.compile("(?<![^\\W_])[^\\W\\d_](?:[\u2004-\u200a\u202f\u205f\u2800][^\\W\\d_]){2,}(?![^\\W_])")
"""A word whose letters thin blanks keep apart; between words stand wider ones."""
_TURNED = re.compile("[\u202d\u202e][^\u202c\n]{0,200}")
_UNIT = re.compile(r"(?<!\w)[μΔδΩσπλαβγθφ][a-zA-Z]{1,3}(?!\w)")
_SPACED = re.compile(
    r"(?<![^\W_])(?:[^\W\d_]_[^\W\d_](?:_[^\W\d_])+|[^\W\d_]([/~+])[^\W\d_](?:\1[^\W\d_]){4,}"
    r"|[^\W_]([ .\-_*|]{1,2})[^\W_](?:\2[^\W_]){2,}"
    r"|(?:[^\W_](?:[.\-_*|]{1,2}| [.\-_*|]?|[.\-_*|] )){3,}[^\W_])(?![^\W_])"
)
"""Letters kept apart, in most cases by the same signs throughout; what stands between words is wider."""
_FEW_SINGLE = 3
"""Words of one sign, beyond which a phrase may be one of letters kept apart."""
_LEETED = re.compile(r"(?<![^\W\d_])[^\W\d_]*(?:[013457][^\W\d_]|[^\W\d_][013457@$][^\W\d_])[\w@$]*")


class Folded(NamedTuple):
    """Folded bytes. `places` maps each byte to its character, or is None where they coincide;
    `tricks` are (start, end, what) of disguises seen on the way."""

    text: bytes
    places: tuple[int, ...] | None = None
    tricks: tuple[tuple[int, int, str], ...] = ()


def fold(text: str) -> Folded:
    """The plain form of a phrase: cheap for ordinary text, thorough for odd text."""
    if "\xad" in text:  # a soft hyphen shows nowhere but at the end of a line
        return _fold_odd(text)
    try:
        even = (text.encode() if text.isascii() else text.encode("cp1252")).translate(FOLD)
    except UnicodeEncodeError:
        return _fold_odd(text)
    return _fold_odd(text) if b"\0" in even else Folded(even)


def _fold_odd(text: str) -> Folded:
    if "\x92" in text or "\x91" in text:
        text = _ELIDED.sub(_mend, text)
    tricks = [(m.start(), m.end(), "zero-width characters inside a word") for m in _INWORD.finditer(text)]
    if _MIXED.search(text):
        mixed = _MIXED.finditer(_UNIT.sub(_blank, text))
        tricks += [(m.start(), m.end(), "letters of another script inside a word") for m in mixed]
    if "\u202e" in text or "\u202d" in text:
        tricks += [(m.start(), m.end(), "text turned around") for m in _TURNED.finditer(text)]
    tricks += [(m.start(), m.end(), "letters of another script") for m in _OF_NO_MAIL.finditer(text)]
    thin = list(_THIN.finditer(text))
    tricks += [(m.start(), m.end(), "letters spaced out") for m in thin]
    closed = {place for m in thin for place in range(m.start() + 1, m.end(), 2)}
    # Cyrillic or Greek that only stands in for Latin: a text of its own keeps its letters.
    alike = bool(tricks) or len(_FOREIGN.findall(text)) * 4 < len(text)
    places: list[int] = []
    out = bytearray()
    for place, letter in enumerate(text):
        plain = b"" if place in closed else _plain(letter, alike)
        out += plain
        places.extend([place] * len(plain))
    return Folded(bytes(out), tuple(places), tuple(tricks[:8]))


def _mend(match: "re.Match[str]") -> str:
    return str(match.group()[:-1]) + "'"


def _blank(match: "re.Match[str]") -> str:
    return " " * len(match.group())


@lru_cache(4096)
def _plain(letter: str, alike: bool) -> bytes:
    if letter in _BLANK:
        return b" "
    if _ZERO.match(letter) or unicodedata.category(letter) in _NO_LETTERS:
        return b""
    letter = letter.translate(_BORROWED)
    if alike:
        letter = letter.translate(_ALIKE)
    shape = unicodedata.normalize("NFKD", letter)
    base = "".join(c for c in shape if not unicodedata.combining(c)) or letter
    return b"".join(c.encode("cp1252", "replace").translate(FOLD) if _latin(c) else b"\x7f" for c in base[:4])


def _latin(letter: str) -> bool:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def looks_disguised(text: bytes, words: list[bytes]) -> bool:
    """Whether closing up or reading digits as letters could change anything: a quick look at its words."""
    if b"://" in text:  # an address is made of odd words
        text = b" ".join([one for one in text.split() if b"://" not in one])
        words = split_words(text)
    no_numbers = b"".join([word for word in words if not word.isdigit()])
    if no_numbers and not no_numbers.isalpha():
        return True
    return list(map(len, words)).count(1) > _FEW_SINGLE or b"@" in text or b"$" in text


def undisguise(odd: Folded) -> Folded | None:
    """A folded phrase with spaced-out words closed up and digits read as letters; None if it has neither."""
    plain = odd.text.decode("ascii")
    if not _LEETED.search(plain) and not _SPACED.search(plain):
        return None
    places = odd.places if odd.places is not None else range(len(odd.text))
    cuts: set[int] = set()
    tricks = []
    for match in _SPACED.finditer(plain):
        cuts.update(i for i in range(match.start(), match.end()) if not plain[i].isalnum())
        tricks.append((match.start(), match.end(), "letters spaced out"))
    letters = list(plain)
    for match in _LEETED.finditer(plain):
        letters[match.start() : match.end()] = match.group().translate(_LEET)
        tricks.append((match.start(), match.end(), "digits in place of letters"))
    if not tricks:
        return None
    kept = [i for i in range(len(letters)) if i not in cuts]
    spots = tuple((places[a], places[b - 1] + 1, why) for a, b, why in tricks[:8])
    return Folded("".join(letters[i] for i in kept).encode(), tuple(places[i] for i in kept), spots)
