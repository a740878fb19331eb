"""Several addresses of one person: what restricts is read over all of them, what opens over none."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.intake.receipt import Receipt
from tests.intake.policies import line
from tests.intake.test_events import event, ident, tell
from tests.line import Line, message

HOME, WORK, OTHER = "anna@example.org", "anna@work.example", "a.verdi@example.net"


async def submit_naming(gateway: Line, to: str, *aliases: str) -> Receipt:
    """Outreach to an address, by a message that names others of the same person."""
    about = message(to=to, class_="outreach", now=gateway.clock())
    named = replace(about.recipients[0], aliases=tuple(ident(alias) for alias in aliases))
    return await gateway.intake.submit(replace(about, recipients=(named,)))


@pytest.mark.parametrize("named", [HOME, WORK])
async def test_a_stop_is_found_behind_an_address_that_the_message_names(tmp_path: Path, named: str) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("connection.accepted", ident(HOME), ident(WORK)))
        await tell(gateway, event("unsubscribe", ident(WORK), data={"everywhere": True}))
        assert (await submit_naming(gateway, OTHER)).status == "accepted"
        assert (await submit_naming(gateway, OTHER, named)).status == "rejected"
