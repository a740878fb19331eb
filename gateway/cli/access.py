"""`galateo access`: secrets and their hashes."""

import sys

import click

from gateway.access import AccessError, doubts, hash_secret, new_secret
from gateway.app.access_file import read_access_file
from gateway.cli.check import laws_of
from gateway.settings import SettingsError, load


@click.group("access")
def access_command() -> None:
    """Make secrets for access.yaml, and check the file."""


@access_command.command("hash")
@click.option("--secret", default=None, help="Asked for, or the line that a pipe gives, if left out.")
def hash_command(secret: str | None) -> None:
    """Print the argon2id hash of a secret, to stand in access.yaml; without a secret, make one."""
    if secret is None:
        secret = _read_secret()
    if not secret:
        secret = new_secret()
        click.echo(f"secret: {secret}")
    try:
        click.echo(f"hash: {hash_secret(secret)}")
    except UnicodeEncodeError:
        raise click.BadParameter("the secret is not in UTF-8", param_hint="--secret") from None


def _read_secret() -> str:
    """What is typed at a terminal, unseen, or the line that a pipe gives."""
    if sys.stdin is None or not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n") if sys.stdin else ""
    asked: str = click.prompt("Secret (empty: make one)", hide_input=True, default="", show_default=False)
    return asked


@access_command.command("check")
def check_command() -> None:
    """Read the access file and say who is in it."""
    try:
        settings = load()
        access = read_access_file(settings.access)
    except (AccessError, SettingsError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    for source in access.sources.values():
        feed = "" if source.reply_feed else " (no reply feed: the reply rules are blind)"
        click.echo(f"source {source.name}: controller {source.controller}, events {source.events}{feed}")
    for reviewer in access.reviewers.values():
        click.echo(f"reviewer {reviewer.name}: {reviewer.role}")
    if not access.sources:
        click.echo("warning: there is no source, so that nobody can submit anything")
    for doubt in doubts(access, laws_of(settings.policies_folder)):
        click.echo(f"warning: {doubt}")
