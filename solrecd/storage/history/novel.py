"""What a failed boot says that no good boot ever said. Pure; bytes come from outside.

Turned round so that memory is bounded by the one boot and not by the archive: what it
says is crossed out as soon as any good boot says it, too. Nearly all is crossed out by
the first; from then on a line of the archive costs no more than its loose key.
"""

from __future__ import annotations

from collections.abc import Iterator, Set as AbstractSet
from itertools import chain

from solrecd.storage.history.mask import loose_keys, mask
from solrecd.storage.history.text import parse_line


class Novel:
    """The messages of a boot that no other one was found to say."""

    def __init__(self) -> None:
        """Know no message yet."""
        self._left: dict[bytes, dict[str, list[int]]] = {}
        self._line = 0

    def add(self, block: bytes) -> None:
        """Take whole lines of the boot's text, in order."""
        for loose, line in zip(loose_keys(block), block.split(b"\n"), strict=True):
            parsed = parse_line(line)
            if not line or parsed.note:
                continue
            self._line += 1
            key = mask(parsed.text)
            if key:
                its = self._left.setdefault(loose, {})
                its.setdefault(key, []).append(self._line)

    def cross_out(self, block: bytes) -> None:
        """Forget what these whole lines of a good boot say."""
        keys = loose_keys(block)
        if self._left.keys().isdisjoint(keys):
            return
        for loose, line in zip(keys, block.split(b"\n"), strict=True):
            its = self._left.get(loose)
            if its is not None:
                its.pop(mask(parse_line(line).text), [])
                if not its:
                    del self._left[loose]

    @property
    def firsts(self) -> set[int]:
        """The number of each message's first line, which stands for the message."""
        every = chain.from_iterable(its.values() for its in self._left.values())
        return {lines[0] for lines in every}

    def forget(self, firsts: AbstractSet[int]) -> None:
        """Forget messages that were crossed out elsewhere, see `firsts`."""
        if not firsts:
            return
        for loose, its in list(self._left.items()):
            kept = {key: its[key] for key in its if its[key][0] not in firsts}
            if kept:
                self._left[loose] = kept
            else:
                del self._left[loose]

    def __len__(self) -> int:
        """Return how many different messages are left."""
        return sum(map(len, self._left.values()))

    @property
    def lines(self) -> list[list[int]]:
        """The numbers of the lines of each message that is left, in order."""
        return sorted(chain.from_iterable(its.values() for its in self._left.values()))


def whole_lines(blocks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """Yield blocks cut at line ends; what is longer than the limit has none."""
    rest = b""
    for block in blocks:
        text = rest + block
        end = text.rfind(b"\n")
        if end < 0 and len(text) < limit:
            rest = text
            continue
        if end >= 0:
            yield text[:end]
        rest = text[end + 1 :] if end >= 0 else b""
    if rest:
        yield rest
