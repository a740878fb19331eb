"""What several commands read from their options: how long ago, and a bar for what takes a while."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.cli.tongue import say

_UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0, "y": 365 * 86400.0}
_SPAN = re.compile(r"\s*(\d{1,6})\s*([mhdwy])[a-z]*\s*")


class Ago(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A span of time: 30d, 12h, 2w, or `90 days`; given as seconds."""

    name = "30d"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The span in seconds."""
        if isinstance(value, float):
            return value
        found = _SPAN.fullmatch(str(value).casefold())
        if found is None:
            en = f"{value!r} is no span of time: write 12h, 30d, 8w or 1y"
            it = f"{value!r} non è un periodo: scrivere 12h, 30d, 8w o 1y"
            self.fail(say(en, it), param, ctx)
        return int(found.group(1)) * _UNITS[found.group(2)]


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
