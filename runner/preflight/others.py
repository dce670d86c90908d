"""Who else works on the database: sessions, replicas, subscribers, what fires on our DDL."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from runner.catalog import some
from runner.preflight.look import Look, Problem, Problems

LONG_TRANSACTION = timedelta(minutes=15)
# A replica that is further behind than this is told of.
REPLICATION_LAG = timedelta(seconds=30)
REPLICATION_BYTES = 256_000_000

_COUNTED_LARGE_OBJECTS = 1000
_MB = 1e6


def transactions(look: Look) -> Problems:
    """Find transactions that are open since long."""
    for row in look.rows("preflight_transactions.sql", older_than=LONG_TRANSACTION):
        who = f"{row['usename']}, {row['application_name'] or 'without a name'}"
        yield Problem(
            f"server process {row['pid']} ({who}) is in a transaction for "
            f"{row['seconds'] / 60:,.0f} minutes: it may hold locks",
            f"end it where it runs, or: select pg_terminate_backend({row['pid']})",
            "warn",
        )


def prepared(look: Look) -> Problems:
    """Find transactions that were prepared and left."""
    for row in look.rows("preflight_prepared.sql"):
        yield Problem(
            f"the prepared transaction {row['gid']} of {row['owner']} may hold locks",
            f"commit prepared {row['quoted']}, or rollback prepared {row['quoted']}",
            "warn",
        )


# --- replication --------------------------------------------------------------------------------


def replication(look: Look) -> Problems:
    """Find replicas that lag, and slots that make the server keep WAL for nobody."""
    for row in look.replicas:
        seconds, behind = row["seconds"] or 0, row["bytes"] or 0
        if seconds > REPLICATION_LAG.total_seconds() or behind > REPLICATION_BYTES:
            yield Problem(
                f"the replica {_replica(row)} is {seconds:,.0f} s and {behind / _MB:,.0f} MB "
                "behind: a load makes it lag more",
                "wait until it has caught up, or let its readers know",
                "warn",
            )
    hidden = [row for row in look.replicas if row["state"] is None]
    if hidden:
        yield Problem(
            f"how far {len(hidden)} replicas are behind is hidden from {look.role}",
            f"grant pg_monitor to {look.quoted_role}, or look as a superuser",
            "warn",
        )
    for row in look.rows("preflight_slots.sql"):
        yield Problem(
            f"nobody reads the replication slot {row['name']}, which keeps "
            f"{(row['bytes'] or 0) / _MB:,.0f} MB of WAL on the server's disk, more with each load",
            f"start its reader, or: select pg_drop_replication_slot({row['quoted']})",
            "warn",
        )


def replicas(look: Look) -> str:
    """Say how many replicas there are, none of them far behind."""
    return f"{len(look.replicas)} replicas, none far behind" if look.replicas else "no replica"


def _replica(row: dict[str, Any]) -> str:
    return f"{row['name'] or 'without a name'} ({row['address'] or 'local'})"


def publications(look: Look) -> Problems:
    """Find logical replication of the legacy tables: out of here, or into them."""
    names = {"schema": look.settings.legacy_schema, "tables": look.source_names}
    for row in look.rows("preflight_publications.sql", **names):
        yield from _publication(look, row)
    for row in look.rows("preflight_subscriptions.sql", **names):
        yield Problem(
            f"the subscription {row['name']} writes to {some(row['tables'])}",
            "after the switch nobody reads what it writes: decide what becomes of it",
            "warn",
        )


def _publication(look: Look, row: dict[str, Any]) -> Iterator[Problem]:
    if row["is_of_all"] and row["needs_identity"]:
        # Seen: cannot update table "tinkubot__users_historia" because it does not have a replica
        # identity and publishes updates.
        yield Problem(
            f"the publication {row['name']} is of all tables: those of traspaso's snapshots have "
            "no primary key, so the server would refuse to update them",
            "have a publication name its tables: drop this one, then create publication … for "
            "table …",
        )
    elif row["is_of_all"]:
        yield Problem(
            f"the publication {row['name']} is of all tables: the Spanish ones, and those of "
            "traspaso itself, will be published too",
            "let its subscribers know: they need these tables, or a publication that names its own",
            "warn",
        )
    elif row["tables"]:
        yield Problem(
            f"the publication {row['name']} has {some(row['tables'])}: its subscribers will not "
            "get the Spanish tables",
            f"before the switch, add those to it: alter publication {row['quoted']} add table …",
            "warn",
        )
    without = {each["relation"] for each in look.tables if not each["has_identity"]}
    unknown = sorted(without.intersection(look.source_names if row["is_of_all"] else row["tables"]))
    if unknown and row["needs_identity"]:
        yield Problem(
            f"the publication {row['name']} cannot tell the rows of {some(unknown)} apart: an "
            "update or a delete there fails",
            "give them a primary key, or: alter table … replica identity full",
            "warn",
        )


# --- the rest of the database -------------------------------------------------------------------


def event_triggers(look: Look) -> Problems:
    """Find what fires on DDL: it fires on ours."""
    found = look.rows("preflight_event_triggers.sql")
    if found:
        yield Problem(
            "these fire when traspaso creates or drops something: "
            + some([f"{row['name']} ({row['event']})" for row in found]),
            "read what they do; as a superuser: alter event trigger … disable",
            "warn",
        )


def large_objects(look: Look) -> Problems:
    """Find large objects: a backup of schemas does not hold them."""
    found = look.rows("preflight_large_objects.sql", at_most=_COUNTED_LARGE_OBJECTS + 1)[0]["found"]
    if found:
        counted = f"{found:,}" if found <= _COUNTED_LARGE_OBJECTS else "more than 1,000"
        yield Problem(
            f"{counted} large objects are in the database: no schema holds them, so no backup of "
            "traspaso does",
            "traspaso does not touch them; back them up with: pg_dump --large-objects",
            "warn",
        )
