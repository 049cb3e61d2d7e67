"""Power for consoles whose kind has none: through the BMC of the same machine.

A console of kind ``ssh`` or ``tcp`` is a way to what a machine prints; its power is
asked for, and switched, by Redfish or by IPMI at its BMC (``power``, ``bmc``).

- `options`   how it is configured: keys that such kinds are given. Pure
- `control`   what a way to switch it brings, and why it cannot be done
- `watch`     asks now and then whether the machine is on
- `source`    a source that has the power besides; what ``doctor`` says of it

The ways themselves are elsewhere, `solrecd.sources.redfish` and
`solrecd.sources.ipmi.power_session`; `solrecd.sources.table` knows both.
"""
