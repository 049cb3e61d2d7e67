"""Reading the configuration from the machine."""

from pathlib import Path

import pytest

from solrecd.cli.shared.config_files import load, read_sources
from solrecd.config import ConfigError
from tests.support.configs import bmc_of

CONSOLE = '[console.n1]\nbmc = "b"\nusername = "u"\n'


def write(path: Path, text: str | bytes, *, mode: int = 0o600) -> str:
    """Write a file of that mode and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return str(path)


def test_drop_ins_are_read_after_the_main_file_by_name(tmp_path: Path) -> None:
    main = write(tmp_path / "solrecd.toml", "[daemon]\n")
    second = write(tmp_path / "conf.d/20-b.toml", "")
    first = write(tmp_path / "conf.d/10-a.toml", "", mode=0o644)
    write(tmp_path / "conf.d/notes.txt", "not TOML")

    sources = read_sources(main)

    assert [source.path for source in sources] == [main, first, second]
    assert [source.mode for source in sources] == [0o600, 0o644, 0o600]


def test_a_password_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    password = write(tmp_path / "pw", "secret\n", mode=0o640)
    main = write(tmp_path / "c.toml", f'{CONSOLE}password_file = "{password}"\n')

    with pytest.raises(ConfigError, match="has mode 0640, so that others can read it"):
        load(main, environ={})


def test_a_password_file_of_ones_own_is_read(tmp_path: Path) -> None:
    password = write(tmp_path / "pw", "secret\n")
    main = write(tmp_path / "c.toml", f'{CONSOLE}password_file = "{password}"\n')

    config = load(main, environ={})

    assert bmc_of(config, "n1").password.reveal() == b"secret"


def test_credentials_are_where_systemd_says(tmp_path: Path) -> None:
    write(tmp_path / "credentials/bmc", "secret")
    main = write(tmp_path / "c.toml", f'{CONSOLE}password_credential = "bmc"\n')

    config = load(
        main, environ={"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    )

    assert bmc_of(config, "n1").password.reveal() == b"secret"


def test_a_person_may_check_what_only_the_service_has_credentials_for(
    tmp_path: Path,
) -> None:
    credentials = 'password_credential = "bmc"\nkg_credential = "kg"\n'
    main = write(tmp_path / "c.toml", CONSOLE + credentials)

    assert load(main, environ={}, assume_credentials=True).consoles
    with pytest.raises(ConfigError, match="needs systemd"):
        load(main, environ={})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "absent.toml")

    with pytest.raises(ConfigError) as caught:
        load(path, environ={})

    assert str(caught.value) == f"{path}: cannot be read: No such file or directory"


def test_every_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    main = write(tmp_path / "c.toml", b"[daemon]\n# caf\xe9\n")
    (tmp_path / "conf.d/x.toml").mkdir(parents=True)

    with pytest.raises(ConfigError) as caught:
        load(main, environ={})

    assert str(caught.value).splitlines() == [
        f"{main}: is not UTF-8: byte 14 is 0xe9",
        f"{tmp_path}/conf.d/x.toml: cannot be read: Is a directory",
    ]
