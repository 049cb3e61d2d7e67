"""TLS and passwords of the metrics listener, by Prometheus's web configuration file.

The file is exporter-toolkit's ``web-config.yml``, which people use for their other
exporters and check with ``promtool check web-config``. Every key of it either counts
here or is refused by name: a setting that is silently ignored leaves a door open.

- `settings`   what a file says, and its defaults
- `parse`      YAML to that, or all mistakes with their keys
- `tls`        that to an ``ssl.SSLContext``
- `passwords`  bcrypt, in a thread, and what was found right lately
- `guard`      the ASGI middleware: admits clients, and sets the answers' headers
- `live`       the files as they are now: certificates are replaced while we serve
"""
