"""Loki's push API as its documentation has it, with faults on demand."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Said(NamedTuple):
    """What a server answers."""

    status: int | None
    text: str = ""
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """Whether it was taken."""
        return self.status is not None and 200 <= self.status < 300


class Taken(NamedTuple):
    """An entry as Loki stores it."""

    ns: int
    text: str
    metadata: Mapping[str, str]


@dataclass
class FakeLoki:
    """Takes pushes; `answers` are given first, one after the other."""

    answers: list[Said] = field(default_factory=list)
    down: Said | None = None
    """What it answers for as long as this is set."""
    streams: dict[tuple[tuple[str, str], ...], list[Taken]] = field(
        default_factory=dict
    )
    pushes: list[Mapping[str, str]] = field(default_factory=list)
    """Headers of each."""

    def push(self, path: str, headers: Mapping[str, str], body: bytes) -> Said:
        """Take a push, or do not."""
        self.pushes.append(headers)
        assert path == "/loki/api/v1/push"
        if self.down is not None:
            return self.down
        if self.answers:
            answer = self.answers.pop(0)
            if not answer.ok:
                return answer
        assert headers["Content-Type"] == "application/json"
        assert headers["Content-Encoding"] == "gzip"
        for stream in json.loads(gzip.decompress(body))["streams"]:
            self._take(stream)
        return Said(204)

    def _take(self, stream: Mapping[str, Any]) -> None:
        labels = stream["stream"]
        assert all(isinstance(value, str) for value in labels.values())
        known = self.streams.setdefault(tuple(sorted(labels.items())), [])
        for ns, text, metadata in stream["values"]:
            assert isinstance(ns, str)
            assert all(isinstance(value, str) for value in metadata.values())
            entry = Taken(int(ns), text, metadata)
            # The same text at the same time is one entry: that is how Loki stores it.
            if entry not in known:
                known.append(entry)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Said:
        """Take a push without a network."""
        return self.push("/" + url.split("/", 3)[3], headers, body)

    def texts(self, console: str) -> list[str]:
        """Return what a console printed, in the order of Loki's times."""
        found = [
            entries
            for labels, entries in self.streams.items()
            if ("console", console) in labels
        ]
        assert len(found) <= 1, "labels that change make a new stream"
        entries = found[0] if found else []
        assert [it.ns for it in entries] == sorted(it.ns for it in entries)
        return [entry.text for entry in entries]
