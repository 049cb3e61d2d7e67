"""RMCP+ and Serial over LAN without I/O: bytes and ``now`` in, bytes and events out.

`session.Session` is the one class that a user of this package drives. Nothing here
opens a socket, reads a clock or draws randomness by itself.

A session from its login to its end:

- `session`             one login and its SoL payload
- `options`             what the operator may choose of it
- `events`              what it tells its owner
- `session_statistics`  what happened on its wire, as numbers
- `login`               Open Session and RAKP 1-4, until one attempt succeeds
- `login_plan`          which suite and privilege level the next attempt asks for
- `established`         from the login on: privilege level, commands, the end
- `frozen`              what another process needs to go on with it

On an established session:

- `privilege`   which level it runs at
- `dialogue`    commands sealed, answered, refused, given up
- `commands`    one on the wire at a time, sent until answered
- `payload`     the SoL payload: activation, ownership, bytes both ways
- `activation`  Activate and Deactivate Payload, and what the answers mean
- `watch`       who holds the payload
- `beat`        when that is asked
- `sol_output`  console output: each byte once; what BMCs repeat, and what they drop
- `sol_input`   console input: what is typed, and whether the BMC takes it

Bytes and secrets, for both ends of the wire: a BMC can be built from these, too:

- `packets`    datagrams and SoL payloads, without secrets
- `handshake`  messages of a login
- `messages`   IPMI requests and responses
- `suites`     cipher suites
- `auth`       RAKP codes and session keys
- `cipher`     the packets of a session, sealed and opened
- `constants`  numbers of the specification

And `quirks`, what some BMCs do differently.
"""
