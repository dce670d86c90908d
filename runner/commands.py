"""What each command does with its verbs, and how it looks to a person.

Each returns the JSON answer of the CLI's contract, and prints the same for people.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from runner import backup as backups
from runner import critical, fates, file_switch, legacy_file, mapping, preflight, state, switch
from runner import rehearse as rehearsals
from runner.catalog import some, take_picture
from runner.console import Console, duration, size
from runner.db import connect, explain
from runner.dbt import Dbt, write_docs
from runner.engine import CLEAN_UP, CREATE, SWITCH, TRANSACTIONS, Engine
from runner.errors import Refused, StepFailed, TraspasoError
from runner.estimate import Estimate, estimates, last_rehearsal
from runner.locks import patiently
from runner.outcome import RunOutcome
from runner.pace import legacy_rows
from runner.plan import Phase, Plan
from runner.recorded import read_queries
from runner.remote import RemoteProblem
from runner.settings import Settings
from runner.shadow import Options, Shadow
from runner.shadow_report import show_shadow
from runner.validate import Proof, prove

Answer = dict[str, Any]

_SHOWN_FATES = 20


@contextmanager
def _reading(settings: Settings) -> Iterator[psycopg.Connection]:
    url = settings.require_target()
    conn = connect(url, autocommit=True, read_only=True)
    try:
        yield conn
    except psycopg.Error as error:
        raise explain(error, url) from error
    finally:
        conn.close()


def doctor(settings: Settings, plan: Plan, console: Console) -> Answer:
    """Run every check; the status is fail when one fails."""
    with _reading(settings) as conn:
        settings = switch.settings_now(conn, settings, plan)
        checks = preflight.checks(settings, plan, conn)
    failed = [check for check in checks if check.status == "fail"]
    console.table(
        ["check", "status", "detail"],
        [[check.name, console.colored(check.status), check.detail] for check in checks],
    )
    for check in checks:
        if check.fix and check.status != "pass":
            console.line(f"fix {check.name}: {check.fix}")
    if not failed:
        console.next(f"traspaso plan {plan.system}")
    return {
        "status": "fail" if failed else "pass",
        "checks": [check.to_json() for check in checks],
    }


def show_plan(settings: Settings, plan: Plan, console: Console) -> Answer:
    """Show the phases with their tables and rows as they are now."""
    with _reading(settings) as conn:
        settings = switch.settings_now(conn, settings, plan)
        missing = [c for c in preflight.checks(settings, plan, conn) if c.status == "fail"]
        preflight.require(plan.system, [c for c in missing if c.name.startswith("legacy")])
        where = state.status(conn, plan.system)
        switched = file_switch.switched_at(conn, plan) if plan.reads_file else None
        # The file need not be there any more.
        rows = switched["rows"] if switched else legacy_rows(conn, settings, plan)
        rehearsal = last_rehearsal(conn, plan.system)
    expected = estimates(rehearsal, plan, rows, done=where.phase)
    now = datetime.now(UTC)
    closes = plan.window.closes_at(now)
    opens = plan.window.opens_in(now)
    console.line(
        f"{plan.title}   {settings.legacy_schema} → {settings.target_schema}   window "
        f"{plan.window}, "
        + ("open now" if not opens else f"opens in {duration(opens.total_seconds())}")
    )
    console.table(
        ["phase", "tables", "rows", "forward", "back", "latest safe start", "done"],
        [
            [
                f"{phase.number} {phase.name}",
                len(phase.tables),
                None if phase.number == 1 else sum(rows[t.source_table] for t in phase.tables),
                *_expected_cells(plan, expected.get(phase.number), closes),
                "yes" if where.phase is not None and phase.number <= where.phase else "",
            ]
            for phase in plan.phases
        ],
    )
    if rehearsal is not None and rehearsal.recorded_at is not None:
        console.line(
            f"rehearsed {rehearsal.recorded_at:%Y-%m-%d %H:%M} UTC on {rehearsal.backup_id}; each "
            f"command starts in {duration(rehearsal.start_seconds)}"
        )
    elif where.phase is not None:
        console.line(f"no estimates before a rehearsal: traspaso rehearse {plan.system}")
    following = 0 if where.phase is None else where.phase + 1
    if following < len(plan.phases):
        console.next(f"traspaso run {plan.system} --phase {following}")
    else:
        console.next(f"traspaso validate {plan.system}")
    return {
        "system": plan.system,
        "window": str(plan.window),
        "window_open": plan.window.is_open(now),
        "window_closes_at": closes.isoformat(timespec="seconds"),
        "rehearsed_at": (
            rehearsal.recorded_at.isoformat(timespec="seconds")
            if rehearsal is not None and rehearsal.recorded_at is not None
            else None
        ),
        "start_seconds": round(rehearsal.start_seconds, 3) if rehearsal is not None else None,
        "phases": [
            _phase_json(phase, rows, expected.get(phase.number), closes) for phase in plan.phases
        ],
    }


def _expected_cells(plan: Plan, expected: Estimate | None, closes: datetime) -> list[str | None]:
    if expected is None:
        return [None, None, None]
    return [
        duration(expected.forward.total_seconds()),
        duration(expected.back.total_seconds()) if expected.back else None,
        plan.window.local(expected.latest_safe_start(closes)),
    ]


def _phase_json(
    phase: Phase, rows: dict[str, int], expected: Estimate | None, closes: datetime
) -> Answer:
    return {
        "phase": phase.number,
        "name": phase.name,
        "estimate": None
        if expected is None
        else {
            "forward_seconds": round(expected.forward.total_seconds(), 3),
            "back_seconds": round(expected.back.total_seconds(), 3),
            "latest_safe_start": expected.latest_safe_start(closes).isoformat(timespec="seconds"),
        },
        "tables": [
            {
                "source_table": table.source_table,
                "target_tables": list(table.target_tables),
                "rows": rows[table.source_table],
            }
            for table in phase.tables
        ],
    }


def rehearse(settings: Settings, plan: Plan, console: Console) -> Answer:
    """Rehearse on a restored copy, and show what each phase took."""
    found = rehearsals.rehearse(settings, plan, console)
    console.table(
        ["phase", "rows", "forward", "back"],
        [
            [
                f"{phase.phase} {phase.name}",
                None if phase.phase == 1 else sum(
                    found.rows[t.source_table] for t in plan.phase(phase.phase).tables
                ),
                duration(phase.seconds),
                None if phase.rollback_seconds is None else duration(phase.rollback_seconds),
            ]
            for phase in found.phases
        ],
    )  # fmt: skip
    console.line(f"every phase and every way back held on a copy of {found.backup_id}")
    console.next(f"traspaso plan {plan.system}")
    return {"status": "succeeded"} | found.to_json()


def run(
    settings: Settings,
    plan: Plan,
    console: Console,
    phases: Sequence[int],
    *,
    ignore_window: bool,
    overrun: bool = False,
) -> Answer:
    """Run phases; a failure carries what was done before it."""
    outcome = RunOutcome()
    try:
        Engine(settings, plan, console).run(
            phases, outcome, ignore_window=ignore_window, overrun=overrun
        )
    except TraspasoError as error:
        error.payload = outcome.to_json()
        raise
    console.table(
        ["phase", "status", "rows", "time"],
        [
            [f"{done.phase} {done.name}", console.colored(done.status), done.rows,
             duration(done.seconds)]
            for done in outcome.phases
        ],
    )  # fmt: skip
    for done in outcome.phases:
        for note in done.notes:
            console.line(f"phase {done.phase}: {note}")
        critical.show(done.queries, console)
    following = outcome.phases[-1].phase + 1
    if following == 1 and not outcome.rehearsed:
        console.next(f"traspaso rehearse {plan.system}")
    elif following <= min(SWITCH, plan.phases[-1].number):
        console.next(f"traspaso run {plan.system} --phase {following}")
    else:
        console.next(f"traspaso validate {plan.system}")
    return {"status": "succeeded"} | outcome.to_json()


def sync(settings: Settings, plan: Plan, console: Console, *, every: float | None) -> Answer:
    """Bring the delta, once or again and again until it is interrupted."""
    engine = Engine(settings, plan, console)
    while True:
        outcome = RunOutcome()
        touched = engine.sync(outcome)
        console.table(
            ["table", "inserted", "updated", "deleted"],
            [[table, *counts] for table, counts in touched.items() if any(counts)],
        )
        if every is None:
            break
        time.sleep(every)
    console.next(f"traspaso validate {plan.system}")
    return {
        "status": "succeeded",
        "run_id": outcome.run_id,
        "tables": [{"source_table": table} | counts._asdict() for table, counts in touched.items()],
    }


def validate(settings: Settings, plan: Plan, console: Console) -> Answer:
    """Prove what is loaded, and give the catalog's fingerprint."""
    with _reading(settings) as conn:
        settings = switch.settings_now(conn, settings, plan)
        _require_legacy(conn, plan)
        loaded = _loaded_tables(conn, plan)
        if plan.reads_file and loaded:
            file_switch.require_switched_file(conn, settings, plan)
            _look_into_file(settings, plan, console, [table.source_table for table in loaded])
        proof = prove(conn, plan, loaded)
        if plan.reads_file and state.status(conn, plan.system).switched:
            proof = proof.since_switch()
        fingerprint = take_picture(conn, settings, plan).fingerprint
    show_proof(proof, console)
    console.line(f"fingerprint {fingerprint}")
    if plan.reads_file and proof.pending:
        console.line(
            f"{proof.pending:,} rows were written to PostgreSQL since the switch from the file"
        )
    if proof.holds:
        console.next(f"traspaso fates {plan.system} list")
    else:
        console.next(f"traspaso run {plan.system} --through 3")
    return proof.to_json() | {"fingerprint": fingerprint}


