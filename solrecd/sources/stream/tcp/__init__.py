"""Consoles behind a TCP port: as it is, with telnet, or with RFC 2217.

- `kind`        how it is configured. Pure
- `way`         connects, or says why not
- `codec`       telnet's bytes to the console's bytes and commands, and back. Pure
- `options`     which of telnet's options are in effect. Pure
- `com_port`    RFC 2217: the serial port at the other end. Pure
- `telnet`      a connection that speaks these
"""
