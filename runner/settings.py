"""Settings from the environment, read once; the one place that knows a connection string."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import conninfo, pq

from runner.errors import Refused, UsageProblem

PROJECT_DIR = Path(__file__).resolve().parents[1]
TARGET_EXAMPLE = "export TRASPASO_TARGET_URL=postgresql://user:password@host:5432/database"

# Supabase's pooler in transaction mode: no session survives there, hence neither an advisory
# lock nor an exported snapshot.
TRANSACTION_POOLER_PORT = "6543"

DUCKDB_SCHEME = "duckdb:///"

_SECRET_KEYS = ("password", "sslpassword", "oauth_client_secret", "scram_client_key")
_HIDDEN = "***"
_LAST_PORT = 65_535
_MOST_ROWS = 10**12


@dataclass(frozen=True, repr=False)
class Settings:
    """What the environment says. `legacy_url` is None where the legacy is in the target database.

    Made by `from_env`; its repr shows no secret.
    """

    target_url: str | None = None
    legacy_url: str | None = None
    legacy_schema: str = "public"
    target_schema: str = "public"
    backup_dir: Path = Path("backups")
    backup_key: str | None = None
    backup_s3: str | None = None
    # Final tables that are partitioned though their contract does not say so by itself.
    partitioned: tuple[str, ...] = ()
    # Rows of a file's table that one transaction loads, where the plan is not to say.
    batch_rows: int | None = None
    project_dir: Path = PROJECT_DIR

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read TRASPASO_*; an empty variable counts as unset. Raises UsageProblem on a bad URL."""

        def read(name: str) -> str | None:
            return environ.get(f"TRASPASO_{name}", "").strip() or None

        target_url, legacy_url = read("TARGET_URL"), read("LEGACY_URL")
        batch_rows = read("BATCH_ROWS")
        if batch_rows is not None and not (
            batch_rows.isdecimal() and 0 < int(batch_rows) <= _MOST_ROWS
        ):
            raise UsageProblem(
                f"TRASPASO_BATCH_ROWS is a number of rows up to {_MOST_ROWS:,}, not {batch_rows!r}",
                "export TRASPASO_BATCH_ROWS=2000000, or unset it",
            )
        if target_url is not None:
            _parse(target_url, "TRASPASO_TARGET_URL")
        if legacy_url is not None and not legacy_url.startswith(DUCKDB_SCHEME):
            if legacy_url.startswith(("duckdb:", "/", ".", "~")):
                raise UsageProblem(
                    f"TRASPASO_LEGACY_URL is no URL of a DuckDB file: {legacy_url}",
                    f"export TRASPASO_LEGACY_URL={DUCKDB_SCHEME}/folder/file.duckdb, with four "
                    "slashes for an absolute path",
                )
            _parse(legacy_url, "TRASPASO_LEGACY_URL")
        return cls(
            target_url=target_url,
            legacy_url=legacy_url,
            legacy_schema=read("LEGACY_SCHEMA") or _default_schema(legacy_url),
            target_schema=read("TARGET_SCHEMA") or "public",
            backup_dir=Path(read("BACKUP_DIR") or "backups").expanduser().absolute(),
            backup_key=read("BACKUP_KEY"),
            backup_s3=read("BACKUP_S3"),
            batch_rows=int(batch_rows) if batch_rows else None,
            partitioned=tuple(
                name.strip() for name in (read("PARTITIONED") or "").split(",") if name.strip()
            ),
        )

    @property
    def legacy_file(self) -> Path | None:
        """The DuckDB file that the legacy is, None where it is a database."""
        if self.legacy_url is None or not self.legacy_url.startswith(DUCKDB_SCHEME):
            return None
        return Path(self.legacy_url.removeprefix(DUCKDB_SCHEME))

    def require_target(self) -> str:
        """Return the target's URL; raises UsageProblem, with what to type, when it is not set."""
        if self.target_url is None:
            raise UsageProblem("TRASPASO_TARGET_URL is not set", TARGET_EXAMPLE)
        return self.target_url

    def require_run_target(self) -> str:
        """Return the target's URL for a command that writes; Refused on a transaction pooler."""
        url = self.require_target()
        refuse_transaction_pooler(url)
        return url

    def __repr__(self) -> str:
        shown = {
            "target_url": redacted(self.target_url) if self.target_url else None,
            "legacy_url": redacted(self.legacy_url) if self.legacy_url else None,
            "legacy_schema": self.legacy_schema,
            "target_schema": self.target_schema,
            "backup_dir": str(self.backup_dir),
            "backup_key": _HIDDEN if self.backup_key else None,
            "backup_s3": self.backup_s3,
            "partitioned": list(self.partitioned),
            "project_dir": str(self.project_dir),
        }
        return f"Settings({', '.join(f'{key}={value!r}' for key, value in shown.items())})"


