"""The HTTP API of the daemon: server, client, and what the daemon must provide."""
