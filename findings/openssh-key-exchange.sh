#!/bin/bash
# OpenSSH 9.2: the default key exchange takes most of a connection's client time
#
# Guess:   what a connection costs is the login: signatures and the new process.
# Truth:   sntrup761x25519-sha512 (the default since 9.0) makes a key pair for every
#          connection, in generic C; with curve25519-sha256 the client takes a fraction.
# Matters: a thousand consoles over ssh that reconnect at once are bound by it.
# Version: OpenSSH 9.2p1 (Debian 12, openssh-client and -server); tried 2026-12-01.
set -euo pipefail
folder=$(mktemp --directory)
server=
trap '[ -z "$server" ] || kill "$server" || true; wait; rm -rf "$folder"' EXIT
ssh -V 2>&1 | grep -q '^OpenSSH_9\.2p1 ' || { echo "another version: $(ssh -V 2>&1)"; exit 1; }
[ -d /run/sshd ] || mkdir /run/sshd # only its service makes it
port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
ssh-keygen -q -t ed25519 -N '' -f "$folder/host"
/usr/sbin/sshd -D -e -f /dev/null -h "$folder/host" -p "$port" -o ListenAddress=127.0.0.1 \
    -o PidFile=none -o MaxStartups=100 2>"$folder/log" &
server=$!
python3 - "$port" "$folder" <<'PYTHON'
import resource
import subprocess
import sys
import time

port, folder = sys.argv[1:]
# It ends behind the key exchange: no method of authentication is left.
COMMAND = ["ssh", "-F", "/dev/null", "-p", port, "-o", "StrictHostKeyChecking=no",
           "-o", f"UserKnownHostsFile={folder}/known", "-o", "LogLevel=VERBOSE",
           "-o", "PreferredAuthentications=none", "-o", "BatchMode=yes"]


def cost(*options):
    """Milliseconds of processor time of a connection: the least of seven."""
    times = []
    for _ in range(7):
        begun = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([*COMMAND, *options, "127.0.0.1", "true"], capture_output=True, text=True)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert "Permission denied" in done.stderr, done.stderr
        times.append(ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime)
    return min(times) * 1000


for _ in range(100):
    if subprocess.run([*COMMAND, "127.0.0.1"], capture_output=True).stderr.find(b"refused") < 0:
        break
    time.sleep(0.1)
usual, curve = cost(), cost("-o", "KexAlgorithms=curve25519-sha256")
print(f"client, per connection: default {usual:.0f} ms, curve25519-sha256 {curve:.0f} ms")
assert usual > 2 * curve, "behaviour changed"
PYTHON
