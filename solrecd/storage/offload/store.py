"""The object store: puts, gets, lists and deletes, and checks what it has put.

The only home of obstore. Everything here blocks; after a fork nothing here works, for
obstore has threads of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from solrecd.config.offload import OffloadConfig
from solrecd.process.plain_files import open_plain

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Store

PART: Final = 16 << 20
"""Bytes; what is larger is put in parts of this size, each in memory at once."""

CONNECT_TIMEOUT: Final = "10s"
TIMEOUT: Final = "300s"
"""Of a whole request: 16 MiB over 0.5 Mbit/s."""

_TRIES: Final = 2
"""Further tries of a request; the service has a longer breath."""

_SHOWN: Final = 300
"""Characters of an error that are told."""


class StoreError(Exception):
    """The store did not do what it should; the message is one line without secrets."""


class MissingError(StoreError):
    """There is no such object."""


class Item(NamedTuple):
    """An object of a list."""

    key: str
    etag: str


class Put(NamedTuple):
    """What was put and verified."""

    size: int
    sha256: str


class Store:
    """One prefix of one bucket.

    Args:
        config: where, and with what account.

    Raises:
        StoreError: obstore is not installed, or the configuration cannot be used.
    """

    def __init__(self, config: OffloadConfig) -> None:
        self._prefix = config.bucket.prefix
        self._store = _opened(config)

    def _path(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def put_file(self, key: str, path: Path) -> Put:
        """Copy a file and verify the copy.

        Raises:
            StoreError: it is not there, or is not what was put.
            OSError: the file cannot be read.
        """
        with open_plain(path) as file:
            digest = _Digest()
            while block := file.read(PART):
                digest.add(block)
            file.seek(0)
            return self._put(key, file, digest)

    def put(self, key: str, data: bytes) -> Put:
        """Put an object and verify it; raises `StoreError`."""
        digest = _Digest()
        for start in range(0, len(data), PART):
            digest.add(data[start : start + PART])
        return self._put(key, data, digest)

    def _put(self, key: str, data: Any, digest: _Digest) -> Put:
        import obstore  # noqa: PLC0415 - an extra

        in_parts = digest.size > PART
        with _translated():
            obstore.put(
                self._store,
                self._path(key),
                data,
                use_multipart=in_parts,
                chunk_size=PART,
                max_concurrency=1,
            )
        self._verify(key, digest)
        return Put(digest.size, digest.sha256)

    def _verify(self, key: str, digest: _Digest) -> None:
        """Compare what is in the store with what was put.

        An ETag is the MD5 of an object, or of the MD5s of its parts, where the server
        does not encrypt with keys of its own; where it is something else the object is
        read back.
        """
        import obstore  # noqa: PLC0415

        with _translated():
            found = obstore.head(self._store, self._path(key))
        if found["size"] != digest.size:
            raise StoreError(
                f"{key}: the store has {found['size']} bytes of {digest.size}"
            )
        if (found["e_tag"] or "").strip('"') == digest.etag:
            return
        read = hashlib.sha256()
        with _translated():
            for block in obstore.get(self._store, self._path(key)):
                read.update(block)
        if read.hexdigest() != digest.sha256:
            raise StoreError(f"{key}: the store has other bytes than were put")

    def get(self, key: str) -> bytes:
        """Return an object.

        Raises:
            MissingError: there is none.
            StoreError: it cannot be had.
        """
        import obstore  # noqa: PLC0415

        with _translated():
            return bytes(obstore.get(self._store, self._path(key)).bytes())

    def fetch(self, key: str, path: Path) -> str:
        """Write an object into a file; return its SHA-256; raises as `get` does."""
        import obstore  # noqa: PLC0415

        read = hashlib.sha256()
        with path.open("wb") as file, _translated():
            for block in obstore.get(self._store, self._path(key)):
                read.update(block)
                file.write(block)
        return read.hexdigest()

    def list(self, folder: str) -> Iterator[Item]:
        """Yield the objects below a folder; raises `StoreError`."""
        import obstore  # noqa: PLC0415

        cut = len(self._path(""))
        with _translated():
            for some in obstore.list(self._store, self._path(folder), chunk_size=1000):
                for each in some:
                    yield Item(each["path"][cut:], each["e_tag"] or "")

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects, those that are not there included; raises `StoreError`."""
        import obstore  # noqa: PLC0415

        for key in keys:
            try:
                with _translated():
                    obstore.delete(self._store, self._path(key))
            except MissingError:
                continue


def _opened(config: OffloadConfig) -> S3Store:
    try:
        from obstore.store import S3Store  # noqa: PLC0415 - an extra
    except ImportError:
        raise StoreError(
            "obstore is not installed: pip install 'solrecd[offload]'"
        ) from None
    options: dict[str, Any] = {"region": config.region}
    if config.endpoint:
        options["endpoint"] = config.endpoint
    if config.secret_key is not None:
        options["access_key_id"] = config.access_key
        options["secret_access_key"] = config.secret_key.reveal().decode()
    if config.session_token is not None:
        options["session_token"] = config.session_token.reveal().decode()
    client: ClientConfig = {
        "timeout": TIMEOUT,
        "connect_timeout": CONNECT_TIMEOUT,
        "allow_http": config.endpoint.startswith("http://"),
    }
    try:
        if config.ca_file is not None:
            client["root_certificate"] = Path(config.ca_file).read_bytes()
        with _translated():
            return S3Store(
                config.bucket.name,
                client_options=client,
                retry_config={"max_retries": _TRIES},
                **options,
            )
    except OSError as error:
        raise StoreError(f"{config.ca_file}: {error.strerror or error}") from None


@contextmanager
def _translated() -> Iterator[None]:
    """Turn obstore's errors into `StoreError`, without the chain that has more."""
    from obstore.exceptions import BaseError  # noqa: PLC0415

    try:
        yield
    except FileNotFoundError as error:
        raise MissingError(_first_line(error)) from None
    except (BaseError, ValueError) as error:
        raise StoreError(_first_line(error)) from None


def _first_line(error: Exception) -> str:
    """Return an error's first line; the others are internals, and may quote headers."""
    return str(error).strip().partition("\n")[0][:_SHOWN]


class _Digest:
    """What the store should say of an object, made while it is read in parts."""

    def __init__(self) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> None:
        """Take the next part, of `PART` bytes but for the last."""
        self.size += len(part)
        self._sha256.update(part)
        # No secret is kept by it: S3's ETag is made like this.
        self._parts.append(hashlib.md5(part, usedforsecurity=False).digest())

    @property
    def sha256(self) -> str:
        """Hexadecimal."""
        return self._sha256.hexdigest()

    @property
    def etag(self) -> str:
        """As S3 makes it of an object put at once, or in these parts."""
        if self.size <= PART:
            return b"".join(self._parts).hex()
        whole = hashlib.md5(b"".join(self._parts), usedforsecurity=False)
        return f"{whole.hexdigest()}-{len(self._parts)}"
