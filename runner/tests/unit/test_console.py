import io
import json
from collections.abc import Mapping

import pytest

from runner.commands import show_proof
from runner.console import Console, Progress, duration, number, size, table_lines
from runner.errors import Refused
from runner.validate import Balance, Difference, Proof


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def console(
    *, as_json: bool = False, terminal: bool = False, environ: Mapping[str, str] | None = None
) -> Console:
    stderr = Terminal() if terminal else io.StringIO()
    return Console(
        as_json=as_json, stdout=io.StringIO(), stderr=stderr, environ=dict(environ or {})
    )


def text(stream: object) -> str:
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0:00"),
        (41, "0:41"),
        (59.6, "1:00"),
        (3599, "59:59"),
        (3661, "1:01:01"),
        (None, "\N{EN DASH}"),
    ],
)
def test_durations_are_minutes_and_seconds(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


def test_numbers_have_thousands_separators_and_none_is_a_dash() -> None:
    assert [number(1737700), number(None), number("x"), size(1_400_000)] == [
        "1,737,700",
        "\N{EN DASH}",
        "x",
        "1.4 MB",
    ]


def test_a_table_is_dense_and_aligned() -> None:
    lines = table_lines(
        ["phase", "tables", "rows", "forward"],
        [["0 prepare", 10, 1737700, "0:41"], ["1 create", 10, None, "10:02"]],
    )
    assert lines == [
        "phase       tables        rows   forward",
        "0 prepare       10   1,737,700      0:41",
        "1 create        10           \N{EN DASH}     10:02",
    ]


def test_a_table_without_rows_is_its_titles() -> None:
    assert table_lines(["a", "b"], []) == ["a   b"]


def test_with_json_stdout_is_one_object_and_nothing_else() -> None:
    out = console(as_json=True)
    out.line("for people")
    out.table(["a"], [["b"]])
    out.next("traspaso status tinkubot")
    out.log("told on the side")
    with out.progress("2 masters"):
        pass
    out.answer({"status": "succeeded", "título": "ñ"})
    assert json.loads(text(out.stdout)) == {"status": "succeeded", "título": "ñ"}
    assert text(out.stdout).count("\n") == 1
    assert "told on the side" in text(out.stderr)


def test_with_json_an_error_is_such_an_object_too() -> None:
    out = console(as_json=True)
    out.error(Refused("window is closed", "--ignore-window"), {"run_id": None})
    assert json.loads(text(out.stdout)) == {
        "status": "refused",
        "run_id": None,
        "error": {"message": "window is closed", "fix": "--ignore-window"},
    }
    assert text(out.stderr) == ""


def test_an_error_is_its_message_then_its_fix_then_nothing() -> None:
    out = console()
    out.error(Refused("window is closed", "wait 18 min"))
    assert text(out.stderr) == "refused: window is closed\nfix: wait 18 min\n"
    assert text(out.stdout) == ""


def test_progress_is_plain_lines_where_nobody_watches() -> None:
    out = console()
    with out.progress("2 masters", total=10) as progress:
        progress.advance(10, "proveedores")
    assert text(out.stderr) == "2 masters   10 rows   0:00   done\n"


def test_progress_of_what_fails_says_so() -> None:
    out = console()
    with pytest.raises(ValueError, match="x"), out.progress("2 masters"):
        raise ValueError("x")
    assert text(out.stderr) == "2 masters   0:00   failed\n"


def test_progress_redraws_one_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.console._REDRAW_SECONDS", 0.01)
    out = console(terminal=True)
    with out.progress("2 masters", total=10) as progress:
        progress.advance(5, "proveedores")
        while "5/10 rows" not in text(out.stderr):
            pass
        out.log("a line between")
    assert "\r2 masters   proveedores   5/10 rows   0:00 elapsed" in text(out.stderr)
    assert "\r\x1b[Ka line between\n" in text(out.stderr)
    assert text(out.stderr).endswith("2 masters   5 rows   0:00   done\n")


def test_progress_tells_elapsed_and_remaining() -> None:
    now = iter([0.0, 30.0, 30.0])
    progress = Progress("2 masters", total=400, clock=lambda: next(now))
    progress.advance(100, "clientes")
    assert progress.line() == "2 masters   clientes   100/400 rows   0:30 elapsed   1:30 left"


def test_progress_tells_the_rate_of_each_part_since_it_went_on() -> None:
    now = iter([0.0, 10.0, 30.0, 30.0])
    progress = Progress("3 transactions", clock=lambda: next(now))
    progress.advance_part("facturas", 400, 1000)
    progress.advance_part("facturas", 600, 1000)
    assert progress.line() == (
        "3 transactions   0:30 elapsed   facturas 600/1,000, 10 rows/s, 0:40 left"
    )


def test_colors_only_on_a_terminal_that_wants_them() -> None:
    assert console(terminal=True).colored("pass") == "\x1b[32mpass\x1b[0m"
    assert console(terminal=True, environ={"NO_COLOR": "1"}).colored("pass") == "pass"
    assert console(terminal=True, environ={"TERM": "dumb"}).colored("pass") == "pass"
    assert console().colored("pass") == "pass"


def test_a_stream_that_knows_no_dash_gets_a_question_mark() -> None:
    raw = io.BytesIO()
    out = Console(stdout=io.TextIOWrapper(raw, encoding="ascii"), stderr=io.StringIO(), environ={})
    out.line("02:00\N{EN DASH}06:00")
    assert raw.getvalue() == b"02:00?06:00\n"


def test_whether_a_proof_holds_stands_apart_from_the_count_of_orphans() -> None:
    stdout = io.StringIO()
    proof = Proof(
        balances=(Balance("facturas", 1, 1, 0, 0, 0, 0, residue=0, mismatches=1),),
        orphans={"facturas.facturas_ubicacion_id_fkey": 0},
        differences=(Difference("facturas", "F1", "differs", ("total",)),),
        tables=(),
    )
    show_proof(proof, Console(stdout=stdout, environ={}))
    assert stdout.getvalue().splitlines()[-3:-1] == [
        "orphans 0 in 1 foreign keys",
        "proof   fail",
    ]
