"""Why a server's certificate was refused, where the text of the error does not help.

Python 3.13 and newer check certificates as RFC 5280 has it (``VERIFY_X509_STRICT`` in
the default context). Many home-made authorities lack what that asks for.
"""

from __future__ import annotations

from typing import Final

_STRICT: Final = range(80, 95)
"""Errors of X509_verify_cert(3) that are found with X509_V_FLAG_X509_STRICT only
(x509_vfy.h of OpenSSL 3.0)."""

CURE: Final = (
    "Python 3.13 and newer want key identifiers and key usage in certificates: make the"
    " authority and the certificate again, see access.md"
)


def strict_cure(error: BaseException | None) -> str | None:
    """Return the remedy of a certificate that only a strict check refuses; else None.

    Args:
        error: of `ssl`, or what was raised from one.
    """
    while error is not None:
        if getattr(error, "verify_code", None) in _STRICT:
            return CURE
        error = error.__cause__ or error.__context__
    return None
