"""Bytes in, understanding out: the composition of text and boot. Pure.

The same object reads a live console, an archive on recovery and the input of
``solrecctl scan``, so all three say the same. It never reads a clock: stamps come with
the bytes, and `Interpreter.idle` tells it that time has passed without any.

`interpreter` turns bytes into lines and lines into markers; `story` is what markers
mean: boots that begin and end, stages, reports. `lines`, `prompts` and `copies` each
know one thing that both need.
"""

from solrecd.analysis.interpreter.interpreter import Interpreter

__all__ = ["Interpreter"]
