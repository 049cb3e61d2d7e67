"""A BMC in Python: speaks RMCP+ and Serial over LAN, misbehaves on demand.

It ships with solrecd because three things need it: ``solrecd demo`` records a
small fleet of these, the tests ask them for every fault that real BMCs have shown,
and the benchmarks drive dozens of them at once.

Reading order, from the host's UART to the wire::

    capture.py   console bytes with the times at which they were printed
    machine.py   the host: power, and what it prints (captures, numbered lines ...)
    ledger.py    what became of every byte
    payload.py   one SoL payload instance: buffer, numbers, retransmission
    openbmc.py   the same as OpenBMC does it, which differs
    sessions.py  RMCP+ sessions: Open Session, RAKP 1-4, protected packets
    commands.py  the IPMI commands that recorders and operators' tools send
    bmc.py       one BMC: datagrams in, datagrams out; no socket, no clock
    faults.py    what the network and the BMC do wrong, when told to
    fleet.py     the only part with sockets: many BMCs in one Trio task

Everything but `fleet` is sans-I/O: ``now`` (monotonic seconds) is passed in.
"""
