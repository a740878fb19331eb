"""What the two processes say to each other: frames of plain values. Pure.

A frame is its length in four octets, then the value as `marshal` writes it. Both ends are the same
program, so neither the form nor the other end needs to be doubted.
"""

import marshal
from collections.abc import Iterator
from typing import Any

from gateway.message.content import Attachment, Content
from gateway.reading.reading import FINDINGS, NOT_FOUND, Evidence, Finding, Greeting, Phrase, Reading

HEAD = 4
_new = tuple.__new__


def frame(value: Any) -> bytes:
    """A value as a frame."""
    said = marshal.dumps(value)
    return len(said).to_bytes(HEAD, "big") + said


def frames(waiting: bytearray) -> Iterator[Any]:
    """The values of all whole frames at the front, which are taken away; what is left stays."""
    place, size = 0, len(waiting)
    view = memoryview(waiting)
    try:
        while size - place >= HEAD:
            end = place + HEAD + int.from_bytes(view[place : place + HEAD], "big")
            if end > size:
                break
            value = marshal.loads(view[place + HEAD : end])  # noqa: S302 (the gateway's own)
            place = end
            yield value
    finally:
        view.release()
        del waiting[:place]


def pack_content(content: Content) -> tuple[Any, ...]:
    """Content as plain values; of the two bodies only the one that is read."""
    return (
        content.channel,
        content.subject,
        "" if content.html and not content.html.isspace() else content.text,
        content.html,
        content.sender_name,
        content.sender_address,
        content.recipient_name,
        content.recipient_company,
        content.own_words,
        content.language,
        content.bulk_headers,
        content.is_reply,
        content.template_pending,
        content.whole,
        tuple([(one.filename, one.type, one.size, one.inline) for one in content.attachments]),
    )


def unpack_content(said: tuple[Any, ...]) -> Content:
    """The content that `pack_content` packed."""
    attachments = tuple(
        Attachment(filename=name, type=type_, size=size, inline=inline)
        for name, type_, size, inline in said[14]
    )
    return Content(
        channel=said[0],
        subject=said[1],
        text=said[2],
        html=said[3],
        sender_name=said[4],
        sender_address=said[5],
        recipient_name=said[6],
        recipient_company=said[7],
        own_words=said[8],
        language=said[9],
        bulk_headers=said[10],
        is_reply=said[11],
        template_pending=said[12],
        whole=said[13],
        attachments=attachments,
    )


def pack_reading(reading: Reading) -> tuple[Any, ...]:
    """A reading as plain values, without the findings that are not there."""
    findings = []
    for name in FINDINGS:
        finding = getattr(reading, name)
        if finding is not NOT_FOUND:
            findings.append((name, finding.value, finding.score, _pack(finding.evidence)))
    greeting = reading.greeting
    return (
        reading.language,
        findings,
        (greeting.kind, greeting.name, _pack(greeting.evidence)),
        tuple([tuple(phrase) for phrase in reading.phrases]),
        reading.length,
        reading.truncated,
    )


def unpack_reading(said: tuple[Any, ...]) -> Reading:
    """The reading that `pack_reading` packed."""
    language, findings, (kind, name, evidence), phrases, length, truncated = said
    return Reading(
        language=language,
        greeting=Greeting(kind=kind, name=name, evidence=_unpack(evidence)),
        phrases=tuple([_new(Phrase, phrase) for phrase in phrases]),
        length=length,
        truncated=truncated,
        **{name: Finding(value, score, _unpack(shown)) for name, value, score, shown in findings},
    )


def _pack(evidence: tuple[Evidence, ...]) -> tuple[tuple[str, int, int, str, str], ...]:
    return tuple([(one.text, one.start, one.end, one.why, one.part) for one in evidence])


def _unpack(rows: tuple[tuple[str, int, int, str, str], ...]) -> tuple[Evidence, ...]:
    if not rows:
        return ()
    return tuple([Evidence(text=t, start=a, end=b, why=w, part=p) for t, a, b, w, p in rows])
