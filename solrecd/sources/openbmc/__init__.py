"""Consoles that an OpenBMC serves through its web server, bmcweb.

A console is a WebSocket over TLS, ``wss://BMC/console/default``: what the machine
prints comes as binary messages of up to 4096 bytes, what is typed is sent as it is.
bmcweb reads the next bytes from the serial port when the last ones are sent, so a
recorder that does not read holds the machine up, and nothing is lost.

The account needs the privilege ``OpenBMCHostConsole`` (group ``hostconsole``). It logs
in by basic authentication, or where the BMC's build has none, by a session whose CSRF
token is named as the WebSocket's subprotocol: `login` tries both and remembers.

There is no break, and TLS keys die with the process: a restart of the daemon is a gap
of about a second, which is marked.
"""