def _require_legacy(conn: psycopg.Connection, plan: Plan) -> None:
    if (state.status(conn, plan.system).phase or 0) < CLEAN_UP:
        return
    if plan.reads_file:
        raise Refused(
            f"phase {CLEAN_UP} dropped what compared {plan.system} with the file",
            f"where the file was kept, it is made again: traspaso rollback {plan.system} --to "
            f"{SWITCH} --yes",
        )
    raise Refused(
        f"phase {CLEAN_UP} dropped the legacy tables of {plan.system}: there is nothing to "
        f"compare with",
        f"its backup holds them: traspaso backup {plan.system} list",
    )


def _look_into_file(settings: Settings, plan: Plan, console: Console, tables: list[str]) -> None:
    """Compare the legacy's file with the database: no view of the database can."""
    if settings.legacy_file is not None:
        legacy_file.columns(settings.legacy_file, settings.legacy_schema)
    with console.progress("validate"), Dbt(settings, plan) as dbt:
        dbt.parse()
        dbt.prove(plan.system, tables)


def _loaded_tables(conn: psycopg.Connection, plan: Plan) -> list[Any]:
    """Return the tables of the phases that were at least begun."""
    begun = {step.phase for step in state.steps(conn, plan.system)}
    return [
        table
        for phase in plan.phases
        if phase.number in begun and CREATE < phase.number < SWITCH
        for table in phase.tables
    ]


