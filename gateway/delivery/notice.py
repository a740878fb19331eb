"""A letter to whoever runs a tool: which recipients got nothing, and why. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from gateway.delivery.dsn import one_line

MOST_LISTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One recipient who got nothing: when (unix seconds), why in a sentence, and the message's id."""

    address: str
    message_id: str
    reason: str
    at: float
    refused: bool = False


def build(
    items: Sequence[Item],
    *,
    to: str,
    source: str,
    reporter: str,
    id: str,  # noqa: A002
    now: float,
    more: int = 0,
) -> bytes:
    """The letter's octets. `items` is what it lists, `more` how many happened besides; `reporter` is the
    gateway's own host name. Its sender on the wire is the null sender, so nothing bounces back."""
    count = len(items) + more
    what = "1 message was not delivered" if count == 1 else f"{count} messages were not delivered"
    head = [
        f"From: Galateo <postmaster@{reporter}>",
        f"To: <{to}>",
        f"Subject: {what}",
        f"Date: {_date(now)}",
        f"Message-ID: <{id}@{reporter}>",
        "Auto-Submitted: auto-generated",
        "Precedence: bulk",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
    ]
    body = [
        "Good day,",
        "",
        f"Of what your tool {one_line(source)} sent through this gateway, {what}.",
        "The tool may have been told only that the request as a whole was taken, so it may not know.",
        "",
    ]
    _list(body, [item for item in items if item.refused], "Refused by a policy, and not sent:")
    _list(body, [item for item in items if not item.refused], "Sent on, but not taken by the other side:")
    if more:
        body += [f"... and {more} more. The console shows them all.", ""]
    body += [
        "What to do: where a reason says that the address does not exist, please take it off",
        "your list. Where a policy refused, its reason says what would make the message pass.",
        "There is no need to send again what was only delayed: nothing on this list is tried any more.",
        "",
        "Kind regards,",
        "your outbound message gateway",
        "",
    ]
    return "\r\n".join([*head, "", *body]).encode()


def _list(body: list[str], items: Sequence[Item], title: str) -> None:
    if not items:
        return
    body += [title, ""]
    for item in items:
        body.append(f"  {one_line(item.address)}")
        body.append(f"    {_date(item.at)}, message {one_line(item.message_id)}")
        body.append(f"    {one_line(item.reason)}")
    body.append("")


def _date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))
