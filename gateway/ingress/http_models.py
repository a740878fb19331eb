"""What the native API takes: strict types, no unknown field, every length bounded."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.terms import Channel, Class, EventType
from gateway.web.patterns import ADDRESS_TYPE, JURISDICTION, MIME_TYPE, ONE_LINE, TIMESTAMP

Name = Annotated[str, Field(max_length=200, pattern=ONE_LINE)]
Line = Annotated[str, Field(max_length=998, pattern=ONE_LINE)]
Id = Annotated[str, Field(max_length=500, pattern=ONE_LINE)]
Purpose = Annotated[str, Field(min_length=1, max_length=100, pattern=ONE_LINE)]
Text = Annotated[str, Field(max_length=1_000_000)]
Html = Annotated[str, Field(max_length=5_000_000)]
Moment = Annotated[
    str,
    Field(
        max_length=40,
        pattern=TIMESTAMP,
        description="RFC 3339, with the offset",
        examples=["2026-02-01T10:00:00Z"],
    ),
]

Kind = Literal["email", "connection_request", "direct_message", "inmail", "recommendation_request"]


class Strict(BaseModel):
    """A JSON object with these fields and no other."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Address(Strict):
    """One address of a party. The type is a channel, or begins with it: `linkedin_provider_id`; `phone`."""

    type: Annotated[str, Field(min_length=1, max_length=64, pattern=ADDRESS_TYPE)]
    value: Annotated[str, Field(min_length=1, max_length=1024, pattern=ONE_LINE)]


Addresses = Annotated[list[Address], Field(min_length=1, max_length=20)]


class Sender(Strict):
    """Who writes."""

    name: Name | None = None
    account_id: Id | None = None
    addresses: Addresses


Attribute = Annotated[str, Field(max_length=1000)] | bool | int | float | None


class Recipient(Strict):
    """To whom. `attributes` are what the tool knows of the person, as flat values; `company` and
    `time_zone` among them are understood."""

    name: Name | None = None
    external_id: Id | None = None
    addresses: Addresses
    jurisdiction: Annotated[str | None, Field(max_length=16, pattern=JURISDICTION)] = None
    attributes: Annotated[dict[Name, Attribute] | None, Field(max_length=100)] = None


class Campaign(Strict):
    """What the message is part of."""

    id: Name | None = None
    name: Name | None = None
    tool: Name | None = None


class Sequence(Strict):
    """Which follow-up this is, from 1."""

    id: Name | None = None
    step: Annotated[int | None, Field(ge=0, le=9999)] = None
    of: Annotated[int | None, Field(ge=0, le=9999)] = None


class Thread(Strict):
    """The conversation it belongs to, and the message that it answers."""

    id: Id | None = None
    in_reply_to: Id | None = None


class Proof(Strict):
    """What shows a consent."""

    type: Name | None = None
    ref: Id | None = None
    at: Moment | None = None


class Consent(Strict):
    """A consent that the message claims for itself: the weakest grade, from trusted sources only."""

    basis: Name
    proof: Proof | None = None


class File(Strict):
    """An attachment; `content` is Base64 (RFC 4648)."""

    filename: Name = ""
    type: Annotated[str | None, Field(max_length=127, pattern=MIME_TYPE)] = None
    content: str
    inline: bool = False
    content_id: Annotated[str | None, Field(max_length=200, pattern=r"^[!-;=?-~]*$")] = None


class NewMessage(Strict):
    """A message to one recipient (`recipient`) or, each decided alone, to several (`recipients`)."""

    spec: Literal["outreach.message/1"] | None = None
    id: Annotated[Id | None, Field(description="The caller's own id")] = None
    channel: Channel
    kind: Kind | None = None
    class_: Annotated[Class | None, Field(alias="class")] = None
    purpose: Purpose | None = None
    sender: Sender
    recipient: Recipient | None = None
    recipients: Annotated[list[Recipient] | None, Field(min_length=1, max_length=1000)] = None
    subject: Line | None = None
    text: Text | None = None
    html: Html | None = None
    campaign: Campaign | None = None
    sequence: Sequence | None = None
    thread: Thread | None = None
    consent: Consent | None = None
    send_at: Moment | None = None
    attachments: Annotated[list[File] | None, Field(max_length=50)] = None
    meta: Annotated[
        dict[str, Any] | None, Field(description="Anything the tool wants back", max_length=200)
    ] = None
    deliver: Annotated[bool, Field(description="false: decide and record, but send nothing")] = True


class NewEvent(Strict):
    """Something that happened between a sender and a person. `message` is the gateway's own id of the
    message it is about; `data` what else there is to it (proof, the kind of a bounce, a preference)."""

    spec: Literal["outreach.event/1"] | None = None
    type: EventType
    source_event_id: Annotated[str, Field(min_length=1, max_length=500, pattern=ONE_LINE)]
    occurred_at: Moment
    channel: Channel | None = None
    sender: Sender | None = None
    recipient: Recipient
    campaign: Campaign | None = None
    sequence: Sequence | None = None
    thread: Thread | None = None
    message: Annotated[str | None, Field(max_length=64, pattern=r"^[0-9a-zA-Z-]*$")] = None
    class_: Annotated[Class | None, Field(alias="class")] = None
    purpose: Purpose | None = None
    subject: Line | None = None
    text: Text | None = None
    data: Annotated[dict[str, Any] | None, Field(max_length=200)] = None
    raw: Annotated[Any, Field(description="The event as the tool got it; not kept")] = None
