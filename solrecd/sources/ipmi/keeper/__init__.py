"""Keeps one console's session up.

- `keeper`    login, back-off, activation, and what people ask for
- `takeover`  whether to take the console from another client: the policy, pure
"""

from solrecd.sources.ipmi.keeper.keeper import Dialer, Keeper, KeptConsole

__all__ = ["Dialer", "Keeper", "KeptConsole"]
