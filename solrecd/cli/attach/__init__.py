"""A console on a user's terminal.

- `keys`          what is typed: characters for the console, and escapes for us
- `question`      questions, and the other attached users
- `line`          the WebSocket to the daemon
- `terminal`      raw, and restored afterwards
- `conversation`  all of it together
"""
