"""Did this person agree to it?"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.ledger.person import Permission
from gateway.policy.jurisdiction import stricter_grade
from gateway.policy.outcome import Objection, Words
from gateway.policy.rules.case import NOTHING, Case, Found, Grade
from gateway.policy.wording import basis, channel, country, fact, when
from gateway.policy.wording import purposes as in_words

DAY = 86400

_PROOF = {
    "A": Words("double opt-in", "doppia conferma"),
    "B": Words("a signed paper or a recording", "un documento firmato o una registrazione"),
    "C": Words("time and IP address only", "solo data e indirizzo IP"),
    "D": Words("an imported claim", "una dichiarazione importata"),
}

ANSWERS = ("conversation", "outreach", "promotion")
"""Classes that can be an individual answer to a person's own message."""


def held_permissions(case: Case, purposes: Iterable[str]) -> list[Permission]:
    """What the ledger has for these purposes on this channel, newer consents that are proved less well too,
    and what a trusted source claims where the ledger has nothing, or but an end that was told before."""
    wanted = {purpose.casefold() for purpose in purposes}
    found = [
        p
        for known in case.facts.person.permissions
        if known.channel == case.channel and known.purpose.casefold() in wanted
        for p in (known, known.newer)
        if p is not None
    ]
    claim = case.message.claimed_consent
    if claim and "consent" in case.facts.trusted and all(p.state == "changed" for p in found):
        basis = claim.basis or "consent"
        ends = {p.purpose.casefold(): p.expires_at for p in found if claim.at <= p.at}
        return [
            Permission(p, case.channel, "granted", basis=basis, at=claim.at, expires_at=ends.get(p, 0.0))
            for p in wanted
        ]
    return found


def standing(case: Case, purposes: Iterable[str], min_grade: str) -> bool:
    """Whether there is a valid consent for one of the purposes on this channel."""
    return any(why_not(case, permission, min_grade) == "" for permission in held_permissions(case, purposes))


def expiry(case: Case, permission: Permission) -> float:
    """When a permission ends by itself; 0 where only a withdrawal ends it."""
    law, basis = case.jurisdiction, permission.basis.replace("-", "_").replace(" ", "_").casefold()
    days = law.implied_purchase_days if basis == "implied" else law.consent_lasts_days
    by_law = permission.at + days * DAY if days and permission.at else 0.0
    return min(filter(None, (permission.expires_at, by_law)), default=0.0)


def why_not(case: Case, permission: Permission, min_grade: str) -> str:
    """The code of what a permission lacks here and now, "" where it is good."""
    if permission.state == "requested":
        return "pending"
    if permission.state in ("withdrawn", "objected"):
        return "withdrawn"
    ends = expiry(case, permission)
    if permission.state == "expired" or (ends and ends <= case.now):
        return "expired"
    if permission.state != "granted":
        return "missing"
    law, basis = case.jurisdiction, permission.basis.replace("-", "_").replace(" ", "_").casefold()
    if basis in ("consent", ""):
        return "grade" if min_grade and permission.grade > min_grade else ""
    if basis == "soft_opt_in":
        similar = permission.purpose in law.soft_opt_in_purposes
        return "" if similar and case.channel in law.soft_opt_in_channels else "basis"
    if basis == "implied":
        return "" if law.implied_purchase_days or law.implied_inquiry_days else "basis"
    if basis == "legitimate_interest":
        return "" if case.channel in law.legitimate_interest_channels else "basis"
    return "basis"


_RANK = ("grade", "basis", "expired", "pending", "withdrawn", "missing")


@dataclass(frozen=True, slots=True)
class Consent:
    """A valid consent for this purpose on this channel, of the grade that the policy or the
    jurisdiction asks (the stricter of both), not expired and not withdrawn.

    Soft opt-in, implied consent and legitimate interest count where the jurisdiction knows them. An
    individual answer to the person's own message, in its thread, needs none for `answer_days`.
    """

    min_grade: Grade = ""
    purposes: tuple[str, ...] = ()
    any_proof: bool = False

    def check(self, case: Case) -> Found:
        """What the ledger lacks. With `any_proof`, the jurisdiction's grade is left to another line."""
        law = case.jurisdiction
        if case.channel not in law.consent_channels or _answers(case) or _bought(case):
            return NOTHING
        purposes = self._wanted(case)
        grade = self.min_grade if self.any_proof else stricter_grade(self.min_grade, law.min_grade)
        if _plainly(case, purposes, grade):
            return NOTHING
        best: tuple[int, Permission | None] = (len(_RANK) - 1, None)
        for permission in held_permissions(case, purposes):
            lack = why_not(case, permission, grade)
            if not lack:
                return NOTHING
            best = min(best, (_RANK.index(lack), permission), key=lambda pair: pair[0])
        return (_lacking(case, _RANK[best[0]], best[1], purposes, grade),)

    def _wanted(self, case: Case) -> tuple[str, ...]:
        if not self.purposes or case.message.purpose in {p.lower() for p in self.purposes}:
            return (case.purpose,)
        return self.purposes


