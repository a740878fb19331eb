"""A letter to whoever runs a tool: which recipients got nothing, and why. Pure."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from gateway.delivery.dsn import one_line
from gateway.delivery.notice_texts import ANY, HELD, MINE
from gateway.delivery.threads import thread_fields
from gateway.message.compose import build as compose
from gateway.message.mailbox import is_address
from gateway.policy.dates import day

MOST_LISTED = 100
WIDTH = 76

# Auto-generated (RFC 3834): nothing answers it.
_HEADERS = (
    ("Auto-Submitted", "auto-generated"),
    ("X-Auto-Response-Suppress", "All"),
    ("Precedence", "bulk"),
)


class What(StrEnum):
    """What became of a message: refused by a policy, or given up on the way; held, and nobody decided in
    time, or a reviewer said no. In the order in which a letter tells them."""

    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One recipient who got nothing: when (unix seconds), why in a sentence, the message's id, and its
    Message-ID where it has one. An address that was erased is ""."""

    address: str
    message_id: str
    reason: str
    at: float
    what: What = What.FAILED
    thread: str = ""


def build(
    items: Sequence[Item],
    *,
    to: str,
    source: str,
    reporter: str,
    id: str,  # noqa: A002
    now: float,
    more: int = 0,
    language: str = "en",
    held: bool = False,
) -> bytes:
    """The letter's octets. `items` is what it lists, `more` how many happened besides; `reporter` is the
    gateway's own host name; `held` says that all of them were held before. Its sender on the wire is the null
    sender, so nothing bounces back; about one message alone, it answers that one."""
    count, words = len(items) + more, HELD if held else MINE
    what = words["one" if count == 1 else "many"].in_(language).format(count=count)
    said = {name: text.in_(language) for name, text in (ANY | words).items()}
    body = [
        said["day"],
        "",
        _wrap(f"{said['what'].format(source=one_line(source), what=what)} {said['know']}"),
        "",
    ]
    for kind in What:
        body += _list([item for item in items if item.what is kind], said[kind.value], said, language)
    if more:
        body += [said["more"].format(more=more), ""]
    body += [_wrap(said["do"]), "", said["regards"]]
    threads = thread_fields(item.thread for item in items) if not more else ()
    return compose(
        sender=_postmaster(reporter),
        sender_name="Galateo",
        recipient=to,
        subject=what,
        message_id=f"{id}@{reporter}",
        date=now,
        text="\n".join(body),
        headers=(*threads, *_HEADERS, ("Content-Language", language)),
    )


def _postmaster(host: str) -> str:
    """Who writes; of a host that no address can have, such as an IPv6 address, the one of this machine."""
    address = f"postmaster@{host}"
    return address if is_address(address) else "postmaster@localhost"


def _wrap(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _list(items: Sequence[Item], title: str, said: dict[str, str], language: str) -> list[str]:
    if not items:
        return []
    lines = [title, ""]
    for item in items:
        lines.append(f"  {one_line(item.address) or said['gone']}")
        at = f"{day(item.at, language)}, {datetime.fromtimestamp(item.at, UTC):%H:%M} UTC"
        lines.append(f"    {said['at'].format(at=at, id=one_line(item.message_id))}")
        if item.reason:
            lines.append(f"    {one_line(item.reason)}")
    return [*lines, ""]
