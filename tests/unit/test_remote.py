"""How `solrecctl` knows what to show a distant daemon."""

from pathlib import Path

import pytest

from solrecd.api.remote import RemoteError, default_server, remote_for
from tests.support.certificates import Authority

URL = "https://recorder.example.net:9622"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "solrecd").mkdir()
    return tmp_path


def configure(home: Path, text: str) -> dict[str, str]:
    (home / "solrecd/client.toml").write_text(text)
    return {"XDG_CONFIG_HOME": str(home)}


def token_file(home: Path, content: str = "secret\n", mode: int = 0o600) -> Path:
    path = home / "token"
    path.touch(mode)
    path.write_text(content)
    path.chmod(mode)
    return path


def test_without_anything_there_is_no_token(home: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(home)}

    assert remote_for(URL, environ).token is None
    assert default_server(environ) is None


def test_a_token_is_for_the_server_that_it_is_written_beside(home: Path) -> None:
    text = f'default = "{URL}"\n["{URL}"]\ntoken_file = "{token_file(home)}"\n'
    environ = configure(home, text)

    assert default_server(environ) == URL
    assert remote_for(URL, environ).token == "secret"
    assert remote_for(f"{URL}/", environ).token == "secret"
    assert remote_for("https://other.example.net", environ).token is None


def test_a_variable_names_a_token_for_this_once(home: Path) -> None:
    environ = {
        "XDG_CONFIG_HOME": str(home),
        "SOLRECCTL_TOKEN_FILE": str(token_file(home)),
    }

    remote = remote_for(URL, environ)

    assert remote.token == "secret"
    assert "secret" not in repr(remote)


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        ("secret", 0o644, "chmod 600"),
        ("", 0o600, "is empty"),
        ("two\nlines", 0o600, "holds no token"),
        ("umläut", 0o600, "holds no token"),
        ("a\r\nX-Evil: 1", 0o600, "holds no token"),
    ],
)
def test_a_token_file_that_is_none_is_told(
    home: Path, content: str, mode: int, words: str
) -> None:
    path = token_file(home, content, mode)

    with pytest.raises(RemoteError, match=words):
        remote_for(URL, {"SOLRECCTL_TOKEN_FILE": str(path), "HOME": str(home)})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", r"client\.toml: "),
        (f'["{URL}"]\ntoken = "x"', "allows token_file, ca, certificate, key"),
        (f'["{URL}"]\nca = "/gone"', "cannot use /gone: No such file"),
    ],
)
def test_a_mistake_in_the_file_is_told(home: Path, text: str, words: str) -> None:
    with pytest.raises(RemoteError, match=words):
        remote_for(URL, configure(home, text))


def test_certificates_are_shown(home: Path) -> None:
    authority = Authority(home)
    pair = authority.issue("alice")
    text = (
        f'["{URL}"]\nca = "{authority.certificate}"\n'
        f'certificate = "{pair.certificate}"\nkey = "{pair.key}"\n'
    )

    context = remote_for(URL, configure(home, text)).context

    assert len(context.get_ca_certs()) == 1
