"""Consoles that a program shows on a terminal: what nothing else covers."""
