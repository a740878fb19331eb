"""The message of a case, built from what the case says of it."""

from typing import Any

from gateway.message.content import Attachment, Content
from gateway.message.envelope import CHANNELS, CLASSES, Consent, Message, Recipient, Sender
from gateway.policy.document import Findings, Node, did_you_mean

MESSAGE_KEYS = (
    "class", "channel", "subject", "text", "html", "purpose", "campaign", "step", "source", "sender",
    "sender_name", "recipient", "recipient_name", "recipient_company", "list_unsubscribe", "consent",
    "attachments", "template_pending", "in_reply_to",
)  # fmt: skip


def sample(node: Node | None, now: float, findings: Findings) -> Message | None:
    """The message that a case describes; what it leaves out is as in an ordinary one."""
    if node is None:
        return None
    given = node.plain()
    for key, known in (("class", CLASSES), ("channel", CHANNELS)):
        if key in given and given[key] not in known:
            value = node.value[key]
            findings.add(value, f"unknown {key} {given[key]!r}", did_you_mean(str(given[key]), known))
    for key, value in node.items():
        wanted = {"step": int, "template_pending": bool, "attachments": tuple, "consent": dict}.get(key, str)
        both = key in ("list_unsubscribe", "in_reply_to") and isinstance(value.value, bool)
        if not (isinstance(value.value, wanted) or both):
            findings.add(value, f"{key} cannot be {value.kind}")
            return None
    return built(given, now)


_WAY_OUT = "<https://example.com/u/1>"


def built(given: dict[str, Any], now: float) -> Message:
    """A message from the plain words of a case (MESSAGE_KEYS)."""
    channel = given.get("channel", "email")
    mail = channel == "email"
    address = given.get("recipient") or ("anna@example.net" if mail else "https://example.net/in/anna")
    sender = given.get("sender") or ("marco@example.com" if mail else "https://example.net/in/marco")
    name = given.get("sender_name", "Marco Bianchi")
    recipient = Recipient(
        channel=channel,
        address=address,
        key=address.casefold(),
        name=given.get("recipient_name", ""),
        company=given.get("recipient_company", ""),
    )
    unsubscribe = given.get("list_unsubscribe", "")
    leave = _WAY_OUT if unsubscribe is True else unsubscribe or ""
    content = Content(
        channel=channel,
        subject=given.get("subject", ""),
        text=given.get("text", ""),
        html=given.get("html", ""),
        sender_name=name,
        sender_address=sender,
        recipient_name=recipient.name,
        recipient_company=recipient.company,
        own_words=tuple(filter(None, (recipient.name, recipient.company))),
        bulk_headers=bool(leave),
        is_reply=bool(given.get("in_reply_to")),
        template_pending=given.get("template_pending", False),
        attachments=tuple(_attachment(str(f)) for f in given.get("attachments", ())),
    )
    claim = given.get("consent")
    return Message(
        id="case",
        source=given.get("source", "tool"),
        controller="default",
        channel=channel,
        sender=Sender(address=sender, key=sender.casefold(), name=name),
        recipients=(recipient,),
        content=content,
        raw=b"",
        received_at=now,
        class_=given.get("class", ""),
        purpose=given.get("purpose", "").strip().lower(),
        campaign=given.get("campaign", ""),
        sequence_step=given.get("step", 0),
        list_unsubscribe=leave,
        list_unsubscribe_post="List-Unsubscribe=One-Click" if unsubscribe is True else "",
        claimed_consent=Consent(basis=str(claim.get("basis", "consent")), at=now) if claim else None,
    )


def _attachment(name: str) -> Attachment:
    kind = {"pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg"}.get(name.rpartition(".")[2])
    return Attachment(filename=name, type=kind or "application/octet-stream", size=100_000)
