"""HTTPS to BMCs, whose certificates are believed for a reason.

- `server`   which one is asked, and how it proves that it is the one. Pure
- `tls`      the connection
- `request`  one request and its answer
"""
