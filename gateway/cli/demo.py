"""`galateo demo`: try the gateway on this machine."""

import sys

import click
import uvloop
from rich.console import Console

from gateway.cli.refusals import REFUSALS
from gateway.demo.run import demo


@click.command("demo")
@click.option("--once", is_flag=True, help="End after the table instead of serving on.")
@click.option(
    "--days", type=click.IntRange(0, 90), default=0, help="Write so many days of traffic before today."
)
def demo_command(once: bool, days: int) -> None:
    """Start a gateway with a database of its own and a catch-all sink, and send it sample messages."""
    try:
        uvloop.run(demo(once=once, console=Console(width=None if sys.stdout.isatty() else 160), days=days))
    except REFUSALS as error:
        click.echo(f"galateo: {error}", err=True)
        sys.exit(1)
