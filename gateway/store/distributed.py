"""The same schema over several nodes: Citus tables, spread by lane.

Rows of one person share a lane, so deciding about someone touches one node. Small tables that every
replica reads stay at the coordinator.
"""

import asyncpg

from gateway.store.migrate import SchemaError

BY_LANE = ("people", "decisions", "outbox", "holds", "consent_events", "events", "attempts")
BY_OWN_KEY = (("messages", "id", "none"), ("bodies", "message_id", "messages"), ("sent_ids", "hash", "none"))
"""A table, the column it is spread by, and the one whose rows it lies beside."""
HERE = (
    "fingerprints",
    "paces",
    "waiting_replies",
    "replays",
    "audit",
    "writers",
    "settings",
    "schema_versions",
)
"""Not distributed: at the coordinator."""

SHARDS = 32


async def is_available(db: asyncpg.Connection) -> bool:
    """Whether the extension can be had on this server and is in its preloaded libraries."""
    there = await db.fetchval("SELECT count(*) FROM pg_available_extensions WHERE name = 'citus'")
    preloaded = str(await db.fetchval("SHOW shared_preload_libraries"))
    return bool(there) and "citus" in preloaded


async def distribute(db: asyncpg.Connection) -> list[str]:
    """Spread the tables that are not spread yet; returns their names. Raises SchemaError."""
    if not await is_available(db):
        raise SchemaError(
            "this PostgreSQL has no Citus extension: install it on every node, add citus to"
            " shared_preload_libraries and restart, or leave --distributed out: one server is fine too"
        )
    await db.execute("CREATE EXTENSION IF NOT EXISTS citus")
    done = {row[0] for row in await db.fetch("SELECT logicalrelid::text FROM pg_dist_partition")}
    await db.execute("CREATE INDEX IF NOT EXISTS outbox_lane_due ON outbox (lane, due_at)")
    made: list[str] = []
    first = next((table for table in BY_LANE if table in done), "")
    for table in BY_LANE:
        if table not in done:
            if first:
                await db.execute(
                    f"SELECT create_distributed_table('{table}', 'lane', colocate_with => '{first}')"
                )
            else:
                await db.execute(
                    f"SELECT create_distributed_table('{table}', 'lane', colocate_with => 'none',"
                    f" shard_count => {SHARDS})"
                )
            made.append(table)
        first = first or table
    for table, column, beside in BY_OWN_KEY:
        if table not in done:
            await db.execute(
                f"SELECT create_distributed_table('{table}', '{column}', colocate_with => '{beside}')"
            )
            made.append(table)
    return made
