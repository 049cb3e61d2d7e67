"""Terminal bytes in, console lines out: pure, incremental, bounded.

A console is written for a terminal, not for a file: words are split by cursor
moves, prompts end without a newline, screens are painted by address. `Assembler`
follows just enough of a terminal to know what a person would have read on each
row, one row at a time, and never holds more than one row.

`assembler` splits the stream: what is plain in bulk, the rest into tokens; `screen`
is the row and the cursor that tokens move. `density` says when there are too many of
them, and `stripped` is what is left then.
"""

from solrecd.analysis.text.assembler import Assembler
from solrecd.analysis.text.screen import LINE_LIMIT

__all__ = ["LINE_LIMIT", "Assembler"]
