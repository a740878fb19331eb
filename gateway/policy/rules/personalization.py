"""Was it written for this person?"""

import re
from dataclasses import dataclass

from msgspec.structs import replace

from gateway.message.content import Attachment
from gateway.policy.outcome import Objection, Words
from gateway.policy.rules.case import NOTHING, Case, Contradiction, Duration, Found
from gateway.policy.wording import count, fact, quoted, when
from gateway.reading.reading import Evidence
from gateway.reading.sameness import NOT_COPIED, Copied, judge_copy

DAY = 86400
OWN_WORDS = 6
"""Words that make a sentence of one's own."""

PEOPLE = Words("other person", "altra persona"), Words("other people", "altre persone")


def passage(case: Case, start: int, end: int, sent: int) -> Evidence:
    """A copied passage as evidence: its words where the visible text is the plain text, else its place."""
    content = case.message.content
    words = "" if content.html.strip() else content.text.replace("\r\n", "\n")[start:end]
    return Evidence(text=words, start=start, end=end, why=f"sent to {sent} others")


def copied(case: Case, copies: int) -> Copied:
    """How much of this text at least `copies` others got."""
    counts = case.facts.copies.counts
    if not counts or max(counts) * 4 < copies:
        return NOT_COPIED
    return judge_copy(case.reading.phrases, counts, copies=copies)


def own_sentence(case: Case, least: int) -> bool:
    """Whether there is a sentence of at least that many words which nobody else got, not even in
    other words."""
    pairs = list(zip(case.reading.phrases, case.facts.copies.counts, strict=False))
    runs = [(one.start, sent) for one, sent in pairs if one.run]
    for one, sent in pairs:
        if one.run or sent or one.words < least:
            continue
        inside = [times for start, times in runs if one.start <= start < one.end]
        if sum(1 for times in inside if times) * 2 <= len(inside):
            return True
    return False


@dataclass(frozen=True, slots=True)
class CopiedText:
    """Text already sent word for word to others. A phrase is a copy once `copies` other people got it; the
    message is one when copies make up more than `max_share` of its words, or when a single passage that sells
    or asks is one. A text is remembered for `window` after it was last sent, the longest of all lines. With
    `own_words` (0: off) it passes all the same when it has a sentence of at least that many words which
    nobody else got."""

    max_share: float = 0.5
    copies: int = 4
    window: Duration = Duration(30 * 86400)
    own_words: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.max_share <= 1:
            raise Contradiction("max_share", "max_share is a share of the words: more than 0, at most 1")
        if self.copies < 1:
            raise Contradiction("copies", "copies must be at least 1")
        if self.own_words < 0:
            raise Contradiction("own_words", "own_words cannot be negative")

    def check(self, case: Case) -> Found:
        """How much of this went to others before."""
        found = copied(case, self.copies)
        if found.share <= self.max_share and not found.asking:
            return NOTHING
        if self.own_words and own_sentence(case, self.own_words):
            return NOTHING
        return (self._objection(case, found),)

    def _objection(self, case: Case, found: Copied) -> Objection:
        whole = found.share > self.max_share
        people, since = count(found.copies, *PEOPLE), when(case.facts.copies.since)
        places = found.passages if whole else found.asking
        evidence = tuple(passage(case, *place, found.copies) for place in places[:8])
        if whole:
            reason = Words(
                f"{found.share:.0%} of this text already went word for word to {people.en}, since "
                f"{since.en}.",
                f"Il {found.share:.0%} di questo testo è già stato inviato parola per parola a {people.it}, "
                f"dal {since.it}.",
            )
        else:
            words = quoted(evidence)
            reason = Words(
                f"A passage that sells or asks{words.en} already went to {people.en}.",
                f"Un passaggio che vende o chiede{words.it} è già stato inviato a {people.it}.",
            )
        return Objection(
            code="share" if whole else "passage",
            reason=reason,
            remedy=Words(
                "Write to this person in words of your own, or send it as a newsletter to those who "
                "subscribed.",
                "Scrivere a questa persona con parole proprie, oppure inviarlo come newsletter a chi si è "
                "iscritto.",
            ),
            evidence=(*evidence, fact(since.en, f"first sent; to {found.copies} others by now")),
        )


