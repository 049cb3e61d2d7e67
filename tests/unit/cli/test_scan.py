"""`solrecctl scan` reads any console log and keeps its line numbers."""

from __future__ import annotations

import argparse
import gc
import gzip
import io
import json
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from solrecd.cli import program, solrecctl
from solrecd.cli.commands import scan
from solrecd.events.event import Event
from solrecd.process.stamps import format_stamp
from solrecd.storage import marker_files

LOG = (
    b"[    0.000000] Linux version 6.1.0 (builder@example.org) (gcc) #1\n"
    b"[    5.000000] example: fine\n"
    b"[    9.000000] Kernel panic - not syncing: example\n"
)


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    """The command switches the collector off, for its own process."""
    yield
    gc.enable()


def run(*args: str) -> int:
    parser = argparse.ArgumentParser()
    scan.add_arguments(parser)
    return scan.main(parser.parse_args(args))


def test_events_are_printed_with_their_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").write_bytes(LOG)

    status = run("--json", str(tmp_path / "a.log"))

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == 0
    assert [(e["name"], e["line"]) for e in events] == [("kernel", 1), ("panic", 3)]
    assert "file" not in events[0]


@pytest.mark.parametrize(
    "pack", [gzip.compress, lzma.compress, zstandard.ZstdCompressor().compress]
)
def test_packed_files_are_unpacked_whatever_their_name(
    pack: Callable[[bytes], bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "console").write_bytes(pack(LOG))

    assert run(str(tmp_path / "console")) == 0
    assert "Kernel panic" in capsys.readouterr().out


def test_several_files_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(LOG)

    run("--json", str(tmp_path / "a"), str(tmp_path / "b"))

    files = {json.loads(line)["file"] for line in capsys.readouterr().out.splitlines()}
    assert files == {str(tmp_path / "a"), str(tmp_path / "b")}


def test_archived_lines_give_their_times_and_notes_are_no_output() -> None:
    stamps = [format_stamp(1_700_000_000_000_000 + n) for n in range(3)]
    archived = (
        f"{stamps[0]} | [    1.000000] example: fine\n"
        f"{stamps[1]} # gap: Kernel panic - not syncing: a note\n"
        f"{stamps[2]} | [    9.000000] Kernel panic - not syncing: example\n"
    ).encode()

    found = scan.look(io.BytesIO(archived), "x", marker_files.load(), explain=False)

    events = [each for each in found if isinstance(each, Event)]

    assert [(e.name, e.line, format_stamp(e.time)) for e in events] == [
        ("panic", 3, stamps[2])
    ]


def test_a_healthy_log_has_nothing_to_tell(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"all is well\n")

    assert run(str(tmp_path / "a")) == 1


def test_a_missing_file_is_said_and_the_others_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").write_bytes(LOG)

    status = run(str(tmp_path / "none"), str(tmp_path / "a"))

    captured = capsys.readouterr()
    assert status == 2
    assert (
        captured.err == f"solrecctl scan: {tmp_path}/none: No such file or directory\n"
    )
    assert "Kernel panic" in captured.out


KERNEL = "[    0.000000] Linux version 6.1.0 (builder@example.org) (gcc) #1\n"
PANIC = "Kernel panic - not syncing: example"
OOPS = (
    "[    9.000000] BUG: kernel NULL pointer dereference, address: 18\n"
    "[    9.000001] Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
    "[    9.000002] RIP: 0010:example_read+0x1c/0x80\n"
    "[    9.000003] Kernel panic - not syncing: Fatal exception\n"
)
LOCKUP = "BUG: spinlock lockup suspected on CPU#3, gdbus/2329\n"


@pytest.mark.parametrize(
    ("text", "line", "why", "rule", "explanation"),
    [
        (
            "mce: CPU supports 32 MCE banks\n",
            1,
            "harmless",
            "no.mce-support",
            "but is not",
        ),
        (
            f"[    9.123456] {PANIC}\nNov 17 04:03:47 n kernel: [    9.123456] {PANIC}",
            *(2, "copy", "panic", "syslog's copy of what was printed before"),
        ),
        (f"[Fri Nov 17 04:03:47 2023] {PANIC}\n", 1, "echo", "panic", "old messages"),
        (f"root@n1:~# echo {PANIC}\n", 1, "echo", "panic", "a user typed it"),
        (
            "Nov 17 04:03:47 n1 kernel: " + KERNEL,
            *(1, "copy", "linux.version", "syslog's copy"),
        ),
        (f"mount: bad option '{PANIC}'\n", 1, "quoted", "panic", "the beginning of"),
        (OOPS, 2, "part", "oops.oops", "merged into the oops that begins in line 1"),
        (OOPS, 4, "part", "panic", "merged into the oops that begins in line 1"),
        (
            LOCKUP + "example: fine\n" * 200 + LOCKUP,
            *(202, "repeat", "lock.spin", "reported already in line 1"),
        ),
        (
            KERNEL
            + "INIT: version 2.88 booting\n[    9.000000] Run /init as init process\n",
            *(3, "known", "linux.initramfs", "the boot is at init already"),
        ),
        (KERNEL * 2, 2, "known", "linux.version", "the boot is at kernel already"),
        (
            'BdsDxe: failed to load Boot0001 "x" from y: Access Denied -- not today\n',
            *(1, "none", "", ""),
        ),
    ],
)
def test_lines_that_only_look_like_events_are_explained(
    text: str,
    line: int,
    why: str,
    rule: str,
    explanation: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "a.log").write_text(text)

    run("--json", "--explain", str(tmp_path / "a.log"))

    printed = map(json.loads, capsys.readouterr().out.splitlines())
    ignored = {each["line"]: each for each in printed if "ignored" in each}
    if why == "none":
        assert ignored == {}
        return
    assert (ignored[line]["ignored"], ignored[line]["rule"]) == (why, rule)
    assert explanation in ignored[line]["explanation"]


def test_a_rule_that_is_switched_off_is_named_with_the_file_that_does_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "site.toml").write_text("disable = ['panic']\n")
    (tmp_path / "a.log").write_text(f"[    9.000000] {PANIC}\n")

    run("--explain", "--markers", str(tmp_path), str(tmp_path / "a.log"))

    assert capsys.readouterr().out.splitlines() == [
        f"     1  ignored   switched off      {PANIC}",
        f"        rule panic: {tmp_path}/site.toml switches it off",
    ]


