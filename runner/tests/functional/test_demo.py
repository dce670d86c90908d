"""`traspaso demo SYSTEM`: forward, back to 0 and forward again, on a server of its own."""

import tempfile
from pathlib import Path

import pytest

from runner.settings import Settings
from runner.tests.functional.helpers.tinkubot_cases import traspaso

pytestmark = pytest.mark.newest


@pytest.mark.parametrize("system", ["tinkubot", "fluxion"])
def test_the_demo_of_a_system_is_proved_and_leaves_nothing_behind(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A folder that the server's user may enter, with room for the name of a socket.
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        said = traspaso(Settings(backup_dir=tmp_path), "demo", system)
        assert [*Path(folder).iterdir()] == []
    assert said.code == 0, said.stderr
    answer = said.json
    assert [phase["phase"] for phase in answer["phases"]] == [0, 1, 2, 3]
    proof = answer["proof"]
    assert (proof["status"], proof["orphans"]) == ("pass", 0)
    assert all(table["quarantined"] for table in proof["tables"] if system == "fluxion")
    assert sum(table["quarantined"] for table in proof["tables"]) > 0
    assert answer["url"] is None
