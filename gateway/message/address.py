"""Which person an address stands for: the key under which the ledger knows them.

Many spellings, one key: nobody gets a second identity (and a second first contact, or a way around
their own objection) by capitals, tags, look-alike widths or characters that cannot be seen.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

import idna

from gateway.message.mailbox import Mailbox, is_address, parse_mailbox, parse_path
from gateway.message.unseen import IGNORABLE

__all__ = [
    "PROVIDERS",
    "Mailbox",
    "Provider",
    "is_valid",
    "normalize",
    "parse_mailbox",
    "parse_path",
    "without_addresses",
]

LONGEST = 1024  # characters; what is longer is no address, and is cut


@dataclass(frozen=True, slots=True)
class Provider:
    """How a mail provider reads local parts: `domain` is its canonical one, `ignored` are the
    characters without meaning, `tag` opens a suffix without meaning.
    """

    domain: str
    ignored: str = ""
    tag: str = "+"


_GOOGLE = Provider("gmail.com", ignored=".")
_PROTON = Provider("proton.me", ignored="._-")

# Documented by the providers themselves. A domain that is not here keeps its local part whole.
PROVIDERS = {
    "gmail.com": _GOOGLE,
    "googlemail.com": _GOOGLE,
    "proton.me": _PROTON,
    "protonmail.com": _PROTON,
    "protonmail.ch": _PROTON,
    "pm.me": _PROTON,
    **{
        domain: Provider(domain)
        for domain in (
            "outlook.com", "outlook.it", "outlook.fr", "outlook.de", "outlook.es",
            "hotmail.com", "hotmail.it", "hotmail.fr", "hotmail.de", "hotmail.es", "hotmail.co.uk",
            "live.com", "live.it", "live.fr", "live.co.uk", "live.nl", "msn.com",
            "icloud.com", "me.com", "mac.com",
            "fastmail.com", "fastmail.fm", "hey.com", "mailbox.org", "posteo.de", "runbox.com",
            "zoho.com", "zohomail.com", "zohomail.eu", "yandex.com", "yandex.ru", "mail.ru",
        )
    },
}  # fmt: skip

# What shows nothing means nothing: controls and U+FFFC too.
_UNSEEN = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffc-\uffff\ud800-\udfff{IGNORABLE}]")
_ORDINARY = re.compile(r"[a-z0-9_-]++(?>(?:\.[a-z0-9_-]++)*)@[a-z0-9-]++(?>(?:\.[a-z0-9-]++)+)\Z")
_DOTS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61\u2024", "."))
_ATOMS = re.compile(r'[^\s"(),:;<>@\[\\\].]++(?>(?:\.[^\s"(),:;<>@\[\\\].]++)*)\Z')

_LINKEDIN_ID = re.compile(r"A[CE][A-Za-z]AA[A-Za-z0-9_-]{5,}\Z")
_LINKEDIN_URN = re.compile(r"(urn:li:[a-z_]+):\(?([A-Za-z0-9_-]+)[A-Za-z0-9_,:-]*\)?\Z", re.IGNORECASE)
_LINKEDIN_HOST = r"(?:[a-z][a-z0-9+.-]*:)?/*(?:[a-z0-9-]+\.)*linkedin\.com\.?(?::\d+)?/+"
_LINKEDIN_URL = re.compile(
    _LINKEDIN_HOST
    + r"(?:(?:mwlite|comm)/+)?(?:in|pub|sales/+lead|sales/+people|talent/+profile)/+([^/,;&]+)",
    re.IGNORECASE,
)
_LINKEDIN_PERSON = "urn:li:fsd_profile"
_SLUG = re.compile(r"[^\s/?#@:%]+\Z")
_PHONE_SCHEME = re.compile(r"(?:whatsapp|tel|sms|smsto):", re.IGNORECASE)
_WHATSAPP_ID = re.compile(r"(\d+)(?:[:.]\d+)?@(?:s\.whatsapp\.net|c\.us|lid)\Z")
_PHONE = re.compile(r"[+0-9\s()./\\\-\u2010-\u2015]+\Z")
_HANDLE_HOST = {
    "telegram": re.compile(r"(?:https?:/+)?(?:www\.)?(?:t|telegram)\.(?:me|dog)/+"),
    "instagram": re.compile(r"(?:https?:/+)?(?:www\.|m\.)?instagram\.com/+"),
}
_HANDLE = re.compile(r"@*([^@/:?#][^/:?#]*)/*(?:[?#].*)?\Z", re.DOTALL)
"""A name, and what apps add to the address of a profile that is shared (?igsh=...): it names nobody. Where no
name stands before it (web.telegram.org/k/#@anna), it may."""


def normalize(channel: str, address: str) -> str:
    """The ledger key of an address: equal for every spelling of one mailbox, profile or number.

    Never raises; normalizing a key gives the key. The result holds neither NUL nor surrogates.
    """
    if channel == "email" and _ORDINARY.match(address) and len(address) < LONGEST:
        return _email_key(*address.rsplit("@", 1))
    step = _STEPS.get(channel) or _handle(channel)
    key = address
    # One step may uncover work for the next (an escape within an escape); keys are short, so few do.
    for _ in range(_ROUNDS):
        before, key = key, step(_visible(key))[:LONGEST]
        if key == before:
            return key
    return _fold(key)


_ROUNDS = 12
_WORD = re.compile(r"\S+")
_ADDRESSED = re.compile(
    "[@\uff20\ufe6b]|linkedin\\.com/+(?:(?:mwlite|comm)/+)?(?:in|pub|sales|talent)/", re.IGNORECASE
)  # the @ in its three widths


def without_addresses(text: str) -> str:
    """A text that is kept for good, with … in the place of every word that holds an @ or leads to a
    profile on LinkedIn. Of a text that says nothing else, nothing is left."""
    plain = _WORD.sub(lambda word: "…" if _ADDRESSED.search(word[0]) else word[0], text)
    return plain if plain.strip("… \t\r\n") else ""


def is_valid(channel: str, address: str) -> bool:
    """Whether a message could go there: syntax alone, nothing is looked up."""
    if not 0 < len(address) <= LONGEST:
        return False
    if channel == "email":
        return is_address(address)
    key = normalize(channel, address)
    if channel == "linkedin":
        return key.startswith(("linkedin.com/in/", "urn:li:"))
    if channel in ("whatsapp", "sms"):
        return key.isascii() and key.isdigit() and 7 <= len(key) <= 15
    return bool(key) and len(key) <= 256 and not any(c.isspace() for c in key)


def _visible(text: str) -> str:
    """Without what cannot be seen, in the compatibility form, at most LONGEST characters."""
    text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text[:LONGEST]))
    return _UNSEEN.sub("", text)[:LONGEST].strip()


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _email(text: str) -> str:
    while text[:7].lower() == "mailto:":
        text = text[7:].lstrip()
    while text[:1] == "<" and text[-1:] == ">":
        text = text[1:-1].strip()
    local, at, domain = text.rpartition("@")
    if not at:
        return _fold(text)
    return _email_key(_local(local.strip()), _domain(domain.strip()))


