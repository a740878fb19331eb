"""`galateo pause` and `galateo resume`: the reversible kill switch, for one source or one campaign."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import click
import orjson

from gateway.access import Access
from gateway.app.parts import Ledger
from gateway.cli.holds import login, when
from gateway.cli.session import plain, with_ledger
from gateway.cli.tongue import LANG, language, say, told
from gateway.message.address import without_addresses
from gateway.policy.document import did_you_mean
from gateway.policy.outcome import Words
from gateway.review import LONGEST_REASON, OwnPause, controllers_of, latest_campaigns, pause, resume
from gateway.store.pauses import Kind, Pause
from gateway.store.protocol import Store

T = TypeVar("T")
_KINDS = {"source": Words("source", "fonte"), "campaign": Words("campaign", "campagna")}


class _Refused(Exception):
    """There is nothing of that name; `words` say so."""

    def __init__(self, en: str, it: str) -> None:
        super().__init__(en)
        self.words = Words(en, it)


@dataclass(frozen=True, slots=True)
class _Target:
    """What is paused or resumed; without a `controller` the only one there is."""

    kind: Kind
    name: str
    controller: str = ""

    def says(self) -> str:
        """It in words."""
        return f"{_KINDS[self.kind].in_(language())} {plain(self.name)}"


def _readable(_: click.Context, parameter: click.Parameter, text: str) -> str:
    """What was typed can be kept: a terminal of another character set gives what cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        en, it = "it holds characters that are not UTF-8.", "contiene caratteri che non sono UTF-8."
        raise click.BadParameter(say(en, it), param=parameter) from None
    return text


def _check(context: click.Context, parameter: click.Parameter, reason: str) -> str:
    _readable(context, parameter, reason)
    if len(reason) > LONGEST_REASON or (reason and not without_addresses(reason)):
        en = f"say why, in {LONGEST_REASON} characters at most and not by an address alone."
        it = f"dire perché, in {LONGEST_REASON} caratteri al massimo e non con il solo indirizzo."
        raise click.BadParameter(say(en, it), param=parameter)
    return reason


def _named(context: click.Context, parameter: click.Parameter, name: str | None) -> str:
    """An empty name is a slip (a variable that is not set), and never means all. Any other is taken letter
    by letter, as messages give it: with a no-break space or joined pictures in it too."""
    if name is not None and not name.strip():
        raise click.BadParameter(say("no name is given.", "non è dato alcun nome."), param=parameter)
    return _readable(context, parameter, name or "")


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """What both commands take."""
    for option in (
        LANG,
        click.option(
            "--as", "actor", default="", callback=_readable, help="Who decides; your login name without it."
        ),
        click.option("--reason", default="", callback=_check, help="Why; kept in the audit log."),
        click.option(
            "--controller", callback=_named, help="Whose campaign, where there are several controllers."
        ),
        click.option("--campaign", callback=_named, help="The campaign, as its messages name it."),
        click.option("--source", callback=_named, help="The source, as access.yaml names it."),
    ):
        command = option(command)
    return command


@click.command("pause")
@_options
@click.option("--list", "listing", is_flag=True, help="What is paused; so without options.")
@click.option("--json", "as_json", is_flag=True, help="The list as a JSON array.")
def pause_command(
    source: str, campaign: str, controller: str, reason: str, actor: str, *, listing: bool, as_json: bool
) -> None:
    """Hold everything that a source sends, or a campaign, until `galateo resume`; or list what is paused."""
    target = _target(source, campaign, controller)
    if listing or as_json or target is None:
        if target is not None or reason or controller:
            raise click.UsageError(say("A list takes no other option.", "L'elenco non ha altre opzioni."))
        _print(with_ledger(_lasting), as_json=as_json)
        return
    by = actor or login()
    lasting, new, doubt = _run(lambda ledger: _pause(ledger, target, by, reason))
    since = when(lasting.since)
    if new:
        en = f"Paused: {target.says()}. What it sends is held until it is resumed; nothing is lost."
        it = f"In pausa: {target.says()}. Ciò che invia è trattenuto fino alla ripresa; nulla va perso."
    else:
        en = f"Nothing changed: {target.says()} has been paused since {since}, by {plain(lasting.by)}."
        it = f"Nulla è cambiato: {target.says()} è in pausa dal {since}, per mano di {plain(lasting.by)}."
    click.echo(say(en, it))
    if doubt is not None:
        click.echo(doubt.in_(language()), err=True)


@click.command("resume")
@_options
def resume_command(source: str, campaign: str, controller: str, reason: str, actor: str) -> None:
    """End a pause: what it held is decided again, in order, within seconds."""
    target = _target(source, campaign, controller)
    if target is None:
        raise click.UsageError(say("Name a --source or a --campaign.", "Indicare --source o --campaign."))
    ended = _run(lambda ledger: _resume(ledger, target, actor or login(), reason))
    since = when(ended.since)
    en = f"Resumed: {target.says()}, paused since {since}. What it held is decided again by itself."
    it = f"Ripresa: {target.says()}, in pausa dal {since}. Ciò che era trattenuto sarà deciso di nuovo da sé."
    click.echo(say(en, it))


