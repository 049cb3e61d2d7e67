"""A password is where it has to be, and nowhere else, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.recorder import Recorder
from tests.support.simulators import BmcFleet

PORT = 9625
SECRET = "Tr0ub4dor-and-3"
WRONG = "c0rrect-horse"

CONSOLES = """
[defaults]
username = "recorder"
[console.good]
bmc = "{address}"
password_file = "{folder}/password"
[console.wrong]
bmc = "{address}"
password = "{wrong}"
[console.dead]
bmc = "127.0.0.1:9"
password_file = "{folder}/password"
"""


def everything_shown(recorder: Recorder) -> Iterator[tuple[str, str]]:
    """Yield all that people, tools and files get to see, with where it is."""
    process = Path(f"/proc/{recorder.pid}")
    for name in ("cmdline", "environ"):
        yield name, (process / name).read_text()
    for command in (["ls"], ["status", "*"], ["events"], ["boots"]):
        yield " ".join(command), repr(recorder.solrecctl(*command))
    yield "metrics", recorder._scrape()
    yield "log", recorder.messages
    for path in recorder.directory.rglob("*"):
        if path.is_file() and path != recorder.configuration:
            yield str(path), path.read_bytes().decode(errors="replace")


def shown(recorder: Recorder) -> Mapping[str, str]:
    """Return where one of the passwords can be seen."""
    return {
        place: secret
        for place, text in everything_shown(recorder)
        for secret in (SECRET, WRONG)
        if secret in text
    }


def test_a_password_is_shown_nowhere_through_failures_and_a_crash(
    tmp_path: Path,
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "password").touch(mode=0o600)
    (secrets / "password").write_text("secret")
    with (
        BmcFleet(1, port=PORT, rate=20) as fleet,
        Recorder(tmp_path / "solrecd") as recorder,
    ):
        (address,) = fleet.addresses.values()
        recorder.configure(
            'log_level = "debug"\n'
            + CONSOLES.format(address=address, folder=secrets, wrong=WRONG)
        )
        recorder.start()
        up = recorder.wait_session("good", "up")
        wrong = recorder.wait_session("wrong", "down")
        # The right one was used; from now on a password that nothing else contains.
        (secrets / "password").write_text(SECRET)
        recorder.reload()
        changed = recorder.wait_session("good", "down")
        running = shown(recorder)
        recorder.kill()
        recorder.start()
        recorder.wait_session("good", "down")
        after_the_crash = shown(recorder)

    assert up["session"] == "up"
    assert "password" in wrong["error"]
    assert "password" in changed["error"]
    assert running == after_the_crash == {}


def test_a_password_that_others_may_read_is_refused_with_the_remedy(
    tmp_path: Path,
) -> None:
    (tmp_path / "password").write_text(SECRET)
    (tmp_path / "password").chmod(0o640)
    recorder = Recorder(tmp_path / "solrecd")
    recorder.configure(
        CONSOLES.format(address="127.0.0.1", folder=tmp_path, wrong=WRONG)
    )

    recorder.launch()
    status = recorder.wait()
    said = recorder.messages
    recorder.__exit__(None, None, None)

    assert status == 2
    assert "chmod 600" in said
    assert str(tmp_path / "password") in said
    assert SECRET not in said
    assert "Traceback" not in said
