"""RMCP+ and Serial over LAN without I/O: bytes and ``now`` in, bytes and events out.

`session.Session` is the one class that a user of this package drives; `packets`, `auth`
and `cipher` speak for both ends of the wire: a BMC can be built from them too.
Nothing here opens a socket, reads a clock or draws randomness by itself.
"""