def show_proof(proof: Proof, console: Console) -> None:
    """Print the balance of each table, and what does not hold."""
    columns = [
        "source_rows", "loaded", "merged", "quarantined", "excluded", "pending", "residue",
        "mismatches",
    ]  # fmt: skip
    if not proof.pending:
        columns.remove("pending")
    console.table(
        ["table", "rows", *columns[1:]],
        [
            [balance.source_table, *(asdict(balance)[name] for name in columns)]
            for balance in proof.balances
        ],
    )
    console.line(f"orphans {sum(proof.orphans.values())} in {len(proof.orphans)} foreign keys")
    console.line(f"proof   {console.colored('pass' if proof.holds else 'fail')}")
    for difference in proof.differences:
        console.line(f"  {difference}")


def shadow(
    settings: Settings, plan: Plan, console: Console, file: Path, options: Options
) -> Answer:
    """Compare each query of a file; the status is fail when one is not as before."""
    queries = read_queries(file, f"traspaso shadow {plan.system} --queries FILE.sql")
    with _reading(settings) as conn:
        comparing = Shadow(conn, settings, plan, options)
        pending = comparing.pending()
        found = []
        with console.progress("shadow") as progress:
            for query in queries:
                progress.advance(0, query.name)
                found.append(comparing.compare(query))
    show_shadow(found, console)
    bad = [compared for compared in found if compared.status != "same"]
    console.line(f"{len(found) - len(bad):,} of {len(found):,} as before   pending {pending:,}")
    if bad and pending:
        console.next(f"traspaso sync {plan.system}")
    elif any(compared.status == "differs" for compared in bad):
        console.next(f"traspaso fates {plan.system} list")
    elif not bad:
        console.next(f"traspaso validate {plan.system}")
    return {
        "status": "fail" if bad else "pass",
        "pending": pending,
        "queries": [compared.to_json(values=console.verbose) for compared in found],
    }


