"""Policies and messages that tests of evidence share."""

import asyncio
import contextlib

from gateway.store.attempt import Attempt, Kind, Outcome
from gateway.store.protocol import HoldFilter
from tests.line import DAY, Line

NEEDS_CONSENT = """
version: 1
policy: subscribers
title: Newsletters go to those who subscribed
owner: compliance@example.com
why: They asked for it.
mode: enforce
applies_to: {class: [newsletter]}
rules:
  - rule: consent
    outcome: reject
cases: []
"""
WAITS = """
version: 1
policy: waits
title: Outreach waits for a consent
owner: compliance@example.com
why: For tests.
mode: enforce
applies_to: {class: [outreach]}
rules:
  - rule: consent
    outcome: hold
cases: []
"""
POLICIES = (NEEDS_CONSENT, WAITS)

NEWS = {
    "class_": "newsletter",
    "purpose": "newsletter",
    "text": "Ecco le novità di marzo della nostra libreria: tre romanzi nuovi.",
    "list_unsubscribe": "<https://a.example/u>",
    "list_unsubscribe_post": "List-Unsubscribe=One-Click",
}


async def traffic(gateway: Line) -> None:
    """Some of everything: accepted, held, rejected, a refused hold, a withdrawal."""
    await gateway.consent("anna@example.org", "bruno@example.org")
    for name in ("anna", "bruno", "carla"):
        await gateway.submit(to=f"{name}@example.org", **NEWS)
        gateway.clock.now += 1
        await gateway.submit(to=f"{name}@example.org")
    await gateway.submit(to="dino@example.org", class_="outreach", text="Gentile Dino, come va il negozio?")
    [hold, *_] = await gateway.store.holds(HoldFilter())
    await gateway.review.reject(hold.id, "rita", "not ours to say")
    await gateway.consent("bruno@example.org", action="withdrawn", purpose="", at=gateway.clock())


async def deliver(gateway: Line) -> None:
    """Everything that is due leaves the outbox."""
    due = "SELECT count(*) FROM outbox WHERE due_at < ?"  # also what is leased
    while await gateway.store.rows(due, (gateway.clock() + DAY,)) != [(0,)]:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                for entry in await gateway.store.take(100):
                    done = Attempt(outcome=Outcome.DELIVERED, kind=Kind.DELIVERED, relay="smtp")
                    gateway.store.settle(entry, done)
        await asyncio.sleep(0.1)
