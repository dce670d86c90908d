import json
import subprocess
import sys
from dataclasses import MISSING, fields
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from runner.errors import UsageProblem
from runner.plan import (
    PLANS_DIR,
    Backup,
    Plan,
    Schemas,
    Table,
    Window,
    load_plan,
    read_plan,
    systems,
)

GUAYAQUIL = ZoneInfo("America/Guayaquil")
NEW_YORK = ZoneInfo("America/New_York")
NIGHT = Window(time(2), time(6), GUAYAQUIL)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- the plans ----------------------------------------------------------------------------------


def test_tinkubot_is_planned_as_documented() -> None:
    plan = load_plan("tinkubot")
    assert str(plan.window) == "02:00\N{EN DASH}06:00 America/Guayaquil"
    assert [phase.name for phase in plan.phases] == [
        "prepare", "create", "masters", "transactions", "switch", "clean_up",
    ]  # fmt: skip
    assert plan.switch_wait_seconds == 5
    assert plan.phase(2).tables[0] == Table("users", ("proveedores", "clientes"))
    assert [table.source_table for table in plan.phase(3).tables] == [
        "service_requests",
        "messages",
        "sessions",
        "task_queue",
        "consents",
    ]
    assert plan.phase(0).tables == plan.phase(1).tables == plan.tables
    assert plan.phase(4).tables == plan.phase(5).tables == plan.tables
    assert len(plan.tables) == len(plan.target_tables) == 10
    assert plan.lock_timeout_ms == 5000


@pytest.mark.parametrize("system", systems())
def test_every_plan_is_valid(system: str) -> None:
    assert load_plan(system).system == system


def test_an_unknown_system_or_phase_lists_the_known_ones() -> None:
    with pytest.raises(UsageProblem, match="tinkubto") as caught:
        load_plan("tinkubto")
    assert "tinkubot" in caught.value.fix
    with pytest.raises(UsageProblem, match="no phase 9") as caught:
        load_plan("tinkubot").phase(9)
    assert "0, 1, 2, 3" in caught.value.fix


def test_a_system_is_a_name_and_not_a_path() -> None:
    with pytest.raises(UsageProblem):
        load_plan("../plans/tinkubot")


def test_the_systems_are_listed_without_dbt() -> None:
    code = (
        "import sys, runner.plan, runner.state, runner.backup; print(runner.plan.systems());"
        "assert not [m for m in sys.modules if m.partition('.')[0] in ('dbt', 'duckdb')]"
    )
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert b"tinkubot" in answer.stdout


def test_the_schema_knows_the_fields_that_the_runner_reads_and_no_other() -> None:
    schema = json.loads((PLANS_DIR / "schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    read = {field.name for field in fields(Plan)}
    renamed = {"lock_timeout_ms": "lock_timeout_seconds"}
    assert set(schema["properties"]) == {renamed.get(n, n) for n in read} | {"timezone"}
    optional = {field.name for field in fields(Plan) if field.default is not MISSING}
    assert set(schema["required"]) == set(schema["properties"]) - optional
    for part, kind in (("backup", Backup), ("schemas", Schemas)):
        assert set(schema["properties"][part]["properties"]) == {f.name for f in fields(kind)}


def _write(folder: Path, **changes: Any) -> Path:
    document = yaml.safe_load((PLANS_DIR / "tinkubot.yml").read_text()) | changes
    path = folder / "tinkubot.yml"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"window": {"opens": "25:00", "closes": "06:00"}}, r"\$\.window\.opens"),
        ({"window": {"opens": "02:00", "closes": "02:00"}}, r"\$\.window"),
        ({"timezone": "America/Quito"}, r"\$\.timezone"),
        ({"timezone": "../etc/passwd"}, r"\$\.timezone"),
        ({"threads": 0}, r"\$\.threads"),
        ({"surprise": 1}, "surprise"),
        ({"queries": {"file": "nothing.sql"}}, r"\$\.queries\.file"),
        ({"system": "otro"}, r"\$\.system"),
        ({"phases": [{"number": 1, "name": "create"}]}, r"\$\.phases"),
        ({"phases": [{"number": 0, "name": "a", "tables": [{"source_table": "x"}]}]}, "target_tab"),
        (
            {
                "phases": [
                    {
                        "number": 0,
                        "name": "a",
                        "tables": [{"source_table": "x", "target_tables": ["y"]}] * 2,
                    }
                ]
            },
            "x is in more than one place",
        ),
    ],
)
def test_a_fault_in_a_plan_is_named_with_file_and_place(
    tmp_path: Path, changes: dict[str, Any], place: str
) -> None:
    path = _write(tmp_path, **changes)
    with pytest.raises(UsageProblem, match=place) as caught:
        read_plan(path)
    assert str(path) in caught.value.message


