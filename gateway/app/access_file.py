"""The access file, read whole: also what doors, feeds and relays make of what it says of a source."""

from collections.abc import Iterator
from pathlib import Path

from gateway.access import Access, AccessError, Fault, Source, load_access
from gateway.delivery.announcer import endpoints_of
from gateway.delivery.echo import echoes_of
from gateway.delivery.target import TargetError
from gateway.delivery.upstream import UpstreamTarget, parse_upstream
from gateway.ingress.dialects import dialect_faults
from gateway.ingress.feeds import feed_faults


def read_access_file(path: Path, octets: bytes | None = None) -> Access:
    """The access file, or `octets` that were read of it. Raises AccessError with file and line of everything
    in it that cannot be meant."""
    access = load_access(path, octets)
    faults = [*dialect_faults(access), *feed_faults(access), *relay_faults(access)]
    if faults:
        raise AccessError("\n".join(map(access.say, faults)))
    return access


def relay_faults(access: Access) -> Iterator[Fault]:
    """What the access file says wrongly of webhooks, echoes and upstreams. A key in a file is not read: it
    may be on another machine."""
    relays = ["smtp", "webhook"]
    relays += [f"upstream-{source.name}" for source in access.sources.values() if source.upstream]
    for source in access.sources.values():
        if source.relay and source.relay not in relays:
            yield _fault(source, "relay", f"there is no such relay; there are {', '.join(relays)}")
        for keys, check in (("webhooks", endpoints_of), ("dialects", echoes_of)):
            try:
                check([source])
            except TargetError as error:
                yield _fault(source, keys, str(error))
        options = dict(source.upstream)
        if not options:
            continue
        if "key_file" in options and "key" not in options:
            options.pop("key_file")
            options["key"] = "unread"
        try:
            parse_upstream(options)
        except TargetError as error:
            yield _fault(source, "upstream", str(error))


def upstreams_of(access: Access) -> dict[str, UpstreamTarget]:
    """Every provider that requests go on to, by the relay's name, with the key that is on this machine.
    Raises AccessError where one cannot be had."""
    found = {}
    for source in access.sources.values():
        if source.upstream:
            try:
                found[f"upstream-{source.name}"] = parse_upstream(source.upstream)
            except TargetError as error:
                raise AccessError(access.say(_fault(source, "upstream", str(error)))) from error
    return found


def _fault(source: Source, key: str, said: str) -> Fault:
    """The keys stand before the first colon of what is said, where it says them."""
    text = said.removeprefix(f"source {source.name!r}: ")
    head, mark, rest = text.partition(": ")
    if mark and head.startswith(key):
        return Fault(source=source.name, path=tuple(head.split(".")), text=rest)
    return Fault(source=source.name, path=(key,), text=text)
