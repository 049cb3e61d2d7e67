"""Consoles on a serial port of this machine."""