def test_all_faults_of_a_plan_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"(?s)backup.*threads"):
        read_plan(_write(tmp_path, threads="many", backup={}))


def test_a_plan_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tinkubot.yml"
    path.write_text("a: [")
    with pytest.raises(UsageProblem, match=r"tinkubot\.yml"):
        read_plan(path)


# --- the window ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "is_open", "opens_in", "closes_in"),
    [
        ("2025-11-22T01:42:00-05:00", False, 18, 0),
        ("2025-11-22T02:00:00-05:00", True, 0, 240),
        ("2025-11-22T05:59:00-05:00", True, 0, 1),
        ("2025-11-22T06:00:00-05:00", False, 20 * 60, 0),
        # The same moment, told in another zone.
        ("2025-11-22T06:42:00+00:00", False, 18, 0),
    ],
)
def test_the_window_opens_and_closes_on_the_minute(
    now: str, is_open: bool, opens_in: int, closes_in: int
) -> None:
    assert NIGHT.is_open(at(now)) is is_open
    assert NIGHT.opens_in(at(now)) == timedelta(minutes=opens_in)
    assert NIGHT.closes_in(at(now)) == timedelta(minutes=closes_in)


def test_a_window_may_end_the_next_morning() -> None:
    window = Window(time(22), time(4), GUAYAQUIL)
    assert window.closes_in(at("2025-11-22T23:00:00-05:00")) == timedelta(hours=5)
    assert window.closes_in(at("2025-11-22T03:00:00-05:00")) == timedelta(hours=1)
    assert window.opens_in(at("2025-11-22T04:00:00-05:00")) == timedelta(hours=18)


def test_a_night_with_a_repeated_hour_is_an_hour_longer() -> None:
    window = Window(time(0, 30), time(4), NEW_YORK)
    assert window.closes_in(at("2025-11-02T00:30:00-04:00")) == timedelta(hours=4, minutes=30)


def test_a_night_with_a_skipped_hour_is_an_hour_shorter() -> None:
    window = Window(time(0, 30), time(4), NEW_YORK)
    assert window.closes_in(at("2025-03-09T00:30:00-05:00")) == timedelta(hours=2, minutes=30)


def test_a_window_that_the_clocks_swallow_opens_the_day_after() -> None:
    window = Window(time(2), time(3), NEW_YORK)
    before = at("2025-03-09T01:00:00-05:00")
    assert window.opens_in(before) == at("2025-03-10T02:00:00-04:00") - before


clocks = st.times(min_value=time(0), max_value=time(23, 59)).map(
    lambda clock: clock.replace(second=0, microsecond=0)
)
zones = st.sampled_from(
    ["America/Guayaquil", "America/New_York", "Europe/Madrid", "Australia/Lord_Howe", "UTC"]
).map(ZoneInfo)
moments = st.datetimes(
    min_value=datetime(2024, 1, 1),  # noqa: DTZ001  # hypothesis adds the zone
    max_value=datetime(2027, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(clocks, clocks, zones, moments)
def test_a_window_is_open_or_says_when_it_opens(
    opens: time, closes: time, zone: ZoneInfo, now: datetime
) -> None:
    assume(opens != closes)
    window = Window(opens, closes, zone)
    if window.is_open(now):
        assert window.opens_in(now) == timedelta(0)
        left = window.closes_in(now)
        assert timedelta(0) < left <= timedelta(hours=25)
        assert window.is_open(now + left - timedelta(microseconds=1))
        assert not window.is_open(now + left)
    else:
        assert window.closes_in(now) == timedelta(0)
        wait = window.opens_in(now)
        assert timedelta(0) < wait <= timedelta(hours=49)
        assert window.is_open(now + wait)
        assert not window.is_open(now + wait - timedelta(microseconds=1))


@given(clocks, clocks, moments)
def test_where_clocks_never_change_the_window_is_what_the_clock_says(
    opens: time, closes: time, now: datetime
) -> None:
    assume(opens != closes)
    clock = now.astimezone(GUAYAQUIL).time()
    inside = opens <= clock < closes if opens < closes else clock >= opens or clock < closes
    assert Window(opens, closes, GUAYAQUIL).is_open(now) is inside
