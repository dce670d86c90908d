"""The dbt project, run in this process on one of its targets."""

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner

ROOT = Path(__file__).resolve().parents[4]

# What would make of the sample's build another one.
_STEERING = ("DBT_", "PG", "TRASPASO_")


class Project:
    """The project as it is parsed once for a target; without a legacy it builds the sample.

    `folder` takes what dbt writes, `environment` says where the target is. Names are parsed with
    the database's in them: another server will do, a database of another name will not.
    """

    def __init__(self, target: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.target = target
        self.folder = folder
        self.environment = dict(environment)
        self.manifest: Any = None
        parsed = self._dbt(["parse"], {})
        assert parsed.success, parsed.exception
        self.manifest = parsed.result
        self._models = {
            name: copy.deepcopy(node)
            for name, node in self.manifest.nodes.items()
            if node.resource_type == "model"
        }

    def run(self, *arguments: str, **environment: str) -> Any:
        """Run a command of dbt, which must succeed, and return its results."""
        outcome = self._invoke(arguments, environment)
        assert outcome.success, _message(outcome)
        return outcome.result

    def refused(self, *arguments: str) -> str:
        """Run a command of dbt, which must fail, and return what it says."""
        outcome = self._invoke(arguments, {})
        assert not outcome.success
        return _message(outcome)

    def compiled(self, query: str) -> str:
        """Return what a query with macros becomes."""
        code = self.run("compile", "--inline", query).results[0].node.compiled_code
        assert isinstance(code, str)
        return code

    def _invoke(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Any:
        # A compilation writes into the models what a second one would refuse.
        self.manifest.nodes.update(copy.deepcopy(self._models))
        return self._dbt(arguments, environment)

    def _dbt(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(_STEERING)]:
                patch.delenv(name)
            for name, value in {**self.environment, **environment}.items():
                patch.setenv(name, value)
            return dbtRunner(manifest=self.manifest).invoke([
                *arguments,
                "--project-dir", str(ROOT), "--profiles-dir", str(ROOT),
                "--target", self.target,
                "--target-path", str(self.folder), "--log-path", str(self.folder),
                "--quiet", "--log-level", "none", "--no-version-check",
            ])  # fmt: skip


def _message(outcome: Any) -> str:
    results = getattr(outcome.result, "results", [])
    said = [f"{r.node.name}: {r.message}" for r in results if r.status in {"error", "fail"}]
    return "\n".join(said) or str(outcome.exception)
