"""solrecd: a permanent IPMI Serial-over-LAN recorder.

The map. A byte flows one way through it; imports point down, which import-linter
proves (``make check``)::

    cli/            solrecd and solrecctl: one file for each command in commands/
    daemon/         composition root, signals, readiness; the set of consoles
    api/            HTTP API on a unix socket and a TLS listener, its client, /metrics
    simbmc/         a BMC with faults on demand: demo, tests, load
    console/        one console: source -> journal -> analysis -> sinks; who is attached
    sources/        where bytes come from; ipmi/ has everything that only a BMC has
    alerts/         who is told of what, when, and when it is over; log shippers
    storage/        journal, archive, index, and what is answered from them alone
    metrics/        every metric family, and their text; the home of prometheus_client
    analysis/       pure: bytes -> lines, stages, failures, boots
    cluster/        pure: which of several processes records a console
    config/         pure: TOML text -> frozen dataclasses; what a reload means
    events/         the vocabulary that all of them speak
    process/        systemd, log, TLS, access, clock stamps: knows nothing of consoles

The story of a byte:

1. `sources.ipmi.link.hub` wakes and drains a socket. Each datagram goes to the session
   (`sources.ipmi.protocol`) of the BMC whose address it came from, with the time.
2. The session checks integrity before it believes anything, decrypts, drops what it
   has seen, cuts the new tail out of a grown retransmission, and returns events.
3. `sources.ipmi.link.sol` hands console bytes to the `console`, which stamps them and
   appends them to the `storage.journal`. Only then is the packet acknowledged; the ACKs
   of a batch leave together.
4. Every 200 ms the `analysis.interpreter` reads what came: lines, stages, failures, and
   where a new boot begins.
5. The `console.event_fanout` gives both to the sinks, the archive first: its writer
   thread writes raw bytes, timing and text right after and then gives the journal its
   room back. Index, metrics, alerts and viewers follow; a slow one loses its own copy
   and is told so.

What a person types takes the only other road:
api -> console.operation -> source -> session.
"""

__version__ = "0.1.0"
