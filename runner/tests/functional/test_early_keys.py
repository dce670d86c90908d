"""Keys that are built while rows still come: the load finds them, or what is left of them."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from runner.early_keys import EarlyKeys
from runner.settings import Settings
from runner.tests.functional.helpers.tinkubot_cases import traspaso
from runner.tests.functional.test_fluxion import (
    RUN,
    change,
    in_ranges,
    refusing,
    rows,
    write_legacy,
)

pytestmark = pytest.mark.newest

INDEXES = "select indexdef from pg_indexes where schemaname = 'public' order by 1"
OFF = "select statement from traspaso.keys_off where table_name = '{}' order by position"
LINES, COSTS = "public.items_facturas", "public.producto_proveedor_config"


@pytest.fixture
def broken(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Settings, list[tuple[str]]]:
    """Break off phase 3 when the lines are there and no key is; with the indexes as they were."""
    settings = in_ranges(settings, write_legacy(tmp_path / "uno.db"), monkeypatch)
    assert traspaso(settings, *RUN, "--through", "2").code == 0
    before = rows(settings, INDEXES)
    # No session is ever idle: what builds keys is what a test lets build.
    with monkeypatch.context() as patch, refusing(settings, "movimientos_inventario"):
        patch.setattr(EarlyKeys, "begin", lambda *_: None)
        assert traspaso(settings, *RUN, "--through", "3").code == 1
    assert len(rows(settings, OFF.format(LINES))) == 2
    return settings, before


def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")


def build(settings: Settings, *tables: str, left: int) -> None:
    """Let keys of the tables be built until so many are left of the lines'."""
    with EarlyKeys(settings.require_target(), "public", {}, "claves") as keys:
        keys.begin({*tables})
        until(lambda: len(rows(settings, OFF.format(LINES))) == left)


def completed(settings: Settings, before: list[tuple[str]]) -> None:
    answer = traspaso(settings, *RUN, "--through", "3")
    assert answer.code == 0, answer
    assert rows(settings, INDEXES) == before
    for table in ("loads", "ranges", "keys_off", "foreign_keys"):
        assert rows(settings, f"select count(*) from traspaso.{table}") == [(0,)]  # noqa: S608
    assert traspaso(settings, "validate", "fluxion").json["status"] == "pass"


def test_a_key_that_rows_share_is_left_to_the_load_and_the_others_are_crossed_out(
    broken: tuple[Settings, list[tuple[str]]],
) -> None:
    settings, before = broken
    build(settings, LINES, left=1)
    assert "PRIMARY KEY" in rows(settings, OFF.format(LINES))[0][0]
    named = "select count(*) from pg_indexes where indexname = 'idx_items_fecha_producto'"
    assert rows(settings, named) == [(1,)]
    completed(settings, before)


def test_keys_that_were_built_come_off_again_before_the_rows_of_another_file(
    broken: tuple[Settings, list[tuple[str]]], tmp_path: Path
) -> None:
    settings, before = broken
    change(settings, "delete from items_facturas where id = 'L000000001'")
    build(settings, LINES, left=0)
    other = write_legacy(tmp_path / "dos.db", "update items_facturas set marca_producto = 'otra'")
    settings = replace(settings, legacy_url=f"duckdb:///{other}")
    with refusing(settings, "items_facturas"):
        assert traspaso(settings, *RUN, "--through", "3").code == 1
    assert len(rows(settings, OFF.format(LINES))) == 2
    completed(settings, before)


def test_a_rollback_puts_back_what_is_left(broken: tuple[Settings, list[tuple[str]]]) -> None:
    settings, before = broken
    build(settings, LINES, left=1)
    back = traspaso(settings, "rollback", "fluxion", "--to", "1", "--yes")
    assert (back.code, back.json["differences"]) == (0, []), back
    assert rows(settings, INDEXES) == before


def test_the_load_waits_for_a_key_that_is_being_built(
    broken: tuple[Settings, list[tuple[str]]],
) -> None:
    settings, before = broken
    waited: list[bool] = []

    def hold() -> None:
        with psycopg.connect(settings.require_target()) as conn:
            (key,) = conn.execute(
                "select position, statement from traspaso.keys_off"
                " where table_name = 'public.items_facturas' and not is_unique"
            ).fetchall()
            conn.execute(
                "select pg_advisory_xact_lock("
                "hashtextextended('traspaso key of public.items_facturas', 0))"
            )
            conn.execute("set search_path to public")
            conn.execute(key[1].encode())
            conn.execute(
                "delete from traspaso.keys_off"
                " where table_name = 'public.items_facturas' and position = %s",
                [key[0]],
            )
            held.set()
            with psycopg.connect(settings.require_target(), autocommit=True) as other:
                waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
                until(lambda: other.execute(waits).fetchone() == (1,))
            # Longer than the load waits for any other lock.
            time.sleep(7)
            waited.append(True)

    held = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    completed(settings, before)
    holder.join()
    assert waited


def test_an_interrupted_load_stops_what_is_being_built(
    broken: tuple[Settings, list[tuple[str]]],
) -> None:
    settings, _ = broken
    blocker = psycopg.connect(settings.require_target())
    blocker.execute("lock table items_facturas in share mode")
    began = time.monotonic()
    running = "select count(*) from pg_stat_activity where application_name = 'claves'"

    def interrupted() -> None:
        patient = {"lock_timeout": "10min"}
        with EarlyKeys(settings.require_target(), "public", patient, "claves") as keys:
            keys.begin({LINES})
            until(lambda: rows(settings, running + " and wait_event_type = 'Lock'") == [(1,)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - began < 30
    blocker.close()
    until(lambda: rows(settings, running) == [(0,)])
    assert len(rows(settings, OFF.format(LINES))) == 2


def test_tables_that_are_told_of_later_are_built_too_and_none_after_the_end(
    broken: tuple[Settings, list[tuple[str]]],
) -> None:
    settings, _ = broken
    with EarlyKeys(settings.require_target(), "public", {}, "claves") as keys:
        keys.begin({COSTS})
        time.sleep(0.2)
        keys.begin({LINES})
        until(lambda: len(rows(settings, OFF.format(LINES))) == 1)
        keys.take_no_more()
        keys.begin({"public.facturas"})
    assert len(rows(settings, OFF.format("public.facturas"))) == 2
