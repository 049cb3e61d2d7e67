"""One console's story: bytes from the link, understood, handed to the sinks.

- `console`    the bytes: recorded, interpreted in batches; losses marked in their place
- `session`    the story of its session: up, down and why, and the gaps in between
- `power`      whether the machine is on, and what that means for its boots
- `chronicle`  to whom all of it is told: archive first, then index, viewers, metrics
"""

from solrecd.console.console import Console, InterpreterFactory, Past, Surroundings
from solrecd.console.event_fanout import Sinks

__all__ = ["Console", "InterpreterFactory", "Past", "Sinks", "Surroundings"]
