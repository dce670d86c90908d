"""The dbt project, run in this process on one of its targets."""

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner

ROOT = Path(__file__).resolve().parents[4]

# What would make of the sample's build another one.
_STEERING = ("DBT_", "PG", "TRASPASO_")


class Project:
    """The project as it is parsed once for a target; without a legacy it builds the sample.

    `folder` takes what dbt writes, `environment` says where the target is. Parsed names hold the
    database's: another server will do, another name of the database will not.
    """

    def __init__(self, target: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.target = target
        self.folder = folder
        self.environment = dict(environment)
        parsed = self._run(None, "parse", {})
        assert parsed.success, parsed.exception
        self.manifest: Any = parsed.result
        self._models = {
            name: copy.deepcopy(node)
            for name, node in self.manifest.nodes.items()
            if node.resource_type == "model"
        }

    def run(self, *arguments: str, **environment: str) -> Any:
        """Run a command of dbt, which must succeed, and return its results."""
        outcome = self.invoke(*arguments, **environment)
        assert outcome.success, self.message(outcome)
        return outcome.result

    def refused(self, *arguments: str) -> str:
        """Run a command of dbt, which must fail, and return what it says."""
        outcome = self.invoke(*arguments)
        assert not outcome.success
        return self.message(outcome)

    def invoke(self, *arguments: str, **environment: str) -> Any:
        """Run a command of dbt and return its outcome."""
        # A compilation writes into the models what a second one would refuse.
        self.manifest.nodes.update(copy.deepcopy(self._models))
        return self._run(self.manifest, *arguments, environment)

    def show(self, query: str) -> list[tuple[Any, ...]]:
        """Compile a query, run it and return its rows."""
        shown = self.run("show", "--inline", query, "--limit", "-1").results[0].agate_table
        return [tuple(row) for row in shown.rows]

    @staticmethod
    def message(outcome: Any) -> str:
        """Return what the nodes that failed say, or why none was run."""
        results = getattr(outcome.result, "results", [])
        said = [f"{r.node.name}: {r.message}" for r in results if r.status not in {"success", "pass"}]
        return "\n".join(said) or str(outcome.exception)

    def _run(self, manifest: Any, *arguments: Any) -> Any:
        *words, environment = arguments
        with pytest.MonkeyPatch.context() as patch:
            for name in os.environ:
                if name.startswith(_STEERING):
                    patch.delenv(name)
            for name, value in (self.environment | environment).items():
                patch.setenv(name, value)
            return dbtRunner(manifest=manifest).invoke([
                *words,
                "--project-dir", str(ROOT), "--profiles-dir", str(ROOT),
                "--target", self.target,
                "--target-path", str(self.folder), "--log-path", str(self.folder),
                "--quiet", "--log-level", "none", "--no-version-check",
            ])  # fmt: skip
