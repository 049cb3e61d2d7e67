"""Everything that can be answered from an archive folder alone, without a daemon.

- `segments`  which consoles, boots and files there are
- `files`     bytes of a file, open or compressed, whole or damaged
- `text`      lines of a boot
- `chunks`    packets with their stamps
- `replay`    boots and events again, from the bytes
- `stages`    which stage a line belongs to
- `mask`, `compare`, `novel`   what boots have in common and what not
- `choose`    which boot a person means: 12, -1, last-good
"""
