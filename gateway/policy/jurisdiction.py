"""What is lawful where: one file per country, each line with its source and who vouches for it.

Data, not advice: nothing here replaces counsel, and every file says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.message.envelope import CHANNELS

GRADES = "ABCD"
IDENTITY = ("name", "contact", "postal_address")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One statement of law: `checked_on` is empty where nobody looked its source up yet, `signed_off_by`
    until counsel signed it."""

    value: object
    source: str
    checked_on: str
    signed_off_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jurisdiction:
    """What a country asks of whoever writes there. The defaults are the strictest of each.

    `consent_channels` need consent before marketing. `soft_opt_in_channels` allow offers of own similar
    products to whoever gave the address in a sale. `permission_request`: "marketing" where the question
    itself is marketing, else "lawful". Days: 0 for implied consent means none; 0 for
    `consent_lasts_days` means until withdrawn; `answer_days` is how long an individual answer to the
    person's own message needs no consent.
    """

    code: str = "unknown"
    name: str = "unknown"
    warning: str = ""
    time_zone: str = "UTC"
    holidays: str = ""
    consent_channels: frozenset[str] = frozenset(CHANNELS)
    min_grade: str = "A"
    soft_opt_in_channels: frozenset[str] = frozenset()
    soft_opt_in_purposes: frozenset[str] = frozenset()
    legitimate_interest_channels: frozenset[str] = frozenset()
    permission_request: str = "marketing"
    implied_purchase_days: int = 0
    implied_inquiry_days: int = 0
    consent_lasts_days: int = 0
    answer_days: int = 30
    opt_out_days: int = 1
    identity: frozenset[str] = frozenset(IDENTITY)
    lines: Mapping[str, Line] = field(default_factory=dict)

    @property
    def unsigned(self) -> tuple[str, ...]:
        """The lines that nobody signed off."""
        return tuple(name for name, line in self.lines.items() if not line.signed_off_by)


STRICTEST = Jurisdiction()
"""What `unknown` means where no file says otherwise."""

LINES = tuple(f.name for f in fields(Jurisdiction) if f.name not in ("code", "name", "warning", "lines"))
"""The names that a file may state, in order."""


def stricter_grade(one: str, other: str) -> str:
    """The better evidence of two grades; an empty one asks for nothing."""
    return min(one, other) if one and other else one or other


def strictest(several: Iterable[Jurisdiction]) -> Jurisdiction:
    """The strictest of each line. Time zone and holidays are the first one's."""
    all_ = tuple(several)
    first = all_[0]
    lasting = [j.consent_lasts_days for j in all_ if j.consent_lasts_days]
    return Jurisdiction(
        code="+".join(j.code for j in all_),
        name=", ".join(j.name for j in all_),
        warning=first.warning,
        time_zone=first.time_zone,
        holidays=first.holidays,
        consent_channels=frozenset().union(*(j.consent_channels for j in all_)),
        min_grade=min(j.min_grade for j in all_),
        soft_opt_in_channels=first.soft_opt_in_channels.intersection(*(j.soft_opt_in_channels for j in all_)),
        soft_opt_in_purposes=first.soft_opt_in_purposes.intersection(*(j.soft_opt_in_purposes for j in all_)),
        legitimate_interest_channels=first.legitimate_interest_channels.intersection(
            *(j.legitimate_interest_channels for j in all_)
        ),
        permission_request=("lawful" if all(j.permission_request == "lawful" for j in all_) else "marketing"),
        implied_purchase_days=min(j.implied_purchase_days for j in all_),
        implied_inquiry_days=min(j.implied_inquiry_days for j in all_),
        consent_lasts_days=min(lasting, default=0),
        answer_days=min(j.answer_days for j in all_),
        opt_out_days=min(j.opt_out_days for j in all_),
        identity=frozenset().union(*(j.identity for j in all_)),
    )


_LONGEST = 16


def loosens(declared: Jurisdiction, settled: Jurisdiction) -> bool:
    """Whether taking `declared` instead of `settled` would ask less in any line."""
    both = strictest((declared, settled))
    return any(getattr(both, line) != getattr(declared, line) for line in _WEIGHED)


_WEIGHED = tuple(name for name in LINES if name not in ("time_zone", "holidays"))


def settle(*, consent: str, declared: str, trusted: bool, controller: str) -> str:
    """The code of a recipient's jurisdiction: from the consent record, else declared by a trusted
    source, else the controller's, else `unknown`. An untrusted declaration may only tighten: the result
    is then `<settled>+<declared>`, the strictest of both."""
    declared = declared.strip().casefold()
    if declared and not (declared.isalpha() and len(declared) <= _LONGEST):
        declared = "unknown"
    if consent:
        settled = consent.casefold()
    elif declared and trusted:
        return declared
    else:
        settled = (controller or "unknown").casefold()
    if declared and not trusted and declared != settled:
        return f"{settled}+{declared}"
    return settled


@lru_cache(maxsize=256)
def zone_named(name: str) -> ZoneInfo | None:
    """The time zone of that name (IANA, such as `Europe/Rome`), if there is one."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
