"""Processes that share the work of a command."""

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor

import click


@contextlib.contextmanager
def side_by_side(
    count: int, prepare: Callable[..., None], *given: object
) -> Iterator[ProcessPoolExecutor | None]:
    """So many processes, each begun with `prepare(*given)`; None where one is enough, or where the machine
    lets no others share the work, which is told."""
    pool = None
    if count > 1:
        try:
            pool = ProcessPoolExecutor(
                count, mp_context=multiprocessing.get_context("spawn"), initializer=prepare, initargs=given
            )
        except OSError as error:
            why = f"several cannot share it here ({error}; is /dev/shm writable?)"
            click.echo(f"One process does it all, which takes longer: {why}", err=True)
    with pool or contextlib.nullcontext():
        yield pool
