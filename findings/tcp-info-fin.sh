#!/bin/bash
# Linux: TCP_INFO counts the other end's FIN as a received byte
#
# Guess:   tcpi_bytes_received is the number of bytes that read() can ever return.
# Truth:   it is the sequence numbers acknowledged, and a FIN has one: after the other end
#          has closed, the count is one more than there are bytes.
# Matters: a program that goes on with an inherited connection, and knows by this count what
#          its predecessor took, drops a byte too many of a connection that was closed.
# Version: Linux 6.18, tcp_info of <linux/tcp.h>; tried 2026-11-30.
set -euo pipefail
folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" - <<'PYTHON'
import platform
import socket
import struct


def received(connection: socket.socket) -> int:
    """tcpi_bytes_received: after 8 single bytes, 24 words of 32 and 2 of 64 bits."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    return struct.unpack_from("<Q", info, 128)[0]


with socket.create_server(("127.0.0.1", 0)) as server:
    sender = socket.create_connection(server.getsockname())
    reader, _ = server.accept()
with sender, reader:
    sender.sendall(b"12345")
    reader.recv(5, socket.MSG_PEEK)
    before = received(reader)
    sender.shutdown(socket.SHUT_WR)
    data = reader.recv(5) + reader.recv(1)
    after = received(reader)
print("Linux", platform.release(), "5 bytes sent, read", len(data), "counted", before, "then", after)
assert (len(data), before, after) == (5, 5, 6), "behaviour changed"
PYTHON