def _default_schema(legacy_url: str | None) -> str:
    is_file = legacy_url is not None and legacy_url.startswith(DUCKDB_SCHEME)
    return "main" if is_file else "public"


def parse_url(url: str) -> dict[str, str]:
    """Return the libpq keys of a URL or conninfo string, all as text. Raises UsageProblem."""
    return _parse(url, "the connection string")


def _parse(url: str, name: str) -> dict[str, str]:
    # psycopg's own message quotes the piece it stumbled on, which may be half a password.
    fix = f"write it as postgresql://user:password@host:5432/database; {_percent_hint()}"
    try:
        pairs = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise UsageProblem(f"{name} is not a PostgreSQL connection string", fix) from None
    parts = {key: str(value) for key, value in pairs.items() if value is not None}
    bad_ports = [p for p in parts.get("port", "").split(",") if p and not _is_port(p)]
    if bad_ports:
        raise UsageProblem(f"{name} has a port that is no number from 1 to 65535", fix)
    return parts


def _percent_hint() -> str:
    return "percent-encode special characters of the password (@ is %40, / is %2F, % is %25)"


def _is_port(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,5}", text) is not None and 0 < int(text) <= _LAST_PORT


def libpq_env(url: str, session: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the PG* variables that say the same as the URL, for programs built on libpq.

    `session` settings are added to PGOPTIONS. Keys without an environment name (keepalives and
    the like) are left out.
    """
    parts = parse_url(url)
    names = {
        default.keyword.decode(): default.envvar.decode()
        for default in pq.Conninfo.get_defaults()
        if default.envvar
    }
    env = {names[key]: value for key, value in parts.items() if key in names}
    options = [env["PGOPTIONS"]] if env.get("PGOPTIONS") else []
    options += [f"-c {name}={_escape_option(value)}" for name, value in (session or {}).items()]
    if options:
        env["PGOPTIONS"] = " ".join(options)
    return env


def _escape_option(value: str) -> str:
    return re.sub(r"([\\\s])", r"\\\1", value)


def redacted(url: str) -> str:
    """Return the URL for a message: host, port, database and user, never a password."""
    if url.startswith(DUCKDB_SCHEME):
        return url
    parts = parse_url(url)
    host = parts.get("host") or parts.get("hostaddr") or os.environ.get("PGHOST") or "localhost"
    if host.startswith("/"):
        host = f"[{host}]"
    port = f":{parts['port']}" if "port" in parts else ""
    user = f"{parts['user']}@" if "user" in parts else ""
    return f"postgresql://{user}{host}{port}/{parts.get('dbname', '')}"


def redact(text: str, *urls: str | None) -> str:
    """Return `text` without any password of the URLs, nor the password part of any URL in it."""
    for url in urls:
        if url is None or url.startswith(DUCKDB_SCHEME):
            continue
        parts = parse_url(url)
        for key in _SECRET_KEYS:
            if parts.get(key):
                text = text.replace(parts[key], _HIDDEN)
    return re.sub(r"(\b\w+://[^\s:/@]*):[^\s@]+@", rf"\1:{_HIDDEN}@", text)


def refuse_transaction_pooler(url: str) -> None:
    """Raise Refused for a pooler that hands out another session for each transaction."""
    port = parse_url(url).get("port") or os.environ.get("PGPORT", "")
    if TRANSACTION_POOLER_PORT in port.split(","):
        raise Refused(
            "port 6543 is a pooler in transaction mode: it keeps neither locks nor snapshots",
            "use the direct connection or the session pooler: the same URL with port 5432",
        )
