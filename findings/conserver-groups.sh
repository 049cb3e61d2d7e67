#!/bin/bash
# conserver: one process for every 16 consoles, each with a port of its own
#
# Guess:   a conserver holds all of its consoles in one process, as conmand does.
# Truth:   a master forks one process for each group of 16 consoles (-m). Clients ask the
#          master first, and are sent to the group's own port.
# Matters: what is measured for "the process of conserver" (memory, descriptors, processor
#          time) is only the master's or one group's; a firewall has to let a range of
#          ports through.
# Version: conserver 8.2.7 (Debian 12, conserver-server 8.2.7-2+b1); tried 2026-12-01.
set -euo pipefail
folder=$(mktemp --directory)
server=
trap '[ -z "$server" ] || kill -- "-$server" || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download --quiet=2 conserver-server=8.2.7-2+b1 2>/dev/null
dpkg --extract conserver-server_*.deb .
port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
{
    echo 'default * { master localhost; type exec; exec cat; rw *; }'
    echo 'access * { trusted 127.0.0.1; }'
    for number in $(seq 40); do echo "console c$number { }"; done
} >conserver.cf
touch passwd
setsid usr/sbin/conserver -C conserver.cf -P passwd -M 127.0.0.1 -p "$port" -b 0 -L "$folder" \
    >log 2>&1 &
server=$!
python3 - "$server" <<'PYTHON'
import pathlib
import sys
import time


def children(pid):
    """Return the process numbers of a process's children."""
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


for _ in range(200):
    groups = children(sys.argv[1])
    sizes = [len(children(group)) for group in groups]
    if sum(sizes) >= 40:
        break
    time.sleep(0.1)
print("40 consoles:", len(groups), "processes below the master, with", *sizes, "consoles")
assert sorted(sizes) == [8, 16, 16], "behaviour changed"
PYTHON