def _target(source: str, campaign: str, controller: str) -> _Target | None:
    if source and campaign:
        en, it = "Name a --source or a --campaign, not both.", "Indicare --source o --campaign, non entrambe."
        raise click.UsageError(say(en, it))
    if source and controller:
        en = "A source has one controller: leave --controller out."
        raise click.UsageError(say(en, "Una fonte ha un solo titolare: omettere --controller."))
    if not (source or campaign):
        return None
    return _Target("source", source) if source else _Target("campaign", campaign, controller)


def _run(action: Callable[[Ledger], Awaitable[T]]) -> T:
    try:
        return with_ledger(action)
    except _Refused as refused:
        _end(refused.words)


def _end(words: Words) -> NoReturn:
    click.echo(words.in_(language()), err=True)
    sys.exit(1)


async def _lasting(ledger: Ledger) -> list[Pause]:
    return ledger.store.pauses.lasting


async def _pause(ledger: Ledger, target: _Target, by: str, reason: str) -> tuple[Pause, bool, Words | None]:
    access, store, doubt = ledger.access, ledger.store, None
    if target.kind == "source":
        _check_source(access, target.name)
        controller = access.sources[target.name].controller
    else:
        controller = _controller(access, target.controller)
        doubt = await _doubt(store, controller, target.name)
    return *await pause(store, target.kind, target.name, controller, by, reason), doubt


async def _resume(ledger: Ledger, target: _Target, by: str, reason: str) -> Pause:
    access, store, controller = ledger.access, ledger.store, target.controller
    lasting = store.pauses.lasting
    if target.kind == "campaign" and not controller:
        whose = {p.controller for p in lasting if (p.kind, p.name) == (target.kind, target.name)}
        controller = whose.pop() if len(whose) == 1 else _controller(access, "")
    try:
        ended = await resume(store, target.kind, target.name, controller, by, reason, access)
    except OwnPause:
        en = "Nothing changed: this source is your own, and somebody else paused it; ask a colleague."
        it = "Nulla è cambiato: è la propria fonte, messa in pausa da altri; chiedere a un collega."
        raise _Refused(en, it) from None
    if ended is not None:
        return ended
    if target.kind == "source":
        _check_source(access, target.name)
    names = sorted({p.name for p in lasting if p.kind == target.kind})
    hint = did_you_mean(target.name, names) if names else ""
    raise _Refused(
        f"Nothing changed: {target.says()} is not paused{f' ({hint})' if hint else ''}.",
        f"Nulla è cambiato: {target.says()} non è in pausa{f' ({told(hint)})' if hint else ''}.",
    )


def _check_source(access: Access, name: str) -> None:
    """Raises _Refused where nobody sends under that name."""
    if name not in access.sources:
        hint = did_you_mean(name, sorted(access.sources))
        said = f"no source {name!r} stands in access.yaml{f' ({hint})' if hint else ''}"
        raise _Refused(f"Nothing changed: {said}.", f"Nulla è cambiato: {told(said)}.")


def _controller(access: Access, name: str) -> str:
    """The controller of that name, or the only one. Raises _Refused."""
    known = controllers_of(access)
    if name in known:
        return name
    if not name and len(known) == 1:
        return known[0]
    names = ", ".join(known)
    if name:
        en, it = "There is no such controller.", "Non c'è un titolare con questo nome."
    else:
        en, it = "Say whose campaign, by --controller.", "Dire di chi è la campagna, con --controller."
    raise _Refused(f"{en} Known (access.yaml): {names}.", f"{it} Noti (access.yaml): {names}.")


async def _doubt(store: Store, controller: str, campaign: str) -> Words | None:
    """What to say of a campaign that nobody has named yet: it may be a slip."""
    seen = await latest_campaigns(store, controller)
    if campaign in seen:
        return None
    hint = did_you_mean(campaign, sorted(seen)) if seen else ""
    return Words(
        f"None of the latest messages names this campaign{f' ({hint})' if hint else ''}.",
        f"Nessuno degli ultimi messaggi nomina questa campagna{f' ({told(hint)})' if hint else ''}.",
    )


def _print(pauses: Sequence[Pause], *, as_json: bool) -> None:
    if as_json:
        found = [describe(one) for one in pauses]
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    if not pauses:
        click.echo(say("Nothing is paused.", "Nulla è in pausa."))
    for one in pauses:
        whose = f" ({plain(one.controller)})" if one.kind == "campaign" else ""
        by = f"{say('by', 'per mano di')} {plain(one.by)}"
        why = f": {plain(one.reason)}" if one.reason else ""
        kind = _KINDS[one.kind].in_(language())
        click.echo(f"{when(one.since)}  {kind} {plain(one.name)}{whose}  {by}{why}")


def describe(one: Pause) -> dict[str, Any]:
    """A pause as plain data."""
    return {
        "kind": one.kind,
        "name": one.name,
        "controller": one.controller,
        "since": when(one.since),
        "by": one.by,
        "reason": one.reason,
    }
