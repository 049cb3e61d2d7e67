"""Write the expected results anew: ``python tests/golden/refresh.py``, then review."""

from __future__ import annotations

from pathlib import Path

from tests.support.golden import interpret, render

for log in sorted(Path(__file__).parent.glob("*.log")):
    log.with_suffix(".golden").write_text(render(*interpret(log.read_bytes(), 1 << 20)))
