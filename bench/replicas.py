"""`python -m bench.replicas`: the gateway on PostgreSQL beside itself on SQLite, and with more workers.

One plain process reads in a process of its own where there is a second core; workers never do, so two of
them are compared with one of them. All kinds run in turns, and ratios are of runs that followed each other.
"""

import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg
import click

from bench import build, ledger
from bench.ledger import Ledger
from bench.measure import WARM_UP, Bench, Load, Run
from bench.peers import Gateway, Peer, _end
from bench.sink import Sink
from tests.postgres import Cluster

COUNT = 30_000


class Replica(Gateway):
    """`galateo serve` on a PostgreSQL of its own; `workers` 0 is one plain process."""

    def __init__(self, sink: Sink, folder: Path, state: Ledger, server: Cluster, workers: int) -> None:
        super().__init__(sink, folder, state, name=f"postgres-{workers}-{state.consents}")
        self.server, self.workers = server, workers

    @contextmanager
    def ready(self) -> Iterator[None]:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        shutil.copy(self.state.state / "keys", self.folder / "keys")
        asyncio.run(_clone(self.server, self.state))
        words = [sys.executable, "-m", "gateway", "serve"]
        words += ["--workers", str(self.workers)] * bool(self.workers)
        log = self.folder / "stdout.log"
        own = {"GALATEO_DATABASE": self.server.url("run")}
        with log.open("wb") as out, (self.folder / "stderr.log").open("wb") as err:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.folder,
                env=ledger.settings(self.folder, self.sink.port, self.state.policies) | own,
            )
        try:
            self.port = self._listening(process, log)
            postmaster = int((self.server.data / "postmaster.pid").read_text().split()[0])
            self.roots = [process.pid, postmaster]
            yield
        finally:
            _end(process)


async def _clone(server: Cluster, state: Ledger) -> None:
    db = await asyncpg.connect(server.url())
    await db.execute("DROP DATABASE IF EXISTS run WITH (FORCE)")
    await db.execute(f"CREATE DATABASE run TEMPLATE ledger_{state.consents}")
    await db.execute("CHECKPOINT")
    await db.close()


def fill(server: Cluster, state: Ledger) -> None:
    """Copy a ledger into PostgreSQL, as `galateo copy-database` does; write whoever was not imported into
    both databases."""
    name = f"ledger_{state.consents}"

    async def create() -> None:
        db = await asyncpg.connect(server.url())
        await db.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        await db.close()

    async def add_others() -> None:
        more = ledger.others(state)
        db = await asyncpg.connect(server.url(name))
        for table, rows in (("people", more.people()), ("consent_events", more.consents())):
            await db.copy_records_to_table(table, records=rows)
        await db.close()

    async def analyze() -> None:
        db = await asyncpg.connect(server.url(name))
        await db.execute("VACUUM ANALYZE")
        await db.close()

    asyncio.run(create())
    environment = ledger.settings(state.state, 1, state.policies) | {"GALATEO_DATABASE": server.url(name)}
    for words in (["migrate"], ["copy-database", str(state.state / "galateo.db"), server.url(name)]):
        subprocess.run(
            [sys.executable, "-m", "gateway", *words], env=environment, check=True, cwd=state.state
        )
    asyncio.run(add_others())
    asyncio.run(analyze())
    ledger.fill(state)


def show(name: str, runs: list[Run]) -> float:
    rate = statistics.median(run.end_to_end for run in runs)
    cpu = statistics.median(run.cpu_ms for run in runs)
    p99 = statistics.median(run.accept_p99 for run in runs)
    rates = ", ".join(f"{run.end_to_end:.0f}" for run in runs)
    trouble = "; ".join({run.trouble for run in runs if run.trouble})
    print(
        f"{name:32} {rate:7.0f}/s  cpu {cpu * 1000:5.0f} us  accept p99 {p99:6.1f} ms  ({rates}) {trouble}",
        flush=True,
    )
    return rate


def relate(runs: dict[str, list[Run]]) -> None:
    """Say each kind's rate and cost as a ratio to another's: to SQLite, to one worker, to the first size."""
    sizes = list(dict.fromkeys(name.rpartition("-")[2] for name in runs))
    for name, own in runs.items():
        kind, _, size = name.rpartition("-")
        for other in (f"sqlite-{size}", f"postgres-1-{size}", f"{kind}-{sizes[0]}"):
            if other in runs and other != name and not (other.startswith("postgres-1") and kind == "sqlite"):
                pairs = list(zip(own, runs[other], strict=True))
                rate = statistics.median(one.end_to_end / base.end_to_end for one, base in pairs)
                cost = statistics.median(one.cpu_ms / base.cpu_ms for one, base in pairs)
                print(f"{name} to {other}: rate {rate:.2f}, CPU {cost:.2f}", flush=True)


@click.command(help=__doc__)
@click.option("--sessions", default=20, show_default=True)
@click.option("--repeats", default=3, show_default=True)
@click.option("--count", default=8000, show_default=True, help="Messages in a run.")
@click.option(
    "--workers",
    default="0,1,2",
    show_default=True,
    help="Kinds of replica: 0 is one plain process, any other number so many workers.",
)
@click.option(
    "--consents",
    default="50000",
    show_default=True,
    help=f"Sizes of the ledger; up to {COUNT} are imported, the others written into the tables.",
)
@click.option("--sqlite/--no-sqlite", default=True)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("/var/tmp"), show_default=True)
def main(
    *, sessions: int, repeats: int, count: int, workers: str, consents: str, sqlite: bool, folder: Path
) -> None:
    home = Path(tempfile.mkdtemp(prefix="galateo-bench-", dir=folder))
    home.chmod(0o755)
    try:
        with ExitStack() as stack:
            bench = Bench(build.compile_load(home), home)
            server = Cluster(home / "server", durable=True).start()
            stack.callback(server.stop)
            peers: list[Peer] = []
            for size in map(int, consents.split(",")):
                state = ledger.prepare(
                    home, size, min(COUNT, count + 2 * WARM_UP, size), ledger.ROOT / "policies", COUNT
                )
                fill(server, state)
                sink = stack.enter_context(Sink(home))
                if sqlite:
                    peers.append(Gateway(sink, home, state, name=f"sqlite-{size}"))
                peers += [Replica(sink, home, state, server, int(number)) for number in workers.split(",")]
            runs: dict[str, list[Run]] = {peer.name: [] for peer in peers}
            for _ in range(repeats):
                for peer in peers:
                    found = bench.run(peer, peer.state, Load(sessions=sessions), count)  # type: ignore[attr-defined]
                    runs[peer.name].append(found)
            for peer in peers:
                show(f"{peer.name} {sessions} sessions", runs[peer.name])
            relate(runs)
    finally:
        shutil.rmtree(home, ignore_errors=True)


main()
