"""solrecd: a permanent IPMI Serial-over-LAN recorder."""

__version__ = "0.1.0"
