"""Consoles that are a stream of bytes: sockets, serial ports, programs.

A kind is a folder here (`unix`, `tcp`, `tty`, `exec`): `place` and `kind` say how it is
configured, `way` opens it. What they share:

- `way`            what a kind brings: a way that can be opened, a connection
- `source`         one console: connected, recorded, typed on, connected again
- `driver`         descriptors that outlive this process
- `connection`     connections that are sockets
- `terminal`       connections that are terminals, with what was read in `held`
- `pty`            a program on a terminal of its own: run, watched, ended
- `typed_input`    what was typed, until it is taken
- `examination`    what ``doctor`` tells
- `serial_line`, `explaining`  words that kinds share

Bytes are looked at, recorded, and only then taken: where the journal has no room they
stay in the kernel's buffer, it fills, and the other end is held up. A terminal's bytes
cannot be looked at without taking them; those are read into memory that outlives this
process. The descriptor store keeps all of it through a restart and a kill, and each
connection knows how much of what waits was recorded already.
"""
