"""Encryption of backups in the age format: what is written here, the `age` program opens too.

Each backup has a key of its own, kept beside it in `key.age`; only TRASPASO_BACKUP_KEY opens that.
A passphrase is thus stretched once a backup, not once a file.
"""

import hashlib
import hmac
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyrage
from pyrage import passphrase, x25519

from runner.errors import Refused, StepFailed, UsageProblem

KEY_FILE = "key.age"
FORMAT = "age"

_BY_PASSPHRASE = "passphrase"  # noqa: S105  # the word, not one
_BY_IDENTITY = "age identity"
_SHORTEST = 12
_MAKE_ONE = (
    'make one: export TRASPASO_BACKUP_KEY="$(openssl rand -base64 32)"; keep it where the backups '
    "are not: without it nobody can restore them"
)


@dataclass(frozen=True, repr=False)
class Secret:
    """What TRASPASO_BACKUP_KEY holds; made by `read_secret`. Its repr shows nothing."""

    text: str
    identity: x25519.Identity | None

    @property
    def kind(self) -> str:
        """What a manifest says of it."""
        return _BY_PASSPHRASE if self.identity is None else _BY_IDENTITY


def read_secret(key: str) -> Secret:
    """Take the key for an age identity, or else for a passphrase. Raises UsageProblem.

    The text of a file made by `age-keygen` serves as it is, comments included.
    """
    if match := re.search(r"^AGE-SECRET-KEY-1\S*", key, re.MULTILINE | re.IGNORECASE):
        text = match[0].upper()
        try:
            return Secret(text, x25519.Identity.from_str(text))
        except pyrage.IdentityError:
            raise UsageProblem(
                "TRASPASO_BACKUP_KEY starts like an age identity, but is none",
                "copy the whole line AGE-SECRET-KEY-1… that age-keygen wrote",
            ) from None
    if re.match(r"age1|AGE-", key, re.IGNORECASE):
        raise UsageProblem(
            "TRASPASO_BACKUP_KEY is a public key of age, or a kind of identity that is not known",
            "set it to the line AGE-SECRET-KEY-1… that age-keygen wrote, or to a passphrase",
        )
    if len(key) < _SHORTEST:
        raise UsageProblem(
            f"the passphrase in TRASPASO_BACKUP_KEY is shorter than {_SHORTEST} characters",
            _MAKE_ONE,
        )
    return Secret(key, None)


def require_key(tables: tuple[str, ...]) -> Refused:
    """Return the refusal to back up sensitive tables in the clear."""
    what = ", ".join(tables)
    return Refused(
        f"the plan marks as sensitive: {what}; without TRASPASO_BACKUP_KEY no backup is made",
        _MAKE_ONE,
    )


@dataclass(frozen=True, repr=False)
class Vault:
    """The key of one backup. Made by `new` or `unlock`; its repr shows nothing."""

    identity: x25519.Identity
    secret: Secret

    def encrypt(self, plain: Any, out: IO[bytes]) -> None:
        """Encrypt all of a stream, in bounded memory. Raises what `out` raises."""
        writer = _Remembering(out)
        with_key = [self.identity.to_public()]
        _run(lambda: pyrage.encrypt_io(plain, writer, with_key), writer)

    def decrypt(self, path: Path, out: IO[bytes]) -> None:
        """Decrypt a file into a stream, in bounded memory.

        Raises StepFailed where the file was changed or cut off; what was authentic up to there
        has reached `out` then.
        """
        writer = _Remembering(out)
        with path.open("rb") as file:
            _run(lambda: pyrage.decrypt_io(file, writer, [self.identity]), writer)

    def seal(self, manifest: Mapping[str, Any]) -> str:
        """Return what only somebody with the key can compute of this manifest."""
        # Of both: the backup's own key alone could be wrapped for anybody's public key.
        key = _hmac(
            str(self.identity).encode(), b"traspaso manifest 1\0" + self.secret.text.encode()
        )
        unsealed = {name: value for name, value in manifest.items() if name != "seal"}
        return _hmac(key, json.dumps(unsealed, sort_keys=True).encode()).hex()


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def new(secret: Secret) -> tuple[Vault, bytes]:
    """Make the key of a new backup; return it, and what `key.age` holds."""
    identity = x25519.Identity.generate()
    plain = str(identity).encode()
    if secret.identity is None:
        wrapped = passphrase.encrypt(plain, secret.text)
    else:
        wrapped = pyrage.encrypt(plain, [secret.identity.to_public()])
    return Vault(identity, secret), wrapped


def describe(secret: Secret) -> dict[str, str]:
    """Return what the manifest says of the encryption."""
    return {"format": FORMAT, "key": secret.kind, "key_file": KEY_FILE}


def unlock(key: str | None, folder: Path, manifest: Mapping[str, Any]) -> Vault | None:
    """Open the key of a backup whose files are intact; None where it is not encrypted.

    Raises Refused without the right key, and StepFailed where the manifest is not what was sealed.
    """
    if "encryption" not in manifest:
        return None
    again = "then say the same command again"
    if key is None:
        raise Refused(
            f"backup {folder.name} is encrypted, and TRASPASO_BACKUP_KEY is not set",
            f"set TRASPASO_BACKUP_KEY to the key that it was made with, {again}",
        )
    secret = read_secret(key)
    try:
        vault = Vault(_own_key(secret, (folder / KEY_FILE).read_bytes()), secret)
    except (pyrage.DecryptError, pyrage.IdentityError, UnicodeDecodeError):
        said = manifest["encryption"]
        made_with = said.get("key") if isinstance(said, dict) else secret.kind
        hint = "" if made_with == secret.kind else f": it was made with a key that is: {made_with}"
        raise Refused(
            f"TRASPASO_BACKUP_KEY does not open backup {folder.name}{hint}",
            f"set TRASPASO_BACKUP_KEY to the key that it was made with, {again}",
        ) from None
    if not hmac.compare_digest(vault.seal(manifest), str(manifest.get("seal"))):
        raise StepFailed(
            f"the manifest of {folder.name} was changed since the backup was made",
            f"do not restore it; make a new one: traspaso backup {manifest['system']} create",
        )
    return vault


def _own_key(secret: Secret, wrapped: bytes) -> x25519.Identity:
    if secret.identity is None:
        plain = passphrase.decrypt(wrapped, secret.text)
    else:
        plain = pyrage.decrypt(wrapped, [secret.identity])
    return x25519.Identity.from_str(plain.decode())


class _Remembering(io.BufferedIOBase):
    """A stream that remembers its own error: age hands on only what it was called."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self.error: OSError | None = None

    def write(self, block: Any) -> int:
        try:
            return self._stream.write(block)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self.error = error
            raise


def _run(work: Callable[[], object], writer: _Remembering) -> None:
    try:
        work()
    except (pyrage.EncryptError, pyrage.DecryptError, OSError) as error:
        if writer.error is not None:
            raise writer.error from None
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise StepFailed(
            f"an encrypted file is damaged, or was not made with its key: {error}",
            "do not restore this backup; make a new one",
        ) from None
    if writer.error is not None:
        raise writer.error
