"""From the wire to a session: pooled UDP sockets, timers and name resolution.

This is the only package that touches sockets on the console side. It knows nothing
of IPMI: it hands datagrams to an `Endpoint` and sends what that wants sent.
"""
