#!/bin/bash
# etcd: the JSON gateway answers 200 to a keepalive of a lease that has ended
#
# Guess:   a keepalive of an unknown lease is an error, as a revoke of it is (404).
# Truth:   the status is 200, and the only sign is that "TTL" is missing from the result:
#          0 is the default value of a field, and the gateway leaves those out.
# Matters: a client that looks at the status alone believes that it still holds what
#          another has taken over.
# Version: etcd 3.4.23 (Debian 12, etcd-server 3.4.23-4+b4); tried 2026-12-01.
set -euo pipefail
folder=$(mktemp --directory)
server=
trap '[ -z "$server" ] || kill "$server" || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download --quiet=2 etcd-server=3.4.23-4+b4 2>/dev/null
dpkg --extract etcd-server_*.deb .
read -r client peer < <(python3 -c '
import socket
found = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in found))')
usr/bin/etcd --data-dir data --listen-client-urls "http://127.0.0.1:$client" \
    --advertise-client-urls "http://127.0.0.1:$client" --listen-peer-urls "http://127.0.0.1:$peer" \
    --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "default=http://127.0.0.1:$peer" >log 2>&1 &
server=$!
python3 - "$client" <<'PYTHON'
import json
import sys
import time
import urllib.error
import urllib.request


def ask(path, **body):
    """Return the status and the object that the gateway answers."""
    url = f"http://127.0.0.1:{sys.argv[1]}/v3/{path}"
    try:
        with urllib.request.urlopen(url, json.dumps(body).encode(), timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


for _ in range(300):
    try:
        status, lease = ask("lease/grant", TTL=30)
    except OSError:
        time.sleep(0.1)
    else:
        break
identity = lease["ID"]
alive = ask("lease/keepalive", ID=identity)
revoked, _ = ask("lease/revoke", ID=identity)
ended = ask("lease/keepalive", ID=identity)
again, _ = ask("lease/revoke", ID=identity)
print("keepalive of a lease:", alive[0], "TTL", alive[1]["result"].get("TTL"))
print("of an ended one:", ended[0], "TTL", ended[1]["result"].get("TTL"), "- a second revoke:", again)
assert (alive[0], alive[1]["result"]["TTL"], revoked) == (200, "30", 200), "behaviour changed"
assert ended[0] == 200 and "TTL" not in ended[1]["result"], "behaviour changed"
assert again == 404, "behaviour changed"
PYTHON
