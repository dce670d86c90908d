"""Backups in S3: boto3 against moto's HTTP server, in a process's own thread, over a socket."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import psycopg
import pyrage
import pytest
from moto.server import ThreadedMotoServer

from runner import archive, backup, remote
from runner.errors import StepFailed, UsageProblem
from runner.plan import Plan, load_plan
from runner.remote import Remote, RemoteProblem
from runner.settings import Settings

pytestmark = pytest.mark.newest

LEGACY = """
create table public.customers (id int primary key, phone_number text);
insert into public.customers select g, '+5939' || g from generate_series(1, 50) as g;
create table public.messages (id int primary key);
"""
BUCKET = "respaldos"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give an empty bucket, and the environment that boto3 reads."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "prueba")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3creto-de-prueba")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    made = boto3.resource("s3").Bucket(BUCKET)
    made.create()
    yield made
    made.objects.all().delete()
    made.delete()


@pytest.fixture
def plan() -> Plan:
    return load_plan("tinkubot")


@pytest.fixture
def s3(settings: Settings, bucket: Any, conn: psycopg.Connection) -> Settings:
    assert bucket.name == BUCKET
    conn.execute(LEGACY)
    return replace(settings, backup_s3=f"s3://{BUCKET}/traspaso/pruebas")


def keys(bucket: Any) -> set[str]:
    return {item.key for item in bucket.objects.all()}


def listed(settings: Settings) -> list[tuple[str, str]]:
    return [(found.id, found.where) for found in backup.backups(settings, "tinkubot")]


def test_a_backup_is_uploaded_whole_with_its_sums(s3: Settings, plan: Plan, bucket: Any) -> None:
    made = backup.create(s3, plan, 0)
    assert made.uploaded
    files = {
        f"traspaso/pruebas/{made.id}/{path.relative_to(made.path).as_posix()}": path
        for path in made.path.rglob("*")
        if path.is_file()
    }
    assert keys(bucket) == set(files)
    for key, path in files.items():
        there = bucket.Object(key).get()
        assert there["Body"].read() == path.read_bytes()
        assert there["Metadata"]["sha256"] == archive.sha256(path)
    assert listed(s3) == [(made.id, "here, S3")]
    assert listed(replace(s3, backup_s3=None)) == [(made.id, "here")]


@pytest.mark.parametrize("encrypted", [False, True])
def test_one_that_is_only_in_s3_is_fetched_to_be_verified_and_restored(
    encrypted: bool, s3: Settings, plan: Plan, conn: psycopg.Connection
) -> None:
    if encrypted:
        key = str(pyrage.x25519.Identity.generate())
        s3 = replace(s3, backup_key=key)
    made = backup.create(s3, plan, 0)
    shutil.rmtree(made.path)
    conn.execute("drop schema traspaso cascade")
    assert listed(s3) == [(made.id, "S3")]
    assert backup.verify(s3, plan, made.id).verified_at is not None
    assert listed(s3) == [(made.id, "here, S3")]
    modes = {path.stat().st_mode & 0o077 for path in [made.path, *made.path.rglob("*")]}
    assert modes == {0}
    shutil.rmtree(made.path)
    conn.execute("delete from public.customers")
    backup.restore(s3, plan, made.id, yes=True)
    assert conn.execute("select count(*) from public.customers").fetchone() == (50,)
    shutil.rmtree(s3.backup_dir)
    conn.execute("delete from public.customers")
    backup.restore_table(s3, plan, made.id, "customers", yes=True)
    assert conn.execute("select count(*) from public.customers").fetchone() == (50,)


def test_a_file_that_was_damaged_there_is_found_and_nothing_of_it_kept(
    s3: Settings, plan: Plan, bucket: Any
) -> None:
    made = backup.create(s3, plan, 0)
    backup.verify(s3, plan, made.id)
    shutil.rmtree(made.path)
    key = next(key for key in sorted(keys(bucket)) if key.endswith("toc.dat"))
    whole = bucket.Object(key).get()["Body"].read()
    bucket.Object(key).put(Body=whole[:-1] + b"?")
    commands: tuple[Callable[[], object], ...] = (
        lambda: backup.restore(s3, plan, made.id, yes=True),
        lambda: backup.verify(s3, plan, made.id),
    )
    for command in commands:
        with pytest.raises(StepFailed, match=r"toc\.dat is damaged"):
            command()
        assert list(s3.backup_dir.iterdir()) == []
    assert backup.backups(s3, "tinkubot")[0].verified_at is None
    bucket.Object(key).delete()
    with pytest.raises(StepFailed, match=r"toc\.dat is missing"):
        backup.verify(s3, plan, made.id)


def test_a_killed_upload_is_no_backup_and_goes_on_with_what_is_missing(
    s3: Settings, plan: Plan, bucket: Any
) -> None:
    local = replace(s3, backup_s3=None)
    made = backup.create(local, plan, 0)
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from runner import backup\nfrom runner.plan import load_plan\n"
        "from runner.settings import Settings\n"
        "settings = Settings(target_url=sys.argv[1], backup_dir=Path(sys.argv[2]),"
        " backup_s3=sys.argv[3])\nseen = []\n"
        "def tell(name, _rows):\n"
        "    seen.append(name)\n"
        "    if len(seen) == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "backup.upload(settings, load_plan('tinkubot'), sys.argv[4], tell=tell)\n"
    )
    arguments = [s3.require_target(), str(s3.backup_dir), str(s3.backup_s3), made.id]
    killed = subprocess.run([sys.executable, "-c", code, *arguments], check=False)
    assert killed.returncode == -signal.SIGKILL
    there = keys(bucket)
    assert len(there) == 2
    assert listed(s3) == [(made.id, "here")]
    sent: list[str] = []
    assert backup.upload(s3, plan, made.id, tell=lambda name, _: sent.append(name)).uploaded
    assert len(sent) == len(keys(bucket)) - 2
    assert not {f"traspaso/pruebas/{made.id}/{name}" for name in sent} & there
    assert sent[-1] == "manifest.json"
    again: list[str] = []
    backup.upload(s3, plan, made.id, tell=lambda name, _: again.append(name))
    assert again == []
    assert listed(s3) == [(made.id, "here, S3")]


def test_parts_that_a_killed_upload_left_are_not_paid_for_for_ever(
    s3: Settings, plan: Plan, bucket: Any
) -> None:
    made = backup.create(replace(s3, backup_s3=None), plan, 0)
    client = boto3.client("s3")
    for key in (f"traspaso/pruebas/{made.id}/dump.age", "ajeno"):
        client.create_multipart_upload(Bucket=BUCKET, Key=key)
    backup.upload(s3, plan, made.id)
    left = client.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert [upload["Key"] for upload in left] == ["ajeno"]
    client.abort_multipart_upload(Bucket=BUCKET, Key="ajeno", UploadId=left[0]["UploadId"])
    assert bucket.name == BUCKET


def test_a_wrong_bucket_is_told_and_the_backup_counts(s3: Settings, plan: Plan) -> None:
    wrong = replace(s3, backup_s3="s3://no-existe/aqui")
    with pytest.raises(StepFailed, match=r"but not uploaded: .*NoSuchBucket") as caught:
        backup.create(wrong, plan, 0)
    (made,) = backup.backups(replace(s3, backup_s3=None), "tinkubot")
    assert caught.value.fix.endswith(f"traspaso backup tinkubot upload {made.id}")
    assert "create the bucket" in caught.value.fix
    assert caught.value.payload["backups"][0]["id"] == made.id
    assert made.present
    assert backup.upload(s3, plan, made.id).uploaded


def test_a_lost_s3_takes_no_verified_mark_away(
    s3: Settings, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backup.create(s3, plan, 0)
    backup.verify(s3, plan, made.id)
    shutil.rmtree(made.path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(RemoteProblem) as caught:
        backup.verify(s3, plan, made.id)
    assert "AWS_ENDPOINT_URL" in caught.value.fix
    (kept,) = backup.backups(replace(s3, backup_s3=None), "tinkubot")
    assert kept.verified_at is not None


def test_without_credentials_it_says_which_to_set(
    s3: Settings, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nada")
    with pytest.raises(StepFailed, match="credentials") as caught:
        backup.create(s3, plan, 0)
    assert "AWS_ACCESS_KEY_ID" in caught.value.fix


def test_a_damaged_backup_does_not_replace_the_good_copy(
    s3: Settings, plan: Plan, bucket: Any
) -> None:
    made = backup.create(s3, plan, 0)
    before = {item.key: item.e_tag for item in bucket.objects.all()}
    (made.path / "dump" / "toc.dat").write_bytes(b"x")
    with pytest.raises(StepFailed, match="is damaged"):
        backup.upload(s3, plan, made.id)
    assert {item.key: item.e_tag for item in bucket.objects.all()} == before


def test_prune_deletes_there_too_and_nothing_else(s3: Settings, plan: Plan, bucket: Any) -> None:
    first, second, third = sorted(
        (backup.create(s3, plan, 0) for _ in range(3)), key=lambda made: (made.created_at, made.id)
    )
    bucket.put_object(Key="traspaso/pruebas/ajeno", Body=b"x")
    backup.verify(s3, plan, second.id)
    shutil.rmtree(first.path)
    assert [gone.id for gone in backup.prune(s3, "tinkubot", keep=1)] == [first.id]
    assert {key.split("/")[2] for key in keys(bucket)} == {second.id, third.id, "ajeno"}
    # The newest verified one stays even where it is only there.
    shutil.rmtree(second.path)
    assert [gone.id for gone in backup.prune(s3, "tinkubot", keep=0, days=0)] == [third.id]
    assert listed(s3) == [(second.id, "S3")]


def test_without_boto3_the_command_to_install_it_is_told(
    s3: Settings, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setitem(sys.modules, "boto3.exceptions", None)
    with pytest.raises(UsageProblem, match="boto3 is not installed") as caught:
        backup.backups(s3, "tinkubot")
    assert "pip install 'traspaso[s3]'" in caught.value.fix
    with pytest.raises(StepFailed, match="boto3 is not installed"):
        backup.create(s3, plan, 0)


def test_boto3_is_not_imported_for_those_who_do_not_use_it() -> None:
    code = "import sys, runner.backup, runner.cli; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "url", ["respaldos", "s3://", "http://x/y", "s3:///x", "s3://Mayúsculas/x"]
)
def test_a_place_that_is_none_is_refused_before_anything_is_done(url: str) -> None:
    with pytest.raises(UsageProblem, match="TRASPASO_BACKUP_S3"):
        remote.connect(url)


@pytest.mark.parametrize("url", ["s3://cubo", "s3://cubo/", "s3://cubo/a/b", "s3://cubo/a/b/"])
def test_a_place_is_a_bucket_and_perhaps_a_prefix(url: str) -> None:
    place = Remote(url)
    assert (place.bucket, place.prefix) == ("cubo", "a/b/" if "a" in url else "")


def test_a_manifest_there_cannot_lead_out_of_the_folder(
    s3: Settings, plan: Plan, bucket: Any
) -> None:
    made = backup.create(s3, plan, 0)
    shutil.rmtree(made.path)
    key = f"traspaso/pruebas/{made.id}/manifest.json"
    text = bucket.Object(key).get()["Body"].read()
    bucket.Object(key).put(Body=text.replace(b"dump/toc.dat", b"../../toc.dat"))
    with pytest.raises(StepFailed, match="is damaged"):
        backup.verify(s3, plan, made.id)
