import os
import subprocess
from pathlib import Path

import pytest

from runner.errors import ExitCode, Refused, UsageProblem
from runner.settings import (
    Settings,
    libpq_env,
    parse_url,
    redact,
    redacted,
    refuse_transaction_pooler,
)

URL = "postgresql://ana:cl%40ve%2F1@db.example:5433/tinku?sslmode=verify-full&sslrootcert=/ca.pem"


def test_nothing_set_gives_the_documented_defaults() -> None:
    settings = Settings.from_env({"TRASPASO_TARGET_URL": " "})
    assert settings.target_url is None
    assert settings.legacy_url is None
    assert (settings.legacy_schema, settings.target_schema) == ("public", "public")
    assert settings.backup_dir == Path.cwd() / "backups"
    assert (settings.project_dir / "dbt_project.yml").is_file()


def test_a_missing_target_says_what_to_type() -> None:
    with pytest.raises(UsageProblem, match="TRASPASO_TARGET_URL is not set") as caught:
        Settings.from_env({}).require_target()
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.fix.startswith("export TRASPASO_TARGET_URL=postgresql://")


def test_repr_shows_no_secret() -> None:
    settings = Settings.from_env(
        {
            "TRASPASO_TARGET_URL": URL,
            "TRASPASO_LEGACY_URL": "host=h dbname=d password=otra",
            "TRASPASO_BACKUP_KEY": "llave",
        }
    )
    for secret in ("cl@ve", "cl%40ve", "otra", "llave"):
        assert secret not in repr(settings)
        assert secret not in f"{settings}"


@pytest.mark.parametrize(
    "url", ["postgresql://a:se%zzcreto@h/x", "postgresql://a:secreto@h:puerto/x", "secreto"]
)
@pytest.mark.parametrize("name", ["TRASPASO_TARGET_URL", "TRASPASO_LEGACY_URL"])
def test_a_bad_url_is_named_by_its_variable_and_not_shown(name: str, url: str) -> None:
    with pytest.raises(UsageProblem, match=name) as caught:
        Settings.from_env({name: url})
    assert "creto" not in caught.value.message + caught.value.fix
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_duckdb_legacy_is_no_bad_url() -> None:
    settings = Settings.from_env({"TRASPASO_LEGACY_URL": "duckdb:///data/fluxion.duckdb"})
    assert settings.legacy_url == "duckdb:///data/fluxion.duckdb"
    assert "fluxion" in repr(settings)


def test_libpq_env_says_the_same_as_the_url() -> None:
    assert libpq_env(URL) == {
        "PGUSER": "ana",
        "PGPASSWORD": "cl@ve/1",
        "PGHOST": "db.example",
        "PGPORT": "5433",
        "PGDATABASE": "tinku",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/ca.pem",
    }
    assert libpq_env("host=/run/s dbname=x") == {"PGHOST": "/run/s", "PGDATABASE": "x"}


def test_session_settings_are_added_to_the_options_of_the_url() -> None:
    url = "postgresql://h/x?options=-c%20geqo%3Doff"
    env = libpq_env(url, {"DateStyle": "ISO, YMD", "search_path": ""})
    assert env["PGOPTIONS"] == r"-c geqo=off -c DateStyle=ISO,\ YMD -c search_path="


def test_redacted_names_the_database_without_the_password() -> None:
    assert redacted(URL) == "postgresql://ana@db.example:5433/tinku"
    assert redacted("host=/run/s dbname=x") == "postgresql://[/run/s]/x"


def test_redact_hides_the_password_however_it_is_written() -> None:
    said = f"FATAL: cl@ve/1 is wrong for {URL} and postgres://b:otra@h/y"
    hidden = redact(said, URL)
    for secret in ("cl@ve", "cl%40ve", "otra"):
        assert secret not in hidden
    assert "db.example" in hidden


def test_a_transaction_pooler_is_refused_and_a_session_pooler_is_not() -> None:
    host = "postgresql://postgres.x:p@aws-0-us-east-1.pooler.supabase.com"
    refuse_transaction_pooler(f"{host}:5432/postgres")
    with pytest.raises(Refused, match="6543") as caught:
        refuse_transaction_pooler(f"{host}:6543/postgres")
    assert "5432" in caught.value.fix


def test_a_pooler_named_by_the_environment_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    with pytest.raises(Refused):
        Settings(target_url="postgresql://h/x").require_run_target()


def test_every_url_key_that_libpq_reads_from_the_environment_gets_there() -> None:
    parts = parse_url("postgresql://u:p@h:1/d?connect_timeout=3&target_session_attrs=read-write")
    env = libpq_env("postgresql://u:p@h:1/d?connect_timeout=3&target_session_attrs=read-write")
    assert len(env) == len(parts)
    # As a child process sees it: nothing but text.
    answer = subprocess.run(
        ["env"], env=os.environ | env, capture_output=True, text=True, check=True
    )
    assert "PGTARGETSESSIONATTRS=read-write" in answer.stdout


@pytest.mark.parametrize(
    "url", ["duckdb://", "duckdb:/datos/x.duckdb", "/datos/x.duckdb", "./x.duckdb"]
)
def test_what_is_nearly_a_duckdb_url_is_told_how_one_looks(url: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        Settings.from_env({"TRASPASO_LEGACY_URL": url})
    assert "duckdb:////folder/file.duckdb" in refused.value.fix


@pytest.mark.parametrize("rows", ["0", "-1", "2e6", "99999999999999999999"])
def test_a_batch_is_a_number_of_rows_that_a_table_may_have(rows: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        Settings.from_env({"TRASPASO_BATCH_ROWS": rows})
    assert rows in str(refused.value)
