"""The vocabulary: what consoles, boots and sessions can do and say.

Everything that crosses a module border is one of these values. Nothing here reads a
clock or does I/O.

Wall-clock times are stamps (`solrecd.process.stamps`). Monotonic times, used for
protocol timers only, are ``float`` seconds and are called ``now``.

    stages          of a boot, in their order; the lightest to import
    lines           bytes with their stamps, lines of text
    boots           boots: how far they came, how they ended
    event           one thing that happened
    reading         what the interpreter understood of a batch of bytes
    sessions        their states, and why one is not up
    gaps            places where output is, or may be, missing
    operator_acts   what users do to a console
    wire_counts     what a source counts on the wire
"""
