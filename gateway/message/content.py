"""What a person would see of a message, before anyone judges it."""

from msgspec import Struct


class Attachment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One part that is not the text: name and type as declared, size in bytes after decoding."""

    filename: str = ""
    type: str = "application/octet-stream"
    size: int = 0
    inline: bool = False


class Content(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The words of a message and what belongs to its recipient.

    `text` and `html` are decoded to str (undecodable bytes become U+FFFD); either may be empty.
    `own_words` are values that belong to the recipient alone (name, company, attributes) and that
    sameness masks. `whole` is False when part of the message could not be read, or can be read in two
    ways. Where a message shows several texts one below another, and HTML among them, `shown` holds each as
    HTML, in order. `besides` are texts that only some programs show, as HTML: other versions, invitations.
    Lengths are characters.
    """

    channel: str = "email"
    subject: str = ""
    text: str = ""
    html: str = ""
    sender_name: str = ""
    sender_address: str = ""
    recipient_name: str = ""
    recipient_company: str = ""
    own_words: tuple[str, ...] = ()
    language: str = ""
    bulk_headers: bool = False
    is_reply: bool = False
    template_pending: bool = False
    whole: bool = True
    attachments: tuple[Attachment, ...] = ()
    shown: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()
