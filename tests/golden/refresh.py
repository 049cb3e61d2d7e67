"""Write the expected results anew: ``python tests/golden/refresh.py``, then review."""

from __future__ import annotations

from pathlib import Path

from solrecd.simbmc import captures
from tests.support.golden import interpret, render

HERE = Path(__file__).parent

for log in sorted(HERE.glob("*.log")):
    log.with_suffix(".golden").write_text(render(*interpret(log.read_bytes(), 1 << 20)))
for name in captures.NAMES:
    understood = render(*interpret(captures.load(name).data, 1 << 20))
    (HERE / "captures" / f"{name}.golden").write_text(understood)
