"""Keeps one console's session up.

- `keeper`    waits, reports, and does what people ask for
- `attempt`   one session with a BMC: what is done in it in each state
- `states`    the states, and what each input leads to; pure
- `takeover`  whether to take the console from another client: the policy, pure
- `base`      what a keeper works for, and what makes its links
"""

from solrecd.sources.ipmi.keeper.base import Dialer, KeptConsole
from solrecd.sources.ipmi.keeper.keeper import Keeper

__all__ = ["Dialer", "Keeper", "KeptConsole"]