def _email_key(local: str, domain: str) -> str:
    if provider := PROVIDERS.get(domain):
        domain = provider.domain
        if not local.startswith('"'):
            local = _mailbox_name(local, provider)
    return f"{local}@{domain}"


def _mailbox_name(local: str, provider: Provider) -> str:
    name = local.partition(provider.tag)[0] or local
    for character in provider.ignored:
        name = name.replace(character, "")
    return name or local


def _local(local: str) -> str:
    """Case-folded, and unquoted where the quotes were not needed."""
    local = _fold(local)
    if len(local) > 1 and local[0] == local[-1] == '"':
        plain = re.sub(r"\\(.)", r"\1", local[1:-1])
        if _ATOMS.match(plain):
            return plain
    return local


def _domain(domain: str) -> str:
    """A-labels in lower case (UTS 46), without the root's dot; what IDNA refuses, label by label."""
    domain = domain.translate(_DOTS).rstrip(".")
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return ".".join(_label(label) for label in domain.split("."))


def _label(label: str) -> str:
    label = _fold(label)
    if label.isascii() or len(label) > 63:
        return label
    try:
        return "xn--" + label.encode("punycode").decode("ascii")
    except UnicodeError:
        return label


def _linkedin(text: str) -> str:
    text = unquote(text, errors="replace").partition("?")[0].partition("#")[0].strip()
    if match := _LINKEDIN_URN.match(text):
        kind, name = match.groups()
        return f"{_LINKEDIN_PERSON}:{name}" if _LINKEDIN_ID.match(name) else f"{kind}:{name}".lower()
    if match := _LINKEDIN_URL.match(text):
        name = match[1].strip()
    elif _SLUG.match(text) and "." not in text:
        name = text
    else:
        return _fold(text)
    # Ids of the provider hold capitals that matter; names that people chose do not.
    return (
        f"{_LINKEDIN_PERSON}:{name}" if _LINKEDIN_ID.match(name) else f"linkedin.com/in/{_fold(name).strip()}"
    )


def _phone(text: str) -> str:
    text = _fold(_PHONE_SCHEME.sub("", text)).strip()
    text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    if match := _WHATSAPP_ID.match(text):
        text = match[1]
    if not _PHONE.match(text):
        return text
    digits = re.sub(r"\D", "", text.replace("(0)", ""))
    return digits.lstrip("0") or digits  # an exit code 00; no country code begins with 0


def _handle(channel: str) -> Callable[[str], str]:
    host = _HANDLE_HOST.get(channel)

    def step(text: str) -> str:
        text = _fold(text).strip()
        if host is None:
            return text
        handle = host.sub("", text, count=1)
        if alone := _HANDLE.match(handle):
            return alone[1]
        return handle.rstrip("/").lstrip("@")

    return step


_STEPS: dict[str, Callable[[str], str]] = {
    "email": _email,
    "linkedin": _linkedin,
    "whatsapp": _phone,
    "sms": _phone,
}
