"""Where answers come from when the configuration is not what it should be."""

import argparse
from pathlib import Path

import pytest

from solrecd.cli.program import CommandError
from solrecd.cli.shared.source import Source


def source(config: Path | None) -> Source:
    path = None if config is None else str(config)
    return Source(argparse.Namespace(server=None, config=path, dir=None))


@pytest.fixture
def main(tmp_path: Path) -> Path:
    """Return a configuration whose folder of drop-ins is empty."""
    (tmp_path / "conf.d").mkdir()
    path = tmp_path / "solrecd.toml"
    path.write_text('[daemon]\ncontrol = "/run/one.sock"\nlog_dir = "/srv/log"\n')
    return path


def test_drop_ins_say_where_the_daemon_is_too(main: Path) -> None:
    (main.parent / "conf.d/a.toml").write_text('[daemon]\nlog_dir = "/srv/two"\n')

    assert source(main).daemon.address == "/run/one.sock"
    assert source(main).log_dir == Path("/srv/two")


def test_a_broken_drop_in_keeps_no_user_from_asking_the_daemon(
    main: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (main.parent / "conf.d/a.toml").write_text("[daemon\n")

    assert source(main).daemon.address == "/run/one.sock"
    assert "a.toml: Expected" in capsys.readouterr().err


@pytest.mark.parametrize("text", [None, "[daemon\n"])
def test_a_file_that_was_named_has_to_be_readable(main: Path, text: str | None) -> None:
    main.unlink() if text is None else main.write_text(text)

    with pytest.raises(CommandError, match=r"solrecd\.toml"):
        source(main).daemon.get("/")


def test_without_a_configuration_the_default_paths_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = str(tmp_path / "none.toml")
    monkeypatch.setattr("solrecd.cli.shared.source.DEFAULT_CONFIG", missing)

    assert source(None).daemon.address == "/run/solrecd/control.sock"


def test_the_environment_names_configuration_and_server(
    main: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLRECCTL_CONFIG", str(main))
    assert source(None).daemon.address == "/run/one.sock"

    monkeypatch.setenv("SOLRECCTL_SERVER", "/run/two.sock")
    assert source(None).daemon.address == "/run/two.sock"
    assert source(None).log_dir == Path("/srv/log")


def test_an_option_overrides_the_environment(
    main: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLRECCTL_CONFIG", "/nowhere")
    monkeypatch.setenv("SOLRECCTL_SERVER", "/run/two.sock")

    assert source(main).daemon.address == "/run/one.sock"
