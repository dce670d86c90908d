"""Backups in S3-compatible storage: each as a folder of objects, whole once its manifest is there.

Endpoint, region and credentials are those of boto3's own variables and files (AWS_ENDPOINT_URL,
AWS_ACCESS_KEY_ID, …). boto3 is an extra, `traspaso[s3]`, and slow to import: only when needed.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from runner import archive
from runner.archive import MANIFEST, Manifest
from runner.errors import StepFailed, UsageProblem

# Told before each file: its path and its bytes.
TellFile = Callable[[str, int], None]

_SHA256 = "sha256"
_MISSING = {"404", "NoSuchKey", "NotFound"}


class RemoteProblem(StepFailed):
    """S3 could not be asked or used; it says nothing about the backup."""


class Remote:
    """The bucket and prefix of TRASPASO_BACKUP_S3. Made by `connect`."""

    def __init__(self, url: str) -> None:
        match = re.fullmatch(r"s3://([a-z0-9][a-z0-9.-]+)(?:/(.*?))?/*", url)
        if match is None:
            raise UsageProblem(
                "TRASPASO_BACKUP_S3 is not a place in S3", "write it as s3://bucket/prefix"
            )
        self.bucket = match[1]
        self.prefix = f"{match[2].strip('/')}/" if match[2] else ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def ids(self, system: str) -> set[str]:
        """Return the ids of the system's backups that are there as a whole."""
        pattern = re.compile(re.escape(self.prefix) + r"([^/]+)/" + re.escape(MANIFEST))
        with self._troubles():
            found = (pattern.fullmatch(key) for key in self._keys(f"{system}_"))
            ids = {match[1] for match in found if match}
        return {identifier for identifier in ids if archive.is_id(system, identifier)}

    def manifest(self, identifier: str) -> Manifest:
        """Read a backup's manifest there. Raises StepFailed where it is damaged."""
        with self._troubles():
            answer = self._client.get_object(
                Bucket=self.bucket, Key=self._key(identifier, MANIFEST)
            )
            text = answer["Body"].read()
        try:
            return archive.parse_manifest(text.decode(), Path(identifier))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StepFailed(
                f"{self}{identifier}/{MANIFEST} is damaged", "do not restore it; delete it there"
            ) from None

    def upload(self, folder: Path, manifest: Manifest, tell: TellFile) -> int:
        """Upload what is not there yet, file by file, the manifest last; return how many files."""
        identifier = folder.name
        sent = 0
        with self._troubles():
            self._abort(identifier)
            for entry in [*manifest["files"], _manifest_entry(folder)]:
                key = self._key(identifier, entry["path"])
                if self._has(key, entry):
                    continue
                tell(entry["path"], entry["bytes"])
                self._client.upload_file(
                    str(folder / entry["path"]),
                    self.bucket,
                    key,
                    ExtraArgs={"Metadata": {_SHA256: entry[_SHA256]}},
                )
                sent += 1
        return sent

    def download(self, identifier: str, folder: Path, tell: TellFile) -> None:
        """Fetch a backup into an empty folder, private, and compare each file's sha256.

        Raises StepFailed, naming the file, where one is missing or not what the manifest says.
        """
        manifest = self.manifest(identifier)
        for entry in manifest["files"]:
            path = folder / entry["path"]
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            tell(entry["path"], entry["bytes"])
            key = self._key(identifier, entry["path"])
            with self._troubles():
                if self._head(key) is None:
                    raise _damaged(f"{self}{identifier}/{entry['path']} is missing", manifest)
                self._client.download_file(self.bucket, key, str(path))
            if archive.sha256(path) != entry[_SHA256]:
                raise _damaged(f"{self}{identifier}/{entry['path']} is damaged", manifest)
            archive.sync(path)
        archive.write_manifest(folder, manifest)

    def delete(self, identifier: str) -> None:
        """Delete a backup there; the manifest first, so that half of it is none."""
        with self._troubles():
            self._abort(identifier)
            last = self._key(identifier, MANIFEST)
            for key in [last, *(key for key in self._keys(f"{identifier}/") if key != last)]:
                self._client.delete_object(Bucket=self.bucket, Key=key)

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        is_elsewhere = any(
            os.environ.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
        )
        # Other makes of S3 know neither the newer checksums (ours is the sha256) nor, under a
        # plain host name, buckets as subdomains.
        config = Config(
            connect_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 4},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if is_elsewhere else "auto"},
        )
        # A session of its own: boto3's default one keeps the first credentials it saw.
        return boto3.session.Session().client("s3", config=config)

    def _key(self, identifier: str, path: str) -> str:
        return f"{self.prefix}{identifier}/{path}"

    def _keys(self, start: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix + start):
            yield from (item["Key"] for item in page.get("Contents", []))

    def _has(self, key: str, entry: dict[str, Any]) -> bool:
        head = self._head(key)
        return (
            head is not None
            and head["ContentLength"] == entry["bytes"]
            and head["Metadata"].get(_SHA256) == entry[_SHA256]
        )

    def _head(self, key: str) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        try:
            return dict(self._client.head_object(Bucket=self.bucket, Key=key))
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise

    def _abort(self, identifier: str) -> None:
        """Forget the parts of files whose upload was killed: they would be paid for ever."""
        answer = self._client.list_multipart_uploads(
            Bucket=self.bucket, Prefix=self._key(identifier, "")
        )
        for begun in answer.get("Uploads", []):
            self._client.abort_multipart_upload(
                Bucket=self.bucket, Key=begun["Key"], UploadId=begun["UploadId"]
            )

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        """Say what an error of S3 means."""
        try:
            from boto3.exceptions import Boto3Error
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError:
            raise UsageProblem(
                "TRASPASO_BACKUP_S3 is set, but boto3 is not installed",
                "pip install 'traspaso[s3]', or unset TRASPASO_BACKUP_S3",
            ) from None
        try:
            yield
        except (Boto3Error, BotoCoreError, ClientError, ValueError) as error:
            said = " ".join(str(error).split())
            raise RemoteProblem(f"{self}: {said}", _remedy(said)) from None


def connect(url: str | None) -> Remote | None:
    """Return the place that TRASPASO_BACKUP_S3 names, None when it names none; asks nobody."""
    return None if url is None else Remote(url)


def _manifest_entry(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    return {"path": MANIFEST, "bytes": path.stat().st_size, _SHA256: archive.sha256(path)}


def _damaged(what: str, manifest: Manifest) -> StepFailed:
    return StepFailed(
        what, f"do not restore it; make a new one: traspaso backup {manifest['system']} create"
    )


def _remedy(said: str) -> str:
    for pattern, fix in (
        ("NoSuchBucket|Not Found|\\(404\\)", "create the bucket, or correct TRASPASO_BACKUP_S3"),
        (
            "credentials|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|Forbidden",
            "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do in that bucket",
        ),
        (
            "connect|resolve|timeout|timed out|closed",
            "check the network and AWS_ENDPOINT_URL; say the same command again",
        ),
    ):
        if re.search(pattern, said, re.IGNORECASE):
            return fix
    return "correct it, then say the same command again"
