"""`python -m bench`: the gateway beside Postfix and a plain forwarder, in one run, on this machine."""

import tempfile
from dataclasses import asdict
from pathlib import Path

import click

from bench import build, ledger, machine, peers, plan
from bench.report import Report


def numbers(_: click.Context, __: click.Parameter, value: str) -> tuple[int, ...]:
    """Numbers with commas between them."""
    try:
        return tuple(int(word) for word in value.split(","))
    except ValueError:
        raise click.BadParameter("numbers with commas between them, please, such as 20,100") from None


@click.command(help=__doc__)
@click.option(
    "--quick", is_flag=True, help="One or two minutes: short runs, once each, kept connections only."
)
@click.option(
    "--only", multiple=True, type=click.Choice(list(plan.STEPS)), help="Only this step; may be repeated."
)
@click.option(
    "--peers",
    "chosen",
    multiple=True,
    type=click.Choice(peers.NAMES),
    help="Only this peer; may be repeated.",
)
@click.option(
    "--sessions", default="20,100", show_default=True, callback=numbers, help="Concurrent sessions."
)
@click.option(
    "--mode",
    "modes",
    multiple=True,
    type=click.Choice(list(plan.WORDS)),
    help="Kept connections, or one per message.",
)
@click.option("--repeats", type=click.IntRange(1), help="Runs of each kind; the median counts.  [default: 3]")
@click.option("--seconds", type=click.FloatRange(0.5), help="Length of a run.  [default: 8]")
@click.option(
    "--consents",
    callback=numbers,
    default="10000,1000000",
    show_default=True,
    help="Sizes of the ledger to compare.",
)
@click.option("--profile", is_flag=True, help="Record each run of the gateway with py-spy.")
@click.option(
    "--policies",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=ledger.ROOT / "policies",
    help="What the gateway enforces.  [default: the shipped policies]",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/var/tmp"),
    show_default=True,
    help="Where databases and queues lie; should be on a real disk.",
)
def main(
    *,
    quick: bool,
    only: tuple[str, ...],
    chosen: tuple[str, ...],
    sessions: tuple[int, ...],
    modes: tuple[str, ...],
    repeats: int | None,
    seconds: float | None,
    consents: tuple[int, ...],
    profile: bool,
    policies: Path,
    folder: Path,
) -> None:
    steps = only or (("rates", "latency", "slow-disk") if quick else tuple(plan.STEPS))
    wanted = plan.Plan(
        only=steps,
        peers=chosen or peers.NAMES,
        sessions=sessions,
        modes=modes or (("keep",) if quick else tuple(plan.WORDS)),
        repeats=repeats or (1 if quick else 3),
        seconds=seconds or (3.0 if quick else 8.0),
        consents=consents,
        profile=profile,
        policies=policies,
    )
    build.ensure_postfix()
    report = Report(settings=asdict(wanted) | {"policies": str(policies)})
    report.find("a synced write of 4 KB on this disk, ms", machine.sync_ms(folder))
    try:
        plan.carry_out(wanted, Path(tempfile.mkdtemp(prefix="galateo-bench-", dir=folder)), report)
    finally:
        print(f"\nstored in {report.write()}")
    if report.troubles:
        raise SystemExit("not every run went well:\n  " + "\n  ".join(report.troubles))


main()
