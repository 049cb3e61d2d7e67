"""Which consoles a network has: asked without a login, told as a configuration.

`targets` are the addresses to ask, `findings` is what one of them answered and what
that means, `asking` does the asking.
"""
