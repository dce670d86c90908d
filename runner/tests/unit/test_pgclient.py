from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import Unreachable
from runner.pgclient import Complaint, _complaints, find_programs

MakeFolder = Callable[[str, int], Path]


@pytest.fixture
def folder_of(tmp_path: Path) -> MakeFolder:
    def make(name: str, major: int) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for program in ("pg_dump", "pg_restore", "psql"):
            path = folder / program
            path.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {major}.3 (Debian)'\n")
            path.chmod(0o755)
        return folder

    return make


def test_the_programs_of_the_servers_version_come_first(folder_of: MakeFolder) -> None:
    folders = [folder_of("a", 18), folder_of("b", 15), folder_of("c", 14)]
    assert find_programs(15, lambda: folders).bin_dir == folders[1]
    assert find_programs(15, lambda: folders).version == "15.3"


def test_else_the_nearest_newer_ones(folder_of: MakeFolder) -> None:
    folders = [folder_of("a", 18), folder_of("b", 17), folder_of("c", 14)]
    assert find_programs(15, lambda: folders).major == 17


def test_older_ones_and_incomplete_folders_do_not_serve(folder_of: MakeFolder) -> None:
    incomplete = folder_of("a", 18)
    (incomplete / "psql").unlink()
    with pytest.raises(Unreachable, match=r"PostgreSQL 16 \(found: 15\)") as caught:
        find_programs(16, lambda: [incomplete, folder_of("b", 15)])
    assert "postgresql-client-16" in caught.value.fix


def test_errors_of_pg_restore_are_told_apart_and_hold_no_row() -> None:
    said = """\
pg_restore: while PROCESSING TOC:
pg_restore: from TOC entry 12; 0 16390 TABLE DATA customers postgres
pg_restore: error: COPY failed for table "customers": ERROR:  duplicate key
DETAIL:  Key (phone_number)=(+593991234567) already exists.
CONTEXT:  COPY customers, line 2
pg_restore: error: could not execute query: ERROR:  schema "auth" does not exist
Command was: ALTER TABLE ONLY public.a
    ADD CONSTRAINT a_fk FOREIGN KEY (u) REFERENCES auth.users(id);


pg_restore: warning: errors ignored on restore: 2
"""
    assert _complaints(said) == [
        Complaint('COPY failed for table "customers": ERROR:  duplicate key', ""),
        Complaint(
            'ERROR:  schema "auth" does not exist',
            "ALTER TABLE ONLY public.a "
            "ADD CONSTRAINT a_fk FOREIGN KEY (u) REFERENCES auth.users(id);",
        ),
    ]
