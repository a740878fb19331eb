"""What was read and what was known, as a person would say it, in English and Italian. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.policy.outcome import Words

Line = tuple[str, str]
"""(label, text)"""

OUTCOMES = {
    "accepted": Words("accepted", "accettato"),
    "held": Words("held", "trattenuto"),
    "rejected": Words("rejected", "rifiutato"),
}
LANGUAGES = {
    "it": Words("Italian", "italiano"),
    "en": Words("English", "inglese"),
    "de": Words("German", "tedesco"),
    "fr": Words("French", "francese"),
    "es": Words("Spanish", "spagnolo"),
    "und": Words("cannot be told", "non si riconosce"),
}
FINDINGS = {
    "promotional": Words("sells something", "vende qualcosa"),
    "introduces_sender": Words("says who writes", "dice chi scrive"),
    "states_reason": Words("gives a reason", "dice perché scrive"),
    "permission_request": Words("asks leave", "chiede il permesso"),
    "personal_detail": Words("has a detail of the reader's", "ha un dettaglio di chi legge"),
    "unresolved_merge": Words("has placeholders", "ha segnaposti non compilati"),
    "seasonal_greeting": Words("greets for the season", "fa gli auguri"),
    "recommendation_request": Words("asks for a recommendation", "chiede una referenza"),
    "stop_request": Words("asks to stop", "chiede di smettere"),
    "pressure": Words("presses", "mette fretta"),
    "presumption": Words("presumes", "dà per scontato"),
    "complaint": Words("complains", "si lamenta"),
    "way_out": Words("offers a way out", "offre come smettere"),
    "data_source": Words("says where the address is from", "dice da dove viene il recapito"),
    "evasion": Words("hides words", "nasconde parole"),
    "unreadable": Words("cannot be read", "non si può leggere"),
}
GREETINGS = {
    "named": Words("by name", "per nome"),
    "generic": Words("to nobody by name", "a nessuno per nome"),
    "wrong_name": Words("by another name", "con un altro nome"),
    "missing": Words("none", "nessuno"),
}
STAGES = {
    "stranger": Words("strangers", "non si conoscono"),
    "introduced": Words("introduced", "chi scrive si è presentato"),
    "connected": Words("connected", "collegati"),
    "replied": Words("replied", "ha risposto"),
    "conversation": Words("in conversation", "in conversazione"),
    "opted_in": Words("opted in", "ha dato il consenso"),
}
STATES = {"granted": Words("granted", "dato"), "withdrawn": Words("withdrawn", "revocato")}
SHOWN = 6
"""Passages that are quoted for one finding."""


def tell_reading(told: Mapping[str, Any], language: str) -> list[Line]:
    """`Explanation.reading` in lines."""
    say = _Say(language)
    lines = [
        (say("language", "lingua"), _name(LANGUAGES, told["language"], language)),
        (
            say("length", "lunghezza"),
            say(f"{told['characters']} characters", f"{told['characters']} caratteri"),
        ),
    ]
    for name, words in FINDINGS.items():
        if name in told:
            sure = f"{told[name]['score']:.0%}"
            shown = _quotations(told[name]["evidence"], language)
            lines.append((words.in_(language), f"{shown} ({sure})" if shown else sure))
    greeting = told["greeting"]
    called = f", {greeting['name']}" if greeting["name"] else ""
    lines.append((say("greeting", "saluto"), _name(GREETINGS, greeting["kind"], language) + called))
    return lines


def tell_known(known: Mapping[str, Any], language: str) -> list[Line]:
    """`Explanation.known` in lines; what is not there is not told."""
    if not known:
        return []
    say = _Say(language)
    before, mine = known["messages_before"], known["with_this_sender"]
    per = ", ".join(
        f"{count} {say('within', 'entro')} {_days(span, language)}" for span, count in before.items()
    )
    lines = [
        (say("law", "legge"), known["jurisdiction"]),
        (
            say("how well they know each other", "quanto si conoscono"),
            _name(STAGES, known["stage"], language),
        ),
        (say("messages before", "messaggi prima"), per),
        (say("from this sender", "da questo mittente"), _with_sender(mine, say)),
    ]
    lines += [(say("consent", "consenso"), _consent(each, language)) for each in known["consents"]]
    lines += [(say("stop", "stop"), f"{each['kind']}, {each['at']}") for each in known["stops"]]
    counted = (
        (say("most copies of a phrase", "copie della frase più ripetuta"), known["most_copies_of_a_phrase"]),
        (
            say("replies that wait for an answer", "risposte che attendono replica"),
            known["replies_waiting_for_this_sender"],
        ),
        (say("other addresses of the person", "altri recapiti della persona"), known["linked_addresses"]),
    )
    lines += [(label, str(count)) for label, count in counted if count]
    if known["sent_by_this_sender"]:
        lines.append((say("pace of this sender", "ritmo di questo mittente"), _pace(known, say)))
    return lines


class _Say:
    """Either of two wordings."""

    def __init__(self, language: str) -> None:
        self._italian = language == "it"

    def __call__(self, en: str, it: str) -> str:
        return it if self._italian else en


def _with_sender(mine: Mapping[str, Any], say: _Say) -> str:
    parts = [
        say(f"{mine['sent']} sent", f"{mine['sent']} inviati"),
        say(f"{mine['replies']} replies", f"{mine['replies']} risposte"),
    ]
    if mine["sent_since_reply"]:
        parts.append(
            say(
                f"{mine['sent_since_reply']} since a reply",
                f"{mine['sent_since_reply']} dall'ultima risposta",
            )
        )
    if mine["connected_at"]:
        parts.append(f"{say('connected', 'collegati dal')} {mine['connected_at']}")
    if mine["unanswered_since"]:
        parts.append(f"{say('unanswered since', 'senza replica dal')} {mine['unanswered_since']}")
    return ", ".join(parts)


def _consent(one: Mapping[str, Any], language: str) -> str:
    until = f" → {one['expires_at']}" if one["expires_at"] else ""
    state = _name(STATES, one["state"], language)
    return f"{one['purpose']}, {one['channel']}: {state} ({one['grade'] or one['basis']}), {one['at']}{until}"


def _pace(known: Mapping[str, Any], say: _Say) -> str:
    """`sent_by_this_sender` says `<class> in <seconds> s`."""
    parts = []
    for key, count in known["sent_by_this_sender"].items():
        class_, _, span = key.partition(" in ")
        hours = int(float(span.removesuffix(" s"))) // 3600
        parts.append(say(f"{count} {class_} within {hours} h", f"{count} {class_} entro {hours} h"))
    return ", ".join(parts)


def _quotations(passages: Sequence[str], language: str) -> str:
    left, right = ("«", "»") if language == "it" else ("“", "”")
    different = list(dict.fromkeys(" ".join(one.split()) for one in passages))
    return ", ".join(f"{left}{one}{right}" for one in different[:SHOWN])


def _days(span: str, language: str) -> str:
    number, _, _ = span.partition(" ")
    return {"it": f"{number} giorn{'o' if number == '1' else 'i'}"}.get(language, span)


def _name(table: Mapping[str, Words], key: str, language: str) -> str:
    words = table.get(key)
    return words.in_(language) if words else key
