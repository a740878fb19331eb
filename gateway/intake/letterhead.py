"""What the gateway puts at the head of a marketing mail: a way out for its reader (RFC 8058, RFC 2369). Pure.

The https link carries a token that nobody can forge and that can only restrict. Where the reply listener
takes mail, a mailto form stands beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.intake.tokens import LEAVE_SECONDS, WayOut, leave_address, seal_way_out
from gateway.keys import Keys
from gateway.message.envelope import Message
from gateway.policy.rules.case import purpose_of
from gateway.store.records import Ref

ONE_CLICK = "List-Unsubscribe=One-Click"
_WITH_WAY_OUT = frozenset({"newsletter", "promotion"})
_WITHOUT = frozenset({"transactional", "conversation"})
_REPLACED = ("list-unsubscribe", "list-unsubscribe-post")

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Head:
    """Fields to add before a message, and names of fields to take out of it."""

    add: Headers = ()
    strip: tuple[str, ...] = ()


PLAIN = Head()


def has_one_click(message: Message) -> bool:
    """Whether the message brings a one-click way out of its own."""
    if "one-click" not in message.list_unsubscribe_post.lower():
        return False
    return "<https:" in message.list_unsubscribe.lower()


class Letterhead:
    """Makes the head of each recipient's copy. `public_url` is https, without a slash at its end.

    `signs` says whether the gateway signs for a From domain (DKIM), `relay_signs` whether the relay signs
    everything; `resign` whether mail that came signed is signed anew. A tool's own one-click way out stays
    unless somebody signs after it was replaced; so does any of a signed message that is not signed anew.
    """

    def __init__(
        self,
        keys: Keys,
        public_url: str,
        *,
        mailbox_domain: str = "",
        signs: Callable[[str], bool] = lambda domain: False,
        relay_signs: bool = False,
        resign: bool = False,
    ) -> None:
        self._keys = keys
        self._url = f"{public_url}/u/"
        self._domain = mailbox_domain
        self._signs = signs
        self._relay_signs = relay_signs
        self._resign = resign

    def head(self, message: Message, n: int, ref: Ref, class_: str, *, promotional: bool = False) -> Head:
        """The head of the copy for recipient `n`, who is `ref`; PLAIN where nothing is to be added."""
        if message.channel != "email" or message.format != "mime":
            return PLAIN
        if class_ not in _WITH_WAY_OUT and (not promotional or class_ in _WITHOUT):
            return PLAIN
        strip = self._stripped(message)
        if strip is None:
            return PLAIN
        way = WayOut(
            controller=ref[0],
            subject=ref[1],
            channel=message.channel,
            purpose=purpose_of(message, class_),
            message=message.id,
            n=n,
        )
        token = seal_way_out(self._keys, way, message.received_at + LEAVE_SECONDS)
        said = f"<{self._url}{token}>"
        if self._domain:
            mailbox = leave_address(self._keys, self._domain, f"{message.id}-{n}")
            said += f",\r\n <mailto:{mailbox}?subject=unsubscribe>"
        return Head((("List-Unsubscribe", said), ("List-Unsubscribe-Post", ONE_CLICK)), strip)

    def _stripped(self, message: Message) -> tuple[str, ...] | None:
        """The fields that give way to ours; None where the message goes as it is."""
        signs = self._signs(message.sender.address.rpartition("@")[2].lower())
        if message.signed:
            if signs and self._resign:
                return (*_REPLACED, "dkim-signature")
            # A field more at the top leaves the signature whole; one taken away would break it.
            return None if message.list_unsubscribe else ()
        if has_one_click(message) and not (signs or self._relay_signs):
            return None
        return _REPLACED if message.list_unsubscribe or message.list_unsubscribe_post else ()
