"""Consoles that are a unix socket: QEMU, libvirt, obmc-console."""
