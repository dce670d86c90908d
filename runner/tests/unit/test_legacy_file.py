"""A DuckDB file by its hash, and why one cannot be read."""

import hashlib
from pathlib import Path

import duckdb
import pytest

from runner import legacy_file
from runner.errors import Unreachable


def test_the_log_beside_a_file_is_part_of_what_it_is_known_by(tmp_path: Path) -> None:
    file = tmp_path / "datos.duckdb"
    log = tmp_path / "datos.duckdb.wal"
    with duckdb.connect(str(file)) as conn:
        conn.execute("create table t as select 1 as a")
    whole = legacy_file.fingerprint(file)
    assert whole == hashlib.sha256(file.read_bytes()).hexdigest()
    with duckdb.connect(str(file)) as conn:
        conn.execute("pragma disable_checkpoint_on_shutdown")
        conn.execute("insert into t values (2)")
    assert hashlib.sha256(file.read_bytes()).hexdigest() == whole
    both = hashlib.sha256(file.read_bytes() + log.read_bytes()).hexdigest()
    assert legacy_file.fingerprint(file) == both
    assert legacy_file.rows(file, "main", ["t"]) == {"t": 2}


@pytest.mark.parametrize("content", [b"", b"no es una base", b"\0" * 20_000])
def test_a_file_that_is_none_of_duckdbs_is_not_blamed_on_a_program(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "datos.duckdb"
    file.write_bytes(content)
    with pytest.raises(Unreachable) as refused:
        legacy_file.columns(file, "main")
    assert "whole DuckDB file" in refused.value.fix
