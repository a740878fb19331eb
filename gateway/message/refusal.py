"""What another mail server's refusal says of an address (RFC 3463, RFC 5321 4.2.3). Pure.

Only what is certainly about the address itself counts against it. Servers also say 550 where they do not let
us relay, know our network from a list, or dislike the text: words that may mean this leave a doubt.
"""

import re

NOBODY = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""There is nobody, and will be nobody, at this address. 5.1.7 and 5.1.8 are about the sender's."""
FULL = frozenset({"5.2.2", "4.2.2"})
"""The mailbox is full."""

# "Other or undefined": the words tell what the code does not.
_VAGUE = frozenset({"", "5.0.0", "5.1.0", "5.2.0"})

_CODE = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_ADDRESS = re.compile(r"\S{1,320}@\S{1,320}")

_DOUBT = re.compile(
    r"relay(?! recipient)|denied|deny|prohibit|block|spam|policy|authent|black ?list|\brbl|dnsbl|reputation"
    r"|sender|callout|\b(?:helo|ehlo)\b|client host|no access|not (?:allowed|permitted|authori[sz]ed)"
    r"|too many|\brate\b|limit exceeded|daily|hourly|virus|content|\bspf\b|dkim|dmarc"
    r"|retry|time ?out|timed out|\blater\b|temporar|\b4\d\d\b|\b4\.\d{1,3}\.\d",
    re.IGNORECASE,
)
# Not "invalid recipient" and not "mailbox unavailable": OpenSMTPD says the first where it does not relay,
# and the second stands in RFC 5321 for policy as well.
_NOBODY_WORDS = re.compile(
    r"unknown (?:local )?(?:user|recipient|mailbox|account|local[- ]part)"
    r"|(?:user|recipient|mailbox|account)(?: is| was)? (?:unknown|not known|not found)"
    r"|no such (?:local )?(?:user|recipient|mailbox|account|person|address)"
    r"|no mailbox (?:here )?by that name"
    r"|(?:user|recipient|mailbox|account|(?:recipient|e-?mail|this) address)\b[^.;:,]{0,60}?"
    r" (?:does not|doesn't) exist"
    r"|user (?:does not|doesn't) have an? \S{1,60} account"
    r"|unroute?able address",
    re.IGNORECASE,
)
_FULL_WORDS = re.compile(
    r"(?:mailbox|inbox|account|user|recipient)\b[^.;:,]{0,60}?\b(?:full|over ?quota|quota)\b"
    r"|\bover ?quota|quota exceeded|exceeded storage allocation",
    re.IGNORECASE,
)
# Gmail says 5.2.1 of a mailbox that gets too much at once, too.
_RATE = re.compile(r"\brate\b|too (?:quickly|many|much|fast)|temporar", re.IGNORECASE)


def find_code(text: str, class_: str = "") -> str:
    """The first enhanced code (x.y.z) in a text, of that class where one is given; never part of an IP
    address; "" for none."""
    found = (match[0] for match in _CODE.finditer(text))
    return next((code for code in found if code.startswith(class_)), "")


def says_nobody(code: str, text: str) -> bool:
    """Whether nobody is at the address, beyond doubt. `code` is the enhanced one, "" for none; a vague one
    is made up for by a better one in the text, or by words that mean nothing else."""
    code = _better(code, text)
    if code in NOBODY:
        return code != "5.2.1" or not _RATE.search(text)
    return code in _VAGUE and _says(_NOBODY_WORDS, text)


def says_other(code: str) -> bool:
    """Whether an enhanced code names something else than that nobody is there: a full mailbox, the sender, a
    policy, a route, the text. 5.4.4 is a domain that is not there."""
    return bool(find_code(code)) and code not in NOBODY | _VAGUE | {"5.4.4"}


def says_full(code: str, text: str) -> bool:
    """Whether the mailbox is full: by the enhanced code, or where that is vague by words."""
    code = _better(code, text)
    return code in FULL or (code in _VAGUE and _says(_FULL_WORDS, text))


def _better(code: str, text: str) -> str:
    return find_code(text, "5") or code if code in _VAGUE else code


def _says(words: re.Pattern[str], text: str) -> bool:
    """Whether a text has such words and none that leave a doubt, whatever the address in it is called."""
    said = _ADDRESS.sub(" ", text)
    return words.search(said) is not None and not _DOUBT.search(said)
