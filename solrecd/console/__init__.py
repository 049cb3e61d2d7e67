"""One console's story: bytes from the link, understood, handed to the sinks.

- `console`          the bytes: recorded, interpreted in batches; losses marked
- `session_tracker`  its session: up, down and why, and the gaps in between
- `recording`        whether it is recorded, and where a gap is: a table; pure
- `power_tracker`    whether the machine is on, and what that means for its boots
- `guard`            keeps its bugs from everything else
- `event_fanout`     sends all of it on: archive first, then index, viewers, metrics
"""

from solrecd.console.console import (
    Console,
    ConsoleContext,
    ConsoleHistory,
    InterpreterFactory,
)
from solrecd.console.event_fanout import Sinks

__all__ = ["Console", "ConsoleContext", "ConsoleHistory", "InterpreterFactory", "Sinks"]
