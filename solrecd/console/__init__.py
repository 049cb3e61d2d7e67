"""One console's story: bytes from the link, understood, handed to the sinks.

- `console`          the bytes: recorded, and their losses marked
- `understanding`    what they mean: interpreted in batches, told to the sinks
- `left_shell`       whether a shell was left logged in
- `input_watch`      whether what is typed is taken
- `session_tracker`  its session: up, down and why, and the gaps in between
- `recording`        whether it is recorded, and where a gap is: a table; pure
- `power_tracker`    whether the machine is on, and what that means for its boots
- `status`           what people are told of it
- `guard`            keeps its bugs from everything else
- `event_fanout`     sends all of it on: archive first, then index, viewers, metrics
"""

from solrecd.console.console import Console, ConsoleContext
from solrecd.console.event_fanout import Sinks
from solrecd.console.understanding import ConsoleHistory, Interpretation

__all__ = ["Console", "ConsoleContext", "ConsoleHistory", "Interpretation", "Sinks"]