def status(settings: Settings, plan: Plan, console: Console) -> Answer:
    """Say where a system stands; after the switch, who uses the English names."""
    with _reading(settings) as conn:
        now = state.status(conn, plan.system)
        uses = switch.uses(conn, plan.system) if now.switched else []
        switched = file_switch.switched_at(conn, plan) if plan.reads_file else None
        queries = _last_queries(conn, plan)
    name = "before any phase" if now.phase is None else f"after phase {now.phase}"
    console.line(f"{plan.title}   {name}   {now.state}")
    critical.show(queries, console)
    from_file = _file_json(switched, console)
    if now.state == "interrupted":
        again = 0 if now.phase is None else now.phase + 1
        console.next(f"traspaso run {plan.system} --phase {again}")
    if plan.reads_file:
        return now.to_json() | from_file | {"queries": queries}
    if not now.switched or now.phase == CLEAN_UP:
        return now.to_json()
    views = [
        _view_json(table.source_table, [u for u in uses if u.view_name == table.source_table])
        for table in plan.tables
    ]
    console.table(
        ["view", "last read", "by", "last written", "by"],
        [
            [view["view"], *_use_cells(view["last_read"]), *_use_cells(view["last_written"])]
            for view in views
        ],
    )
    return now.to_json() | {"views": views}


def _last_queries(conn: psycopg.Connection, plan: Plan) -> list[Answer]:
    """Return what the last load measured of the critical queries."""
    step = state.phase_step(conn, plan.system, TRANSACTIONS)
    found = state.run_detail(conn, step.run_id).get("queries", []) if step else []
    return list(found)


def _file_json(switched: Mapping[str, Any] | None, console: Console) -> Answer:
    if switched is None:
        return {}
    at = switched["switched_at"].isoformat(timespec="seconds")
    console.line(f"switched {at} from {switched['file']}, SHA-256 {switched['sha256']}")
    return {"switched_from": {"file": switched["file"], "sha256": switched["sha256"], "at": at}}


def _view_json(view: str, uses: Sequence[switch.Use]) -> Answer:
    def last(kind: str) -> Answer | None:
        found = [use for use in uses if use.kind == kind]
        return max(found, key=lambda use: use.used_at).to_json() if found else None

    return {
        "view": view,
        "last_read": last("read"),
        "last_written": last("write"),
        "uses": [use.to_json() for use in uses],
    }


def _use_cells(use: Answer | None) -> list[str]:
    if use is None:
        return ["never", ""]
    return [use["used_at"][:16].replace("T", " "), f"{use['role']} {use['application']}".strip()]


def preview_rollback(settings: Settings, plan: Plan, console: Console, to: int) -> None:
    """Print what a rollback would do. Raises Refused when there is nothing to go back to."""
    for line in Engine(settings, plan, console).preview_rollback(to):
        console.line(line)


def rollback(settings: Settings, plan: Plan, console: Console, to: int) -> Answer:
    """Roll back, and hold the result against what was recorded."""
    undone = Engine(settings, plan, console).rollback(to)
    answer = {
        "phase": undone.phase,
        "legacy_changes": undone.legacy_changes,
        "differences": undone.differences,
    }
    if undone.brought:
        answer |= {
            "brought": undone.brought,
            "kept_aside": len(undone.aside),
            "kept_aside_examples": undone.aside[:_SHOWN_FATES],
        }
        console.table(
            ["table", "rows written since the switch"],
            [[table, rows] for table, rows in undone.brought.items() if rows],
        )
        if undone.aside:
            console.line(
                f"kept in traspaso.row_fates, having no English form: {some(undone.aside)}"
            )
    if undone.written is not None:
        answer |= {"written": undone.written.to_json()}
        if undone.written:
            console.line(f"{undone.written}")
    if undone.differences:
        error = StepFailed(
            f"rolled back to phase {to}, but not all is as it was then: {some(undone.differences)}",
            "somebody changed these since; compare them with the backup, or run the phase again",
        )
        error.payload = answer
        raise error
    if undone.legacy_changes:
        console.line(f"the application wrote to {some(undone.legacy_changes)} since")
    if undone.written and to == TRANSACTIONS:
        console.line(f"{plan.title}   after phase {to}   catalog as it was then")
        console.next(f"traspaso backup {plan.system} create")
        return {"status": "succeeded"} | answer
    console.line(f"{plan.title}   after phase {to}   catalog and checksums as they were then")
    console.next(f"traspaso run {plan.system} --phase {to + 1}")
    return {"status": "succeeded"} | answer


