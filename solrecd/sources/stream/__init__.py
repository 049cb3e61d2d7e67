"""Consoles that are a stream of bytes: a unix socket, or TCP as it is.

QEMU and libvirt offer a serial port as a unix socket, obmc-console does on the BMC
itself; console servers, ser2net and socat offer raw TCP. Nothing is spoken but the
console's bytes, so there is no break, no power, and no session to share.

Bytes are looked at in the kernel's buffer, recorded, and only then taken out of it:
where the journal has no room they stay there, the buffer fills, and the other end is
held up. The descriptor store keeps connections through a restart and a kill: what the
machine prints meanwhile waits in the kernel, and `connection` knows how much of it was
recorded already.
"""