def test_what_a_rule_excludes_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "site.toml").write_text(
        "[[marker]]\nid = 'site.raid'\nrole = 'failure'\nname = 'raid'\n"
        "pattern = 'RAID degraded'\nunless = 'test'\nexample = 'RAID degraded'\n"
    )
    (tmp_path / "a.log").write_text("RAID degraded (test)\nRAID degraded\n")

    run("--explain", "--markers", str(tmp_path), str(tmp_path / "a.log"))

    place = f"rule site.raid ({tmp_path}/site.toml:1)"
    assert capsys.readouterr().out.splitlines() == [
        "     1  ignored   excluded          RAID degraded (test)",
        f"        {place}: the rule's unless excludes it",
        "     2  info      raid              RAID degraded",
        f"        {place}",
    ]


def test_events_and_what_is_none_come_in_the_order_of_their_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").write_text(OOPS + KERNEL + "mce: CPU supports 32 MCE banks\n")

    run("--json", "--explain", str(tmp_path / "a.log"))

    lines = [json.loads(line)["line"] for line in capsys.readouterr().out.splitlines()]
    assert lines == sorted(lines)
    assert len(lines) > 3


def test_the_rules_are_those_that_the_configuration_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "markers").mkdir()
    (tmp_path / "markers" / "site.toml").write_text("disable = ['panic']\n")
    config = tmp_path / "solrecd.toml"
    config.write_text(f"[daemon]\nmarkers_dir = '{tmp_path}/markers'\n")
    (tmp_path / "a.log").write_text(f"[    9.000000] {PANIC}\n")

    status = program.run(
        solrecctl.PROGRAM, ["scan", "-c", str(config), str(tmp_path / "a.log")]
    )

    assert (status, capsys.readouterr().out) == (1, "")


def test_a_bad_rule_of_ones_own_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.toml").write_text('[[marker]]\nid = "mine"\n')

    status = run("--markers", str(tmp_path), "/dev/null")

    assert status == 2
    assert f"{tmp_path}/mine.toml:1: mine: role is missing" in capsys.readouterr().err


def test_a_line_without_a_rule_is_explained_by_the_rule_that_it_is_most_like(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").write_text("Kernel: could not find the kernel: linux\n")

    run("--json", "--explain", str(tmp_path / "a.log"))

    (told,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (told["ignored"], told["rule"]) == ("near", "syslinux.fail")
    assert told["explanation"] == "most like this rule, but lacks: image"


STOPPED = (
    "[    0.000000] Linux version 6.1.0 (builder@example.org) (gcc) #1 SMP\n"
    "[    2.000000] Run /init as init process\n"
    "connecting to nas7.storage.example.org (192.0.2.7, 2001:db8::7) at 09:15:33\n"
    "iface 52:54:00:12:34:56, again 192.0.2.7, serial number: XK-4711\n"
    "site-agent: giving up, backend answered 503\n"
)


def test_the_end_of_a_boot_that_no_rule_explains_is_reported_without_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").write_text(STOPPED)

    status = run("--report-unknown", str(tmp_path / "a.log"))

    shown = capsys.readouterr().out
    assert status == 0
    assert shown.startswith("boot 1: running in stage initramfs, unexplained\n")
    assert "connecting to <name-1> (<ipv4-1>, <ipv6-1>) at 09:15:33" in shown
    assert "iface <mac-1>, again <ipv4-1>, serial number: <serial-1>" in shown
    assert "site-agent: giving up, backend answered 503" in shown


@pytest.mark.parametrize("end", ["node01 login: \n", f"[    9.000000] {PANIC}\n"])
def test_boots_that_ended_well_or_said_why_not_are_not_reported(
    end: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").write_text(STOPPED + end)

    status = run("--report-unknown", str(tmp_path / "a.log"))

    assert (status, capsys.readouterr().out) == (1, "")


def test_an_excerpt_is_an_object_for_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").write_text(STOPPED)

    run("--report-unknown", "--json", str(tmp_path / "a.log"))

    (excerpt,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (excerpt["boot"], excerpt["outcome"], excerpt["stage"]) == (
        *(1, "running"),
        "initramfs",
    )
    assert excerpt["lines"][-1] == "site-agent: giving up, backend answered 503"


def test_each_boot_of_a_log_is_reported_for_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").write_text(
        STOPPED + "SeaBIOS (version 1.16)\n" + STOPPED + "node01 login: \n"
    )

    run("--report-unknown", str(tmp_path / "a.log"))

    shown = capsys.readouterr().out
    # A reset without a word is a failure, but no reason.
    assert [line for line in shown.splitlines() if line.startswith("boot")] == [
        "boot 1: failed in stage initramfs, unexplained"
    ]