def backup_create(settings: Settings, plan: Plan, console: Console) -> Answer:
    """Make a backup."""
    with _reading(settings) as conn:
        phase = state.status(conn, plan.system).phase or 0
    with console.progress("backup") as progress:
        made = patiently(
            settings, plan, console,
            lambda: backups.create(
                settings, plan, phase, tell=lambda name, rows: progress.advance(rows, name)
            ),
        )  # fmt: skip
    console.line(
        f"{made.id}   {size(made.bytes)}   {'encrypted' if made.encrypted else 'not encrypted'}"
        f"   {made.path}{'   uploaded' if made.uploaded else ''}"
    )
    console.next(f"traspaso backup {plan.system} verify {made.id}")
    return {"status": "succeeded", "backups": [made.to_json()]}


def backup_list(settings: Settings, plan: Plan, console: Console) -> Answer:
    """List the backups; those here and recorded even while S3 cannot be asked."""
    problem = None
    try:
        found = backups.backups(settings, plan.system)
    except RemoteProblem as error:
        problem = error
        found = backups.backups(replace(settings, backup_s3=None), plan.system)
    _show_backups(found, console)
    answer: Answer = {"backups": [backup.to_json() for backup in found]}
    if problem is not None:
        console.log(f"S3 could not be asked: {problem.message}")
        console.log(f"fix: {problem.fix}")
        answer["s3"] = problem.to_json()
    return answer


def _show_backups(found: Sequence[backups.Backup], console: Console) -> None:
    console.table(
        ["backup", "phase", "size", "encrypted", "where", "verified"],
        [
            [b.id, b.phase, size(b.bytes), "yes" if b.encrypted else "no", b.where,
             f"{b.verified_at:%Y-%m-%d %H:%M}" if b.verified_at else "no"]
            for b in found
        ],
    )  # fmt: skip


def backup_verify(
    settings: Settings, plan: Plan, console: Console, backup_id: str | None
) -> Answer:
    """Restore a backup elsewhere and compare."""
    if backup_id is None:
        found = backups.backups(settings, plan.system)
        if not found:
            raise StepFailed("there is no backup", f"traspaso backup {plan.system} create")
        backup_id = found[-1].id
    with console.progress("verify") as progress:
        verified = backups.verify(
            settings, plan, backup_id, tell=lambda name, rows: progress.advance(rows, name)
        )
    console.line(f"{verified.id}   every table as it was   {size(verified.bytes)}")
    return {"status": "succeeded", "backups": [verified.to_json()]}


def backup_upload(
    settings: Settings, plan: Plan, console: Console, backup_id: str | None
) -> Answer:
    """Upload a backup to S3, the newest that is here without an id."""
    if backup_id is None:
        here = replace(settings, backup_s3=None)
        found = [backup for backup in backups.backups(here, plan.system) if backup.present]
        if not found:
            raise StepFailed("there is no backup here", f"traspaso backup {plan.system} create")
        backup_id = found[-1].id
    with console.progress("upload") as progress:
        uploaded = backups.upload(
            settings, plan, backup_id, tell=lambda name, rows: progress.advance(rows, name)
        )
    console.line(f"{uploaded.id}   {size(uploaded.bytes)}   {settings.backup_s3}")
    return {"status": "succeeded", "backups": [uploaded.to_json()]}


def backup_restore(settings: Settings, plan: Plan, console: Console, backup_id: str) -> Answer:
    """Put the database back to what a backup holds."""
    with console.progress("restore"):
        restored = patiently(
            settings, plan, console,
            lambda: backups.restore(settings, plan, backup_id, yes=True),
        )  # fmt: skip
    console.line(f"{restored.id}   restored")
    return {"status": "succeeded", "backups": [restored.to_json()]}


def backup_restore_table(
    settings: Settings, plan: Plan, console: Console, backup_id: str, table: str,
    *, into: str | None,
) -> Answer:  # fmt: skip
    """Put back one table's rows, or copy it beside."""
    with console.progress(f"restore {table}"):
        done = patiently(
            settings, plan, console,
            lambda: backups.restore_table(settings, plan, backup_id, table, into=into, yes=True),
        )  # fmt: skip
    console.line(f"{done.schema}.{done.table}   {done.rows:,} rows as in {backup_id}")
    if not done.exact:
        console.line("the table has another shape now: all columns of the copy are text")
    if into is not None:
        console.next(f'psql -c \'table "{done.schema}"."{done.table}"\'')
    return {"status": "succeeded", "table": asdict(done)}


