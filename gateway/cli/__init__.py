"""The command `galateo`: every command in one literal table, each imported when it is asked for."""

import codecs
import contextlib
import errno
import importlib
import io
import os
import sys
from pathlib import Path
from typing import Any

import click

from gateway import __version__

COMMANDS = {
    "serve": ("gateway.cli.serve", "Run the gateway."),
    "demo": ("gateway.cli.demo", "Try the gateway on this machine with sample messages."),
    "migrate": ("gateway.cli.migrate", "Bring the database's schema up to date."),
    "copy-database": ("gateway.cli.copy_database", "Copy an SQLite database into PostgreSQL."),
    "health": ("gateway.cli.health", "Ask the running gateway whether it is ready."),
    "check": ("gateway.cli.check", "Check policy files and run their cases."),
    "read": ("gateway.cli.read", "Say what messages say, with the words that show it."),
    "consents": ("gateway.cli.consents", "Import, show and export what people agreed to."),
    "holds": ("gateway.cli.holds", "List, show, release and reject held messages."),
    "pause": ("gateway.cli.pause", "Hold all of a source or campaign at once; list what is paused."),
    "resume": ("gateway.cli.resume", "End a pause of a source or campaign."),
    "replies": ("gateway.cli.replies", "Look at replies and bounces that nobody could place."),
    "events": ("gateway.cli.events", "Tell subscribers of outgoing webhooks again."),
    "replay": ("gateway.cli.replay", "Try a draft of policies on past messages."),
    "explain": ("gateway.cli.explain", "Say why a message was decided so, or what would become of one."),
    "audit": ("gateway.cli.audit", "Verify the audit log, make evidence packs and checkpoints."),
    "subject": ("gateway.cli.subject", "Give a person their data, erase it, or restrict it."),
    "retention": ("gateway.cli.retention", "Say what is kept how long, and let go of what is over."),
    "backup": ("gateway.cli.backup", "Copy the embedded database while the gateway runs."),
    "restore": ("gateway.cli.restore", "Put a backup in the database's place."),
    "keys": ("gateway.cli.keys", "Rotate the pepper, token and signing keys."),
    "access": ("gateway.cli.access", "Make secrets and their hashes for access.yaml."),
}


class _Commands(click.Group):
    """Looks a command up in the table and imports it only then: `--help` and exit codes stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line each, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command. A file that cannot be read or written, stdout too, is told in a line."""
        if sys.stdout is None:  # as with `>&-`; nothing else may get its number
            sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
        _write_any_letter()
        try:
            return super().main(*args, **kwargs)
        except SystemExit as end:
            unwritten = _flush()
            if unwritten is None or end.code:
                raise
            _tell(unwritten)
        except OSError as error:
            _flush()
            _tell(error)
        sys.exit(1)


def _write_any_letter() -> None:
    """What goes into a file or a pipe is UTF-8 in every locale, as JSON and CSV are; a terminal that cannot
    show a letter shows `?`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8")


def _flush() -> OSError | None:
    """Write what waits for stdout. What cannot be written is let go of: the interpreter would try again at
    its end, and say so in its own words."""
    try:
        sys.stdout.flush()
    except OSError as error:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None


def _tell(error: OSError) -> None:
    if error.errno == errno.EPIPE:  # `| head`: whoever read has enough
        return
    where = f"{error.filename}: " if error.filename else ""
    click.echo(f"galateo: {where}{error.strerror or error}", err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="galateo")
def main() -> None:
    """Galateo: an outbound message gateway with good manners.

    Exit codes: 0 fine, 1 a finding or a failure, 2 wrong usage.
    """
