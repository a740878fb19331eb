"""What a reply refuses short of everything: sales, or one channel. The rest of what is sent goes on."""

from collections.abc import Collection
from typing import Any

from msgspec.structs import replace

from gateway.ledger.consent import suppress
from gateway.store.draft import Draft
from gateway.store.records import Ref


def refuse_sales(draft: Draft[Any], people: Collection[Ref], everyone: Collection[Ref], at: float) -> bool:
    """People yes, sales no: whoever sent the reply, what sells to this person ends. Whether it is new."""
    changed = False
    for ref in people:
        person = draft.person(ref)
        if not person.no_sales_at:
            changed = True
            draft.set_person(ref, replace(person, no_sales_at=at))
    if changed:
        for ref in everyone:
            draft.cancel(ref, "no sales, please")
    return changed


def refuse_channels(
    draft: Draft[Any], stopped: Collection[tuple[Ref, float]], channels: Collection[str], event: str
) -> None:
    """Nothing more is sent to these people on these channels, since the time beside each."""
    for ref, at in stopped:
        for channel in channels:
            draft.set_person(ref, suppress(draft.person(ref), "stop_request", at, event, channel))
