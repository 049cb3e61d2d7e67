"""Where answers come from: the daemon, the archive folder, the index.

Most imports stand in functions: a command imports what its question needs, and
`solrecctl` starts within 80 ms.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solrecd.api.console_objects import labels_of
from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared import names
from solrecd.cli.shared.names import Labels
from solrecd.cli.shared.output import warn

if TYPE_CHECKING:
    from solrecd.analysis.boot.rules import RuleSet
    from solrecd.api.client import Client
    from solrecd.storage.history.segments import Archive
    from solrecd.storage.offload.reading import StoreArchive

# The defaults of the [daemon] table. They live in solrecd.config, whose import takes
# longer than a whole `solrecctl ls`; a test keeps the two alike.
DEFAULT_CONFIG = "/etc/solrecd/solrecd.toml"
DEFAULT_PATHS: Mapping[str, str] = {
    "log_dir": "/var/log/solrecd",
    "state_dir": "/var/lib/solrecd",
    "control": "/run/solrecd/control.sock",
    "markers_dir": "/etc/solrecd/markers.d",
}

_NOT_FOUND = 404
_SHOWN = 5
"""Consoles that an error names."""


class Source:
    """What the common options point at."""

    def __init__(self, args: argparse.Namespace) -> None:
        """Read nothing yet."""
        self._server: str | None = args.server
        self._config: str | None = args.config or os.environ.get("SOLRECCTL_CONFIG")
        if args.server is None and args.config is None:
            # An option counts more than the environment does.
            self._server = os.environ.get("SOLRECCTL_SERVER")
        self._folder: str | None = args.dir

    @property
    def is_folder(self) -> bool:
        """Whether ``--dir`` was given: no daemon is asked then."""
        return self._folder is not None

    @cached_property
    def _paths(self) -> Mapping[str, str]:
        return {**DEFAULT_PATHS, **_daemon_table(self._config)}

    @cached_property
    def _address(self) -> str:
        """The daemon's, as given, or as people have it in their own file."""
        default = None if self._config else _default_server()
        return self._server or default or self._paths["control"]

    @property
    def is_distant(self) -> bool:
        """Whether the daemon, and so its archive, is on another machine."""
        return not self.is_folder and self._address.startswith("https://")

    @property
    def is_store(self) -> bool:
        """Whether ``--dir`` names an archive in an object store."""
        return self._folder is not None and self._folder.startswith("s3://")

    def _require_here(self) -> None:
        if self.is_store:
            raise CommandError(
                f"this is not done in {self._folder}: copy it here first"
            )
        if self.is_distant:
            raise CommandError(
                f"archives are read where they are, and those of {self._address} are"
                " there: run this there, or give --dir ARCHIVE"
            )

    @property
    def log_dir(self) -> Path:
        """The archive folder."""
        self._require_here()
        return Path(self._folder or self._paths["log_dir"])

    @property
    def index_path(self) -> Path:
        """Where the index is, or would be."""
        self._require_here()
        if self._folder is None:
            return Path(self._paths["state_dir"]) / "index.sqlite"
        inside, above = self.log_dir / "index.sqlite", self.log_dir.absolute().parent
        places = (inside, above / "index.sqlite", above / "state" / "index.sqlite")
        return next((place for place in places if place.exists()), inside)

    @property
    def markers_dir(self) -> str:
        """The folder of marker files that the daemon reads."""
        return self._paths["markers_dir"]

    @cached_property
    def archive(self) -> Archive:
        """The archive; commands that only ask the daemon never import it."""
        if self.is_store:
            return self.store_archive
        from solrecd.storage.history.segments import Archive  # noqa: PLC0415

        return Archive(self.log_dir)

    @cached_property
    def store_archive(self) -> StoreArchive:
        """The archive in the object store that ``--dir`` names.

        Raises:
            CommandError: it cannot be opened.
        """
        from solrecd.cli.shared.store import open_archive  # noqa: PLC0415

        return open_archive(self._folder or "", self._config)

    @cached_property
    def daemon(self) -> Client:
        """The daemon, whether it answers or not.

        Raises:
            CommandError: an archive was named.
        """
        if self.is_folder:
            raise CommandError("this needs the daemon, not an archive: leave --dir out")
        return self._client

    @cached_property
    def _client(self) -> Client:
        from solrecd.api.client import Client  # noqa: PLC0415

        return Client(self._address)

    def recorded(self) -> list[str]:
        """Return the names of the consoles that the daemon knows."""
        with asking():
            return [row["console"] for row in self.daemon.get("/v1/consoles")]

    def archived(self) -> list[str]:
        """Return the names of the consoles that the archive holds."""
        with reading_archive():
            return self.archive.consoles()

    def choose(self, words: Iterable[str], known: Collection[str]) -> list[str]:
        """Return those of the known consoles that words mean (`names.select`).

        Raises:
            CommandError: a word means none; one that the daemon knows and that nothing
                was recorded of is told as that.
        """
        wanted = list(words)
        try:
            return names.select(wanted, list(known), self.labels)
        except CommandError as error:
            rows = self._daemons_rows() if error.status == Exit.NO else {}
            both = list(dict.fromkeys([*known, *rows]))
            if len(both) == len(known):
                raise
            found = names.select(wanted, both, self.labels)
            return _recorded_of(found, known, rows)

    def choose_one(self, word: str, known: Collection[str]) -> str:
        """Return the one known console that a word means (`names.select_one`)."""
        return names.only(word, self.choose([word], known))

    def nothing_recorded(self, name: str) -> str:
        """Return a line that says so, and how the session is where the daemon knows."""
        return _nothing_recorded(name, self._daemons_rows().get(name))

    def _daemons_rows(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the daemon's objects by name; none where it does not answer."""
        from solrecd.api.client import ApiError, UnreachableError  # noqa: PLC0415

        if self.is_folder:
            return {}
        try:
            return {row["console"]: row for row in self.daemon.get("/v1/consoles")}
        except (ApiError, UnreachableError):
            return {}

    def labels(self) -> Labels:
        """Return the labels of all consoles; the daemon knows them."""
        with asking():
            found: list[dict[str, Any]] = self._client.get("/v1/consoles")
        return {each["console"]: labels_of(each) for each in found}

    def machines(self) -> Mapping[str, str]:
        """Return the machines of consoles that have one, as far as a daemon tells."""
        rows = self._daemons_rows()
        return {
            name: row["machine"] for name, row in rows.items() if row.get("machine")
        }


def _recorded_of(
    found: Sequence[str],
    known: Collection[str],
    rows: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    """Return those with a record; tell of the others.

    Raises:
        CommandError: none has one.
    """
    recorded = [name for name in found if name in known]
    told = [_nothing_recorded(name, rows[name]) for name in found if name not in known]
    if not recorded:
        raise CommandError("; ".join(told[:_SHOWN]), Exit.NO)
    for text in told:
        warn(text)
    return recorded


def _nothing_recorded(name: str, row: Mapping[str, Any] | None) -> str:
    # Imported here: only an answer that is empty needs it.
    from solrecd.cli.shared.sessions import session_words  # noqa: PLC0415

    how = "" if row is None else f"; {session_words(row)}"
    return f"{name}: nothing recorded yet{how}"


@contextmanager
def asking() -> Iterator[None]:
    """Turn the client's errors into one line and an exit status."""
    from solrecd.api.client import ApiError, UnreachableError  # noqa: PLC0415

    try:
        yield
    except UnreachableError as error:
        raise CommandError(str(error), Exit.UNREACHABLE) from None
    except ApiError as error:
        status = Exit.NO if error.status == _NOT_FOUND else Exit.USAGE
        raise CommandError(str(error), status) from None


@contextmanager
def reading_archive() -> Iterator[None]:
    """Turn an archive that is not there into one line and an exit status."""
    from solrecd.storage.history.segments import NoArchiveError  # noqa: PLC0415

    try:
        yield
    except NoArchiveError as error:
        raise CommandError(f"no archive: {error}") from None


def marker_rules(folder: str) -> RuleSet:
    """Return the marker rules, a folder's own among them; it need not exist."""
    # Imported here: loading them takes longer than most commands.
    from solrecd.storage import marker_files  # noqa: PLC0415

    try:
        return marker_files.load(folder)
    except marker_files.RuleError as error:
        raise CommandError(str(error)) from None


def _default_server() -> str | None:
    """Return the server that the user's own file names; usually there is none."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
    if not os.path.exists(f"{home}/solrecd/client.toml"):  # noqa: PTH110 - in a hurry
        return None
    # Imported here: it brings TLS along.
    from solrecd.api.remote import RemoteError, default_server  # noqa: PLC0415

    try:
        return default_server()
    except RemoteError as error:
        raise CommandError(str(error)) from None


def _daemon_table(path: str | None) -> Mapping[str, str]:
    """Return the paths that the configuration sets, its drop-ins included.

    A file that cannot be read stops no question, unless it was named: a
    daemon goes on with the configuration that it has.
    """
    main = Path(path or DEFAULT_CONFIG)
    found: dict[str, str] = {}
    for file in (main, *sorted((main.parent / "conf.d").glob("*.toml"))):
        is_wanted = path is not None and file == main
        try:
            table = _parse(file.read_text("utf-8")).get("daemon", {})
        except OSError as error:
            # Passwords may stand in it: people who may not read it can still use the
            # default paths.
            if is_wanted:
                raise CommandError(f"{file}: {error.strerror}") from None
        except ValueError as error:
            if is_wanted:
                raise CommandError(f"{file}: {error}") from None
            warn(f"{file}: {error}; see solrecd check")
        else:
            found |= {key: table[key] for key in DEFAULT_PATHS if key in table}
    return found


def _parse(text: str) -> dict[str, Any]:
    # Imported here: often there is no file to read.
    import tomllib  # noqa: PLC0415

    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
