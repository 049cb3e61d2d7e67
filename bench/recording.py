"""Our daemon as the benchmarks run it: every default, except where it says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.recorder import Recorder
from tests.support.simulators import PASSWORD, USERNAME

_DEFAULTS = f"""
[defaults]
username = "{USERNAME}"
password = "{PASSWORD}"
cipher_suites = [3]
"""


@contextmanager
def recording(
    directory: Path, addresses: Mapping[str, str], daemon_settings: str = ""
) -> Iterator[Recorder]:
    """Run the daemon with one console per address.

    Args:
        directory: a new folder.
        addresses: ``host:port`` of the BMC of each console.
        daemon_settings: more keys of the ``[daemon]`` table.
    """
    tables = (
        f'[console.{name}]\nbmc = "{address}"\n' for name, address in addresses.items()
    )
    with running(directory, daemon_settings, _DEFAULTS + "".join(tables)) as recorder:
        yield recorder


@contextmanager
def running(directory: Path, daemon_settings: str, consoles: str) -> Iterator[Recorder]:
    """Run the daemon.

    Args:
        directory: a new folder.
        daemon_settings: more keys of the ``[daemon]`` table.
        consoles: all other tables, as TOML.
    """
    with TemporaryDirectory(dir="/dev/shm") as memory, Recorder(directory) as recorder:
        # In memory, as /run is; the tests' folder is on a disk.
        settings = f'journal = "{memory}/journal"\n{daemon_settings}'
        recorder.configure(settings + consoles)
        recorder.start()
        yield recorder
