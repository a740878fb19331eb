"""`galateo events`: tells subscribers again what they missed."""

import time

import click

from gateway.app.parts import Parts
from gateway.cli.moments import Ago
from gateway.cli.session import with_parts
from gateway.delivery.announcer import endpoints_of, keep, open_client, pack, position_of, post
from gateway.intake.announce import announce, entries_since
from gateway.store.attempt import Kind


@click.group("events")
def events_command() -> None:
    """Outgoing webhooks, as `webhooks` of a source in access.yaml subscribes to them."""


@events_command.command("replay")
@click.option("--since", type=Ago(), required=True, help="How far back: 2h, 3d.")
@click.option("--source", "name", default="", help="Only what this source subscribed to.")
@click.option("--id", "wanted", multiple=True, help="Only the events with these webhook-ids.")
def replay(since: float, name: str, wanted: tuple[str, ...]) -> None:
    """Tell again, once and at once, with the same ids: who was told before may leave them out."""
    told, failed = with_parts(lambda parts: _replay(parts, time.time() - since, name, frozenset(wanted)))
    click.echo(f"Told {told}, failed {failed}.")
    if failed:
        raise SystemExit(1)


def _check_source(parts: Parts, name: str, hint: str) -> None:
    if name not in parts.access.sources:
        raise click.BadParameter(f"there is no source {name!r} in the access file.", param_hint=hint)


async def _replay(parts: Parts, since: float, name: str, wanted: frozenset[str]) -> tuple[int, int]:
    if name:
        _check_source(parts, name, "--source")
    endpoints = [e for e in endpoints_of(parts.access.sources.values()) if not name or e.source == name]
    told = failed = 0
    async with open_client() as client:
        for entry in await entries_since(parts.store, since) if endpoints else ():
            said = await announce(parts.store, entry)
            if said is None or (wanted and said.id not in wanted):
                continue
            for endpoint in endpoints:
                if endpoint.wants(said):
                    result = await post(client, endpoint, said, time.time())
                    fine = result.kind is Kind.DELIVERED
                    told, failed = told + fine, failed + (not fine)
    return told, failed


@events_command.command("enable")
@click.argument("name")
def enable(name: str) -> None:
    """Tell a source's endpoints again that had answered 410 Gone, from where they were."""
    click.echo(f"Enabled {with_parts(lambda parts: _enable(parts, name))}.")


async def _enable(parts: Parts, name: str) -> int:
    _check_source(parts, name, "NAME")
    enabled = 0
    for endpoint in endpoints_of(parts.access.sources.values()):
        position, kept = await position_of(parts.store, endpoint)
        if endpoint.source == name and position is not None and position.gone:
            told = type(position)(told=position.told)
            enabled += await keep(parts.store, endpoint.name, pack(told), kept)
    return enabled
