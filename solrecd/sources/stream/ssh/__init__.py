"""Consoles that are reached by ssh: of BMCs, console servers, other machines.

Each console has a process of OpenSSH's client on a terminal (`stream.pty`), which goes
on while the daemon restarts. `vendors` says what has to be typed there before the
console shows, `dialogue` types it. What is printed before the console is entered (the
banner, prompts, the echo of commands) is not output of the machine: it is not recorded,
and shown where the console cannot be entered.
"""