@dataclass(frozen=True, slots=True)
class PersonalDetail:
    """Greetings and requests need a sentence of their own once the text has become a habit: when it
    went to `copies` others, or, where all of it is a stock phrase, when the sender wrote as many of this
    kind within a day. 0 asks for one from the first message on."""

    copies: int = 4

    def __post_init__(self) -> None:
        if self.copies < 0:
            raise Contradiction("copies", "copies cannot be negative")

    def check(self, case: Case) -> Found:
        """Whether anything in it was written for this person."""
        if not self.copies:
            return NOTHING if case.reading.personal_detail.value else (_IMPERSONAL,)
        if not case.reading.phrases:
            return self._formula(case)
        found = copied(case, self.copies)
        if not found.share or own_sentence(case, OWN_WORDS):
            return NOTHING
        people = count(found.copies, *PEOPLE)
        reason = Words(
            f"Nothing in this message was written for this person: the same words went to {people.en}.",
            "In questo messaggio non c'è nulla di scritto per questa persona: le stesse parole sono andate a "
            f"{people.it}.",
        )
        return (replace(_IMPERSONAL, reason=reason),)

    def _formula(self, case: Case) -> Found:
        sent = case.facts.pace.sent.get((case.class_, DAY), 0)
        if sent < self.copies or case.reading.personal_detail.value:
            return NOTHING
        reason = Words(
            f"This is a formula and nothing else, and the sender already sent {sent} of the kind within a "
            "day.",
            f"Questa è solo una formula, e il mittente ne ha già inviate {sent} di questo tipo in un giorno.",
        )
        return (replace(_IMPERSONAL, code="formula", reason=reason),)


_IMPERSONAL = Objection(
    code="missing",
    reason=Words(
        "Nothing in this message was written for this person.",
        "In questo messaggio non c'è nulla di scritto per questa persona.",
    ),
    remedy=Words(
        "Add one sentence that fits this person alone.",
        "Aggiungere una frase che valga solo per questa persona.",
    ),
)


@dataclass(frozen=True, slots=True)
class MergeTags:
    """No placeholder is left in the text. `allow` lists those that the delivery system fills in."""

    allow: tuple[str, ...] = ()

    def check(self, case: Case) -> Found:
        """Which placeholders the reader would see."""
        found = case.reading.unresolved_merge
        if not found.value:
            return NOTHING
        evidence = found.evidence
        if self.allow:
            allowed = {one.strip() for one in self.allow}
            evidence = tuple(e for e in evidence if e.text.strip() not in allowed)
            if found.evidence and not evidence:
                return NOTHING
        words = quoted(evidence)
        return (
            Objection(
                code="unresolved",
                reason=Words(
                    f"A placeholder was not filled in{words.en}.",
                    f"Un segnaposto non è stato compilato{words.it}.",
                ),
                remedy=Words(
                    "Fill in the field, or give it a fallback that reads well.",
                    "Compilare il campo, o dargli un'alternativa che si legga bene.",
                ),
                evidence=evidence,
            ),
        )


_GREETINGS = {
    "generic": Words(
        "The greeting fits anyone{}, although this is a personal message.",
        "Il saluto va bene per chiunque{}, benché sia un messaggio personale.",
    ),
    "wrong_name": Words(
        "The greeting names someone else{} than the person it goes to.",
        "Il saluto nomina qualcun altro{} rispetto al destinatario.",
    ),
    "missing": Words("The message has no greeting.", "Il messaggio non ha un saluto."),
}


@dataclass(frozen=True, slots=True)
class Greeting:
    """The greeting is for this person. `allow` lists what passes besides `named`."""

    allow: tuple[str, ...] = ("missing",)

    def __post_init__(self) -> None:
        for kind in self.allow:
            if kind not in ("named", *_GREETINGS):
                raise Contradiction(
                    "allow", f"unknown kind of greeting: {kind}", "generic, missing, wrong_name"
                )

    def check(self, case: Case) -> Found:
        """Whether the reader is greeted as themselves."""
        greeting = case.reading.greeting
        if greeting.kind == "named" or greeting.kind in self.allow or greeting.kind not in _GREETINGS:
            return NOTHING
        words, aside = _GREETINGS[greeting.kind], quoted(greeting.evidence)
        return (
            Objection(
                code=greeting.kind,
                reason=Words(words.en.replace("{}", aside.en), words.it.replace("{}", aside.it)),
                remedy=Words(
                    "Greet this person by name, as they write it themselves.",
                    "Salutare questa persona con il suo nome, come lei stessa lo scrive.",
                ),
                evidence=greeting.evidence,
            ),
        )


