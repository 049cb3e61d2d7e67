#!/bin/bash
# Trio: a MockClock that jumps does not wait for worker threads
#
# Guess:   virtual time jumps when nothing is left to do, and a thread at work is something.
# Truth:   tasks that wait for a thread count as idle: the clock jumps to the next deadline
#          while the thread works, and a limit of an hour cuts work of 0.3 s.
# Matters: tests of time-outs around files and look-ups prove nothing with such a clock.
# Version: trio 0.35.0; tried 2026-11-30.
set -euo pipefail
folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check trio==0.35.0
"$folder/venv/bin/python" - <<'PYTHON'
import time

import trio
import trio.testing


async def is_cut() -> bool:
    with trio.move_on_after(3600) as limit:
        await trio.to_thread.run_sync(time.sleep, 0.3, abandon_on_cancel=True)
    return limit.cancelled_caught


virtual = trio.run(is_cut, clock=trio.testing.MockClock(autojump_threshold=0))
real = trio.run(is_cut)
print("trio", trio.__version__, "cuts work of 0.3 s after an hour: virtual", virtual, "real", real)
assert (virtual, real) == (True, False), "behaviour changed"
PYTHON
