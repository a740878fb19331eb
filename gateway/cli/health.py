"""`galateo health`: ask the gateway on this machine whether it is ready; for container engines."""

import http.client
import math
import sys

import click

from gateway.settings import Settings, SettingsError, load

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to ask one that listens everywhere


@click.command("health")
@click.option("--alive", is_flag=True, help="Only whether it answers at all, not whether it can work.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, 3600, min_open=True),
    default=4.0,
    show_default=True,
    help="Seconds to wait for its answer.",
)
def health_command(*, alive: bool, timeout: float) -> None:
    """Ask the gateway at GALATEO_OPS_LISTEN how it is. Exit code 0: fine; 1: not, or no answer."""
    if math.isnan(timeout):
        raise click.BadParameter("this is no number of seconds.", param_hint="--timeout")
    try:
        said = ask(load(), "/healthz" if alive else "/readyz", timeout)
    except (SettingsError, OSError) as error:
        click.echo(f"galateo: {error}", err=True)
        sys.exit(1)
    except http.client.HTTPException:
        click.echo("galateo: something else than a gateway answers at GALATEO_OPS_LISTEN.", err=True)
        sys.exit(1)
    status, text = said
    click.echo(text)
    sys.exit(0 if status == http.client.OK else 1)


def ask(settings: Settings, path: str, timeout: float) -> tuple[int, str]:
    """The status and text that the gateway answers. Raises OSError, HTTPException."""
    listen = settings.ops_listen
    if listen is None:
        raise OSError("GALATEO_OPS_LISTEN is off, so there is nobody to ask")
    connection = http.client.HTTPConnection(
        ANYWHERE.get(listen.host, listen.host), listen.port, timeout=timeout
    )
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(4096).decode(errors="replace")
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        raise OSError(
            f"nobody answers at {listen} (GALATEO_OPS_LISTEN): {why}; does `galateo serve` run?"
        ) from error
    finally:
        connection.close()