def _plainly(case: Case, purposes: tuple[str, ...], grade: str) -> bool:
    """The ordinary case, quickly: consent itself, without an end, well enough proved."""
    if case.jurisdiction.consent_lasts_days:
        return False
    channel = case.channel
    for p in case.facts.person.permissions:
        if (
            p.purpose in purposes
            and p.channel == channel
            and p.state == "granted"
            and p.basis == "consent"
            and not p.expires_at
        ):
            return not grade or p.grade <= grade
    return False


def _answers(case: Case) -> bool:
    if not case.facts.known_reply:
        return False
    known = case.facts.relationship
    return case.class_ in ANSWERS and case.now - known.last_reply <= case.jurisdiction.answer_days * DAY


def _bought(case: Case) -> bool:
    """Consent implied by a purchase, where the law knows it."""
    known, days = case.facts.relationship, case.jurisdiction.implied_purchase_days
    return bool(days and known.last_purchase and case.now - known.last_purchase < days * DAY)


def _lacking(
    case: Case, code: str, permission: Permission | None, purposes: tuple[str, ...], grade: str
) -> Objection:
    purpose, via = in_words(purposes), channel(case.channel)
    at = when(permission.at) if permission else Words("", "")
    reasons = {
        "missing": Words(
            f"We have no consent of this person for {purpose.en} by {via.en}.",
            f"Non abbiamo il consenso di questa persona per {purpose.it} via {via.it}.",
        ),
        "pending": Words(
            f"This person was asked for consent to {purpose.en} by {via.en}, but did not confirm.",
            f"A questa persona è stato chiesto il consenso per {purpose.it} via {via.it}, ma non lo ha "
            "confermato.",
        ),
        "withdrawn": Words(
            f"This person withdrew consent for {purpose.en} by {via.en} on {at.en}.",
            f"Questa persona ha revocato il consenso per {purpose.it} via {via.it} il {at.it}.",
        ),
    }
    if code not in reasons and permission:
        reasons[code] = _weak(case, code, permission, purpose, via, grade)
    seen = (fact(at.en, f"{permission.state}, grade {permission.grade}"),) if permission else ()
    return Objection(
        code=code, reason=reasons[code], remedy=_REMEDIES[code], evidence=seen, condition="consent"
    )


def _weak(case: Case, code: str, permission: Permission, purpose: Words, via: Words, grade: str) -> Words:
    if code == "expired":
        ended = when(expiry(case, permission) or permission.at)
        return Words(
            f"The consent for {purpose.en} by {via.en} ended on {ended.en}.",
            f"Il consenso per {purpose.it} via {via.it} è scaduto il {ended.it}.",
        )
    if code == "grade":
        have, need = _PROOF.get(permission.grade, _PROOF["D"]), _PROOF.get(grade, _PROOF["A"])
        return Words(
            f"The consent for {purpose.en} by {via.en} is proved by {have.en} (grade {permission.grade}); "
            f"at least {need.en} (grade {grade}) is needed.",
            f"Il consenso per {purpose.it} via {via.it} è provato da: {have.it} (grado {permission.grade}); "
            f"serve almeno {need.it} (grado {grade}).",
        )
    rest, law = basis(permission.basis), country(case.jurisdiction.name)
    return Words(
        f"What we have for {purpose.en} by {via.en} is {rest.en}, which does not suffice here ({law.en}).",
        f"Per {purpose.it} via {via.it} risulta solo {rest.it}, che qui non basta ({law.it}).",
    )


_ASK = Words(
    "Ask for consent with a sign-up form and double opt-in, or leave this person out.",
    "Raccogliere il consenso con un modulo e doppia conferma, oppure escludere questa persona.",
)

_REMEDIES = {
    "missing": _ASK,
    "pending": Words(
        "Wait for the person to confirm; do not ask again.",
        "Attendere la conferma della persona; non chiedere di nuovo.",
    ),
    "withdrawn": Words(
        "Respect it: take this person off the list.", "Rispettarla: togliere questa persona dalla lista."
    ),
    "expired": Words(
        "Collect a new consent before writing again.", "Raccogliere un nuovo consenso prima di scrivere."
    ),
    "grade": Words(
        "Have compliance record the proof, or confirm by double opt-in.",
        "Far registrare la prova dalla compliance, o confermare con doppia conferma.",
    ),
    "basis": _ASK,
}
