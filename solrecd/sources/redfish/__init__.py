"""Redfish, as far as a machine's power goes (DMTF DSP0266, DSP2046).

- `systems`   what a service says of its systems, and what can be asked of them. Pure
- `client`    questions over TLS, with an account
- `power`     switches one machine
"""
