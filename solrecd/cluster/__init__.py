"""Which process of several records a console; pure.

- `plan`    assignment: rendezvous hashing
- `places`  where a shard has its files
- `shards`  what a shard makes of the whole configuration
"""