def backup_preview_prune(
    settings: Settings, plan: Plan, console: Console, *, keep: int | None, days: int | None
) -> list[str]:
    """Show what `prune` would delete, and return it."""
    doomed = backups.prunable(settings, plan.system, keep=keep, days=days)
    if doomed:
        console.line("to be deleted:")
        _show_backups(doomed, console)
    else:
        console.line("nothing to delete")
    return [backup.id for backup in doomed]


def backup_prune(
    settings: Settings, plan: Plan, console: Console, *, keep: int | None, days: int | None
) -> Answer:
    """Delete old backups; the answer lists what is left."""
    deleted = backups.prune(settings, plan.system, keep=keep, days=days)
    for gone in deleted:
        console.line(f"deleted {gone.id}")
    left = backups.backups(settings, plan.system)
    return {
        "status": "succeeded",
        "deleted": [gone.id for gone in deleted],
        "backups": [backup.to_json() for backup in left],
    }


def fates_list(
    settings: Settings, plan: Plan, console: Console, *, fate: str | None = None,
    table: str | None = None, reason: str | None = None, limit: int | None = None,
) -> Answer:  # fmt: skip
    """List the rows that were not simply loaded."""
    with _reading(settings) as conn:
        rows = fates.list_fates(
            conn, plan.system, fate=fate, table=table, reason=reason, limit=limit
        )
    show_fates(rows, plan, console)
    return {"rows": [row.to_json() for row in rows]}


def fates_summary(settings: Settings, plan: Plan, console: Console) -> None:
    """Print how many rows have which reason."""
    with _reading(settings) as conn:
        counts = fates.summary(conn, plan.system)
    console.table(
        ["table", "fate", "reason", "rows"],
        [[count.source_table, count.fate, count.reason, count.rows] for count in counts],
    )


def show_fates(rows: Sequence[fates.Fate], plan: Plan, console: Console) -> None:
    """Print the first rows, with their reasons."""
    console.table(
        ["table", "key", "fate", "reasons", "into"],
        [
            [row.source_table, row.source_key, row.fate, " ".join(row.reasons),
             f"{row.target_table} {row.target_key}" if row.target_key else ""]
            for row in rows[:_SHOWN_FATES]
        ],
    )  # fmt: skip
    if len(rows) > _SHOWN_FATES:
        more = f"traspaso fates {plan.system} export -o FILE.csv"
        console.line(f"and {len(rows) - _SHOWN_FATES:,} more: {more}")


def fates_export(settings: Settings, plan: Plan, console: Console, path: Path) -> Answer:
    """Write them to a file."""
    with _reading(settings) as conn:
        count = fates.export(conn, plan.system, path)
    console.line(f"{count:,} rows   {path}")
    return {"status": "succeeded", "file": str(path), "rows": count}


def fates_retry(settings: Settings, plan: Plan, console: Console) -> Answer:
    """Load again, and list what is still not loaded."""
    outcome = RunOutcome()
    try:
        Engine(settings, plan, console).retry(outcome)
    except TraspasoError as error:
        error.payload = outcome.to_json()
        raise
    answer = fates_list(settings, plan, console)
    return {"status": "succeeded"} | outcome.to_json() | answer


def show_mapping(settings: Settings, plan: Plan, console: Console, form: str) -> Answer:
    """Print the mapping in a form; the answer is the same in each."""
    found = mapping.mapping(settings.project_dir, plan)
    if form == "json" and not console.as_json:
        Console(as_json=True, stdout=console.stdout).answer(found)
    elif form == "csv":
        console.line(mapping.to_csv(found).rstrip("\n"))
    elif form == "md":
        console.line(mapping.to_markdown(found).rstrip("\n"))
    return found


def docs(settings: Settings, console: Console) -> Answer:
    """Write dbt's docs as one page."""
    page = settings.project_dir / "target" / "docs" / "index.html"
    write_docs(settings.project_dir, page)
    console.line(f"{page}")
    return {"status": "succeeded", "path": str(page)}
