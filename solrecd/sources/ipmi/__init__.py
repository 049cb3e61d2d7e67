"""A console behind a BMC, reached by IPMI 2.0 Serial over LAN.

- `protocol`      RMCP+ and SoL without I/O: packets, login, session, quirks
- `link`          pooled UDP sockets, timers, name resolution; a session on the wire
- `keeper`        keeps one session up: login, back-off, who may hold the console
- `management`    pyghmi's commands over that session: power, event log
- `event_logs`    reads the BMCs' own event logs, now and then
- `doctor`        what is wrong between a BMC and us: questions and findings; pure
- `examination`   asks a live BMC those questions
"""
