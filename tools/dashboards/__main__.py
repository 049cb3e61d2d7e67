"""Writes ``grafana/*.json``: ``python -m tools.dashboards`` (``make dashboards``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from tools.dashboards.boards import dashboards

FOLDER = Path(__file__).parents[2] / "grafana"


def texts() -> Mapping[str, str]:
    """Return the dashboards' files by name."""
    encoder = JSONEncoder(indent=1, sort_keys=True)
    return {f"{board.uid}.json": encoder.encode(board) + "\n" for board in dashboards()}


def main() -> None:
    """Write them."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts().items():
        json.loads(text)
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
