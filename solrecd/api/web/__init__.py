"""The pages: what a browser shows of the fleet, over the same API with the same roles.

- `door`        stands before everything: hosts, sessions, origins, headers
- `sessions`    one-time links, sealed cookies; `callers` looks users up again
- `pages`       the routes; each renders a template, and reads without JavaScript
- `reader`      what pages want of archive and index, in threads with few places
- `live`        rows of the wall as they change, made once for all browsers
- `boot_page`   one boot as HTML; `solrecctl export` writes the same
- `actions`     what may be done to a console from a page, and how it is asked for

What a console printed is text everywhere; escape sequences are obeyed by the terminal
in the page alone.
"""
