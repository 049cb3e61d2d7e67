"""A console on a user's terminal.

- `keys`          what is typed: characters for the console, and escapes for us
- `asked`         questions, and who else is here
- `line`          the WebSocket to the daemon
- `terminal`      raw, and given back as it was
- `conversation`  all of it together
"""
