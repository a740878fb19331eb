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
@click.option("--secret", prompt="Secret (empty: make one)", hide_input=True, default="", show_default=False)
def hash_command(secret: str) -> None:
    """Print the argon2id hash of a secret, to stand in access.yaml; without a secret, make one."""
    if not secret:
        secret = new_secret()
        click.echo(f"secret: {secret}")
    click.echo(f"hash: {hash_secret(secret)}")


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