_NO_DOCUMENTS = (
    "image/",
    "application/ics",
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "text/calendar",
    "text/directory",
    "text/vcard",
    "text/watch-html",
    "text/x-amp-html",
    "text/x-vcard",
)
"""Types of attachments that are no documents: nothing is said in them at length, or it is read here."""
_DOCUMENT_NAME = re.compile(
    r"\.(?:pdf|docx?|docm|dot|odt|ods|odp|rtf|txt|html?|xhtml|mht|eml|msg|pp[ts]x?|xlsx?|csv|key|pages|zip|rar|7z)\s*\Z",
    re.IGNORECASE,
)


def _is_document(attachment: Attachment) -> bool:
    """Whether something can be said in it that nobody here has read. Programs open what is attached by its
    type or by its name."""
    if not attachment.type.casefold().startswith(_NO_DOCUMENTS):
        return True
    return bool(_DOCUMENT_NAME.search(attachment.filename))


@dataclass(frozen=True, slots=True)
class Readable:
    """What the person will see can be read here: no pitch in images, attachments or templates that
    only the provider can render, none beyond what is read, and no structure that programs show in different
    ways. A document attached to a personal message counts as unread until the person has replied, and not
    to say no; whoever
    subscribed to a newsletter asked for what comes with it. A receipt may be a picture or a document."""

    def check(self, case: Case) -> Found:
        """What stays unread."""
        content = case.message.content
        if not content.whole:
            return (_DOUBTFUL,)
        if case.reading.truncated:
            return (_TOO_LONG,)
        if case.class_ == "transactional":
            return NOTHING
        if content.template_pending:
            return (_TEMPLATE,)
        unread = case.reading.unreadable
        if unread.value:
            return (_unread(unread.evidence),)
        if content.attachments and case.class_ not in _ASKED_FOR and not case.facts.relationship.welcoming:
            documents = [one for one in content.attachments if _is_document(one)]
            if documents:
                names = (Evidence(text=one.filename or one.type, why="attached") for one in documents[:8])
                return (_unread(tuple(names), "attachment"),)
        return NOTHING


_ASKED_FOR = ("newsletter", "promotion")


def _unread(evidence: tuple[Evidence, ...], code: str = "unread") -> Objection:
    words = quoted(evidence)
    return Objection(
        code=code,
        reason=Words(
            f"Part of what this person would see cannot be read here{words.en}.",
            f"Una parte di ciò che la persona vedrebbe non è leggibile qui{words.it}.",
        ),
        remedy=Words(
            "Say it in the text of the message, or let a reviewer look at it.",
            "Scriverlo nel testo del messaggio, o farlo vedere a un revisore.",
        ),
        evidence=evidence,
    )


_TEMPLATE = Objection(
    code="template",
    reason=Words(
        "The text is a template that only the provider renders, so nobody here has read it.",
        "Il testo è un modello che solo il fornitore compila: qui nessuno lo ha letto.",
    ),
    remedy=Words(
        "Send the finished text, or configure the provider so that the gateway can render the template.",
        "Inviare il testo finito, o configurare il fornitore perché il gateway possa compilare il modello.",
    ),
)

_DOUBTFUL = Objection(
    code="doubtful",
    reason=Words(
        "Mail programs may show something else than what was read here: part of the message is broken, too "
        "large, wrapped in a form that only some programs open (winmail.dat, a signature around the text), "
        "or can be read in two ways (two subjects, for instance, or a header given twice).",
        "I programmi di posta potrebbero mostrare altro da ciò che qui si è letto: una parte del messaggio è "
        "difettosa, troppo grande, racchiusa in un formato che solo alcuni programmi aprono (winmail.dat, "
        "una firma attorno al testo) o leggibile in due modi (per esempio due oggetti, o un'intestazione "
        "ripetuta).",
    ),
    remedy=Words(
        "Have the tool write plain, valid MIME, or let a reviewer look at it.",
        "Far scrivere allo strumento un MIME semplice e valido, o far vedere il messaggio a un revisore.",
    ),
)

_TOO_LONG = Objection(
    code="long",
    reason=Words(
        "The text goes on beyond what is read here, so nobody knows how it ends.",
        "Il testo prosegue oltre quanto viene letto qui: nessuno sa come finisce.",
    ),
    remedy=Words(
        "Shorten it, or let a reviewer look at it.",
        "Accorciarlo, o farlo vedere a un revisore.",
    ),
)
