"""What the bytes of a console mean: pure, bytes and times in, lines and events out.

- `text`         terminal bytes -> lines
- `boot`         rules (TOML data), detector, incidents, stage machine
- `interpreter`  both of them joined: live, for an archive, and for `scan`
"""
