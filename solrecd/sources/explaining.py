"""What is said of connections that cannot be made."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from solrecd.events.sessions import LostReason
from solrecd.sources.troubles import NotConnectedError, Trouble


def explained(
    error: OSError, place: str, troubles: Mapping[int, Trouble], key: str = "address"
) -> NotConnectedError:
    """Return why there is no connection, and what helps.

    Args:
        error: what the system said.
        place: where the connection should lead.
        troubles: what errors mean here, by errno.
        key: of the configuration, which says where it leads.
    """
    said = error.strerror or str(error)
    if isinstance(error, socket.gaierror):
        cure = f"correct `{key}`, DNS or /etc/hosts"
        return NotConnectedError(LostReason.NAME_UNRESOLVED, f"{place}: {said}", cure)
    trouble = troubles.get(error.errno or 0, Trouble(said, ""))
    what = f"{place}: {trouble.what}"
    return NotConnectedError(LostReason.UNREACHABLE, what, trouble.cure)
