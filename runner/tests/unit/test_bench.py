import io
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from runner.bench import fluxion
from runner.bench.application import Watched, noticed
from runner.bench.client import TABLES, Summary, Tally, percentile, summarize
from runner.bench.command import PeakMemory
from runner.bench.figures import Spread, ratios
from runner.bench.migration import (
    CREATE,
    DOCUMENTED,
    LIMIT,
    LOAD,
    PROOF,
    QUERIES,
    START,
    TRASPASO,
    Measurement,
    comparison,
    split,
    whereabouts,
)
from runner.bench.triggers import Pairs, cost
from runner.console import Console
from runner.errors import StepFailed
from runner.plan import load_plan

SQL = Path(__file__).parents[2] / "sql" / "bench"


def phase(number: int, seconds: float, **steps: float) -> dict[str, object]:
    laps = [{"step": name, "seconds": took} for name, took in steps.items()]
    return {"phase": number, "seconds": seconds, "steps": laps}


ANSWER = {
    "start_seconds": 2,
    "phases": [
        phase(0, 1, install=0.5, record=0.5),
        phase(1, 1, create=0.75, record=0.25),
        phase(2, 6, views=1, snapshot=1, load=2, proof=1, record=1),
        phase(3, 9, load=5, proof=2, record=1, queries=0.5),
    ],
}


def traspaso(start: float, load: float, proof: float) -> Measurement:
    parts = {START: start, CREATE: 0, LOAD: load, PROOF: proof, QUERIES: 0}
    return Measurement(TRASPASO, start + load + proof, rows=100, memory=200_000_000, parts=parts)


def plain(method: str, seconds: Sequence[float]) -> list[Measurement]:
    return [Measurement(method, each, rows=100, memory=50_000_000) for each in seconds]


def test_median_minimum_and_maximum_need_no_order() -> None:
    assert Spread.of([5, 1, 3]) == Spread(3, 1, 5)
    assert Spread.of([4]) == Spread(4, 4, 4)


def test_a_ratio_is_taken_within_its_round() -> None:
    # A machine that is twice as slow in the second round changes no ratio.
    assert ratios([3, 6], [2, 4]) == Spread(1.5, 1.5, 1.5)
    assert ratios([2, 6, 3], [2, 2, 2]) == Spread(1.5, 1, 3)


def test_rounds_without_their_limit_are_no_ratio() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratios([1, 2], [1])


def test_no_second_of_a_run_escapes_the_parts() -> None:
    parts, steps = split(22, ANSWER)
    assert parts == {
        START: 22 - 1 - 7 - 5 - 0.5, CREATE: 1, LOAD: 2 + 5, PROOF: 1 + 1 + 2 + 1, QUERIES: 0.5,
    }  # fmt: skip
    assert sum(steps.values()) == sum(parts.values()) == 22
    assert steps["process, preflight, end"] == 22 - 2 - 17
    assert steps["3 the rest"] == 0.5


def test_the_table_holds_every_method_and_part_against_the_limit() -> None:
    rows = comparison(
        {
            LIMIT: plain(LIMIT, [2, 4]),
            DOCUMENTED: plain(DOCUMENTED, [8, 16]),
            TRASPASO: [traspaso(1, 2, 3), traspaso(1, 6, 3)],
        }
    )
    by_name = {row[0]: [str(cell).strip() for cell in row[1:]] for row in rows}
    assert by_name[LIMIT] == ["3.00", "2.00", "4.00", "33", "50.0 MB", "1.00", "1.00", "1.00"]
    assert by_name[DOCUMENTED][5:] == ["4.00", "4.00", "4.00"]
    assert by_name["traspaso: load"][:4] == ["4.00", "2.00", "6.00", "25"]
    assert by_name["traspaso: start"][3:5] == ["None", "None"]
    assert by_name["traspaso: all but the proof"][5:] == ["1.62", "1.50", "1.75"]
    assert by_name["traspaso: all of it"][4] == "200.0 MB"


def test_the_table_of_a_duckdb_file_holds_each_road_against_the_limit_of_its_round() -> None:
    measured = {
        LIMIT: plain(LIMIT, [2, 4]),
        "csv": plain("csv", [4, 4]),
        TRASPASO: [traspaso(1, 3, 1), traspaso(1, 5, 2)],
    }
    rows = {str(line[0]): line[1:] for line in fluxion.comparison(measured)}
    assert [*rows] == [
        LIMIT, "csv", "traspaso: start", "traspaso: load", "traspaso: start and load",
        "traspaso: proof", "traspaso: queries", TRASPASO,
    ]  # fmt: skip
    assert [str(cell).strip() for cell in rows["csv"]] == [
        "4.00", "4.00", "4.00", "25", "50.0 MB", "1.50", "1.00", "2.00",
    ]  # fmt: skip
    assert [str(cell).strip() for cell in rows["traspaso: load"]] == [
        "4.00", "3.00", "5.00", "None", "None", "1.38", "1.25", "1.50",
    ]  # fmt: skip
    assert [str(cell).strip() for cell in rows["traspaso: start and load"]][5:] == [
        "1.75", "1.50", "2.00",
    ]  # fmt: skip


