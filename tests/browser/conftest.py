"""A browser, a recorder with consoles of programs, and a fleet of rows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.peers import need
from tests.support.ports import free_port
from tests.support.recorder import Recorder, wait_until

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MODULES = ROOT / "build" / "browser" / "node_modules"

PATIENCE = 300.0
"""Seconds for a scenario of some, on a host that is busy with other tests."""

ATTACK = (
    '<script>window.attacked=1</script><img class="attack" src=x onerror='
    '"window.attacked=1"><b class="attack">"\'><svg onload=window.attacked=1>'
    "{{ 7*7 }} &lt;b class=attack&gt; javascript:window.attacked=1"
)
"""What is no text in some place of a page, unless that place makes it text."""

SHELL = """\
printf 'Linux version 6.1.0-attack (%s)\\r\\n' "$ATTACK"
printf '\\033]0;%s\\007\\r\\n' "$ATTACK"
printf '\\033]8;;javascript:window.attacked=1\\007link\\033]8;;\\007\\r\\n'
printf '%s\\r\\n' "$ATTACK"
printf 'Kernel panic - not syncing: %s\\r\\n' "$ATTACK"
stty sane
printf 'ready> '
while read line; do printf 'you typed [%s]\\r\\nready> ' "$line"; done
"""

Drive = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    is_there = MODULES.exists() and shutil.which("chromium") is not None
    need("needs chromium and `make browser`", available=is_there)


@pytest.fixture(scope="session")
def drive() -> Drive:
    """Return what plays a scenario and returns what was seen; no page may complain."""

    def play(
        scenario: str, link: str, tell: Callable[[str], None] | None = None, **wish: Any
    ) -> dict[str, Any]:
        with subprocess.Popen(
            ["node", HERE / "drive.js"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "BROWSER_MODULES": str(MODULES)},
        ) as node:
            timer = threading.Timer(PATIENCE, node.kill)
            timer.start()
            assert node.stdin is not None
            assert node.stdout is not None
            assert node.stderr is not None
            json.dump({"scenario": scenario, "link": link, **wish}, node.stdin)
            node.stdin.close()
            told = []
            for line in node.stderr:
                told.append(line)
                if tell is not None:
                    tell(line.strip())
            output = node.stdout.read()
            timer.cancel()
        assert node.returncode == 0, "".join(told)
        found = json.loads(output)
        assert found["problems"] == []
        seen: dict[str, Any] = found["seen"]
        return seen

    return play


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """Return a recorder of two consoles that print attacks and take what is typed."""
    folder = tmp_path_factory.mktemp("recorder")
    script = folder / "shell"
    script.write_text(SHELL)
    consoles = f'[web]\nlisten = "127.0.0.1:{free_port()}"\n'
    for name in ("shell", "other"):
        consoles += (
            f'[console.{name}]\nkind = "exec"\nlabels = {{ rack = "r1" }}\n'
            f'command = ["/usr/bin/env", {json.dumps("ATTACK=" + ATTACK)},'
            f' "/bin/sh", "{script}"]\n'
        )
    with Recorder(folder / "run") as made:
        made.configure(consoles)
        made.start()
        for name in ("shell", "other"):
            wait_until(lambda: made.boots(name), _is_over, seconds=60)  # noqa: B023
        ctl(made, "note", "shell", ATTACK)
        yield made


def _is_over(boots: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the index has the failure that the console prints."""
    return any(boot["outcome"] == "failed" for boot in boots)


def ctl(recorder: Recorder, *arguments: str) -> str:
    """Return what `solrecctl` prints."""
    program = Path(sys.executable).with_name("solrecctl")
    done = subprocess.run(
        [program, "-c", recorder.configuration, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture
def link(recorder: Recorder) -> str:
    """Return a link of `solrecctl web`."""
    return ctl(recorder, "web").strip()


@pytest.fixture(scope="module")
def fleet_links() -> Iterator[Callable[[int], list[str]]]:
    """Return what serves so many rows; links of an operator and of a viewer."""
    started: list[subprocess.Popen[str]] = []

    def start(count: int) -> list[str]:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.fleet", str(count)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(server)
        assert server.stdout is not None
        return [server.stdout.readline().strip() for _ in range(2)]

    yield start
    for server in started:
        # Leaving it waits for its end and closes the pipe.
        with server:
            server.kill()
