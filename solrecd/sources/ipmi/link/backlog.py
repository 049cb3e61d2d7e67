"""What was received and is not handled yet, so that a flood starves no session.

One process handles about 10,000 packets of console output a second. Where machines have
more to say than that, it is their output that has to wait, as their BMCs' own flow
control has it: a BMC sends its next packet when we have acknowledged the last. Logins,
keep-alives, answers to commands and questions whose the payload is are few, and late
ones cost sessions. So a turn of the hub

1. takes what the kernel has, a bounded number of datagrams from each socket;
2. handles all peers that sent anything but console output, with the output that these
   sent before, since a session believes no packet that comes behind a newer one;
3. handles others' output, those first that wait for longest, until it is `ENOUGH`.

All that waits of one peer is handled at once and acknowledged once: what it sent again
meanwhile is known to be the same bytes, because no acknowledgement had left.
"""

from __future__ import annotations

from typing import Final

from solrecd.sources.ipmi.link.port import Port

ENOUGH: Final = 128
"""Datagrams of output in one turn: 5 to 15 ms, for which an answer waits at most."""


class Backlog:
    """The ports of a hub that have something to handle, in order."""

    __slots__ = ("_output", "_urgent", "most_delayed")

    def __init__(self) -> None:
        self._urgent: dict[Port, None] = {}
        """Those that wait for more than output to be handled."""
        self._output: dict[Port, None] = {}
        """Those with output alone, the longest wait first."""
        self.most_delayed = 0.0
        """When the oldest datagram came of those that `serve` has handled last."""

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._output) or bool(self._urgent)

    def add(self, port: Port, *, is_output: bool) -> None:
        """Have a port served to which a datagram was given."""
        if not is_output:
            self._output.pop(port, None)
            self._urgent[port] = None
        elif port not in self._urgent:
            self._output[port] = None

    def serve(self, now: float, enough: int = ENOUGH) -> None:
        """Handle what is urgent, and then output until it is enough.

        Args:
            now: monotonic time.
            enough: datagrams.
        """
        self.most_delayed = now
        urgent, self._urgent = self._urgent, {}
        for port in urgent:
            self._handle(port)
        output = self._output
        while output and enough > 0:
            port = next(iter(output))
            del output[port]
            enough -= self._handle(port)

    def _handle(self, port: Port) -> int:
        """Handle all that waits of one port; return how many datagrams these were."""
        waiting = port.take_waiting()
        if not waiting:
            return 0
        self.most_delayed = min(self.most_delayed, waiting[0][0])
        try:
            for came, datagram in waiting:
                port.receive(datagram, came)
        except Exception as bug:  # noqa: BLE001 - of one endpoint
            port.crashed(bug)
        port.flush()
        return len(waiting)