def test_shares_are_those_of_the_medians() -> None:
    rows = whereabouts([{"a": 1, "b": 2}, {"a": 1, "b": 4}])
    assert [[str(cell).strip() for cell in row] for row in rows] == [
        ["a", "1.00", "1.00", "1.00", "25%"],
        ["b", "3.00", "2.00", "4.00", "75%"],
    ]


def test_the_figures_stand_below_each_other() -> None:
    stdout = io.StringIO()
    Console(stdout=stdout).table(
        ["", " median", "    min", "    max", "share"], whereabouts([{"short": 1, "longer": 12.5}])
    )
    lines = stdout.getvalue().splitlines()
    assert len({len(line) for line in lines}) == 1


def test_the_memory_of_this_process_is_seen() -> None:
    with PeakMemory(os.getpid()) as memory:
        pass
    assert memory.peak > 1_000_000


def test_the_memory_of_a_process_that_has_ended_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = PeakMemory(os.getpid())
    monkeypatch.setattr(memory._process, "children", _gone)
    with memory:
        pass
    assert memory.peak == 0


def _gone(**_: bool) -> list[object]:
    import psutil  # noqa: PLC0415

    raise psutil.NoSuchProcess(0)


@pytest.mark.parametrize("files", [("limit", "limit_messages"), ("plain", "correlated")], ids=str)
def test_each_method_loads_every_table_of_the_plan(files: tuple[str, ...]) -> None:
    text = "".join((SQL / f"{name}.sql").read_text(encoding="utf-8") for name in files)
    filled = {line.split()[2] for line in text.splitlines() if line.startswith("insert into")}
    assert filled == set(load_plan("tinkubot").target_tables)


def calls(seconds: Sequence[float], error: str | None = None) -> Tally:
    tally = Tally()
    for n, each in enumerate(seconds):
        tally.add(f"insert {n}", each, error)
    return tally


def test_of_a_hundred_values_the_99th_percentile_leaves_one_above() -> None:
    assert percentile(range(100, 0, -1), 99) == 99
    assert percentile([7], 99) == 7
    assert percentile([1, 2], 50) == 1


def test_calls_of_all_connections_are_summed_up_under_what_went_on() -> None:
    found = summarize([{"b": calls([0.001, 0.5, 0.002]), "a": calls([0.003])}, {"b": calls([0])}])
    assert list(found) == ["b", "a"]
    assert found["b"] == Summary(4, 0, 1.5, 500, 500, "insert 1")
    assert found["a"].calls == 1


def test_an_error_is_counted_each_time_and_said_once() -> None:
    found = summarize([{"a": calls([1, 1], "lost")}, {"a": calls([1], "lost")}])["a"]
    assert (found.errors, found.messages) == (3, ["lost"])


def test_the_application_may_neither_see_an_error_nor_wait_for_more_than_a_second() -> None:
    Watched(summarize([{"a": calls([0.5, 1])}])).require()
    with pytest.raises(StepFailed, match=r"a: the application waited 1\.1 s to insert 1"):
        Watched(summarize([{"a": calls([0.5, 1.1])}])).require()
    with pytest.raises(StepFailed, match="saw 1 errors: lost"):
        Watched(summarize([{"a": calls([0.5], "lost")}])).require()


def test_the_table_of_the_application_names_its_slowest_statement() -> None:
    (row,) = noticed(summarize([{"2 masters": calls([0.001, 0.25])}]))
    assert [str(cell).strip() for cell in row] == [
        "2 masters", "2", "0", "125.50", "250.00", "250.00", "insert 1",
    ]  # fmt: skip


def test_what_the_triggers_cost_is_a_ratio_within_its_pair_and_the_middle_half_of_them() -> None:
    without, captured = [0.001, 0.002, 0.001], [0.0015, 0.003, 0.003]
    (row,) = cost({"insert": Pairs(without, captured)})
    assert [str(cell).strip() for cell in row] == [
        "insert", "1000.00", "3000.00", "1.50", "1.50", "2.25",
    ]  # fmt: skip


def test_the_application_writes_to_tables_of_the_plan() -> None:
    assert set(TABLES) <= {table.source_table for table in load_plan("tinkubot").tables}
