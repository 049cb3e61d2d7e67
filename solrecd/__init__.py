"""solrecd: a permanent IPMI Serial-over-LAN recorder.

The map of the house. A byte flows one way through it; imports point down, which
import-linter proves (``make check``), and everything from `interpreter` downwards is
pure: bytes, text and times in, values out::

    cli/            solrecd (run, check, demo) and solrecctl; one file per command
    daemon          composition root: builds everything, signals, readiness
    supervisor      the live set of consoles; restarts, reloads
    loki/           ships the archive's text to Grafana Loki
    rounds          the consoles' turns to understand what came
    workshop        builds a console: archive repaired, journal drained, boot resumed
    exporter        serves the metrics, plain or behind TLS and passwords
    storage         watches the disk's room and the journal's, and tells in time
    api/            HTTP API on a unix socket and a TLS listener, and its client
    operation       what people may do with one console
    consultation/   examines a console at its live BMC, for `solrecctl doctor`
    eventlogs       reads the BMCs' own event logs, now and then
    console/        one console's story: link -> journal -> interpreter -> sinks
    keeper/         keeps one session up: login, back-off, who may hold the console
    management      pyghmi's commands over that session: power, event log
    link/           pooled UDP sockets, timers, name resolution; a session on the wire
    journal/        mapped ring of slabs: what is acknowledged survives kill -9
    sinks/          archive writer, index, viewers, alerts; each with a bounded buffer
    history/        reads archives: boots, lines, raw bytes, with no daemon
    attach/         a console on somebody's terminal: keys, line, conversation
    inventory/      consoles out of other recorders' configurations
    hostconsole/    what the recorded machine lacks to speak on its serial port
    metrics/  notify  log/  tls             one home each for a library
    configfiles  markerfiles               one home each for files
    webconfig/      TLS and passwords of the metrics listener: Prometheus's own file
    collector  allocator  turns      no long pause for the loop, no memory kept
    interpreter/    bytes -> lines, stages, failures, boots; live, archived and `scan`
    index/          SQLite: boots, events, segments; rebuildable
    alerts/         who is told of what, when, and when it is over
    doctor/         what is wrong between a console and us: questions, findings
    access          who may do what: grants, callers, a judge
    ipmi/           RMCP+ and SoL without I/O: packets, auth, session, quirks
    text/           terminal bytes -> lines
    boot/           rules (TOML data), detector, incidents, stage machine
    archive/        names and formats of the archive's files; retention
    config/         TOML text -> frozen dataclasses; what a reload means
    events          the vocabulary that all of them speak
    stamps          its wall-clock times, and their text
    problems        mistakes in files, as people read them
    simbmc/         a BMC with faults on demand: demo, tests, load

The story of a byte:

1. `link.hub` wakes and drains a socket. Each datagram goes to the `ipmi.session` of
   the BMC whose address it came from, with the time.
2. The session checks integrity before it believes anything, decrypts, drops what it
   has seen, cuts the new tail out of a grown retransmission, and returns events.
3. `link.sol` hands console bytes to the `console`, which stamps them and appends them
   to the `journal`. Only then is the packet acknowledged; the ACKs of a batch leave
   together.
4. Every 200 ms the `interpreter` reads what came: lines, stages, failures, and where a
   new boot begins.
5. The `sinks` get both, the archive first: its writer thread writes raw bytes, timing
   and text right after and then gives the journal its room back. Index, metrics and
   viewers follow; a slow one loses its own copy and is told so.

What a person types takes the only other road: api -> supervisor -> link -> session.
"""

__version__ = "0.1.0"
