"""Several addresses of one person: what names them together, an event or a message, links them. Pure but for
the draft it writes on."""

from typing import Any

from msgspec.structs import replace

from gateway.intake.person_facts import linked_refs
from gateway.ledger.person import ALIASES_KEPT, restricted_like
from gateway.store.draft import Draft
from gateway.store.records import Ref


def link(draft: Draft[Any], people: tuple[Ref, ...]) -> tuple[tuple[Ref, ...], bool]:
    """Make the addresses named together one person, with all that each was linked to before; returns those
    that were not named, and whether some had to stay apart. Restrictions are read over all of them, consent
    over none.

    Each knows all others, so that one step leads to everyone, and a group never grows beyond what one of them
    may know: who does not fit in stays apart, with the restrictions that stand."""
    groups = list[tuple[Ref, ...]]()
    for ref in people:
        if not any(ref in group for group in groups):
            _join(groups, _known_with(draft, ref))
    if len(people) > 1:
        for group in groups:
            _know_each_other(draft, group)
    if len(groups) > 1:
        _restrict_alike(draft, groups)
    everyone = dict.fromkeys(ref for group in groups for ref in group)
    return tuple(ref for ref in everyone if ref not in people), len(groups) > 1


def _join(groups: list[tuple[Ref, ...]], more: tuple[Ref, ...]) -> None:
    """Put some addresses that belong together to the first group that has room for them."""
    for n, group in enumerate(groups):
        joined = tuple(dict.fromkeys((*group, *more)))
        if len(joined) <= ALIASES_KEPT + 1:
            groups[n] = joined
            return
    groups.append(more)


def _known_with(draft: Draft[Any], ref: Ref) -> tuple[Ref, ...]:
    """An address, and those that are linked to it."""
    return (ref, *linked_refs(ref, draft.person(ref)))


def _know_each_other(draft: Draft[Any], group: tuple[Ref, ...]) -> None:
    for ref in group:
        person = draft.person(ref)
        others = (*person.aliases, *(other[1].hex() for other in group if other != ref))
        aliases = tuple(dict.fromkeys(others))[:ALIASES_KEPT]
        if aliases != person.aliases:
            draft.set_person(ref, replace(person, aliases=aliases))


def _restrict_alike(draft: Draft[Any], groups: list[tuple[Ref, ...]]) -> None:
    """What restricts anyone in one of these groups restricts each group."""
    everyone = [draft.person(ref) for group in groups for ref in group]
    for first, *_ in groups:
        person = draft.person(first)
        after = restricted_like(person, everyone)
        if after != person:
            draft.set_person(first, after)
