"""Why did TLS with an instance come to nothing, and what would help? One sentence for each reason.

Placeholders as in `answers.py`; `{detail}` is OpenSSL's own word for it.
"""

import ssl

from leader.instances.answers import Kind

_UNKNOWN_AUTHORITY = (
    "instance {name} shows a certificate of an authority that this node does not trust ({detail}); "
    "set ca_file under [quorum] tls to that authority's certificate"
)
_OTHER_HOST = (
    "instance {name} at {place} shows a certificate that was made for another host ({detail}); "
    "write the host name that it was made for into the URL, or give that server one for this name"
)
_EXPIRED = (
    "instance {name} shows a certificate that has expired; renew it there, and let the server load it "
    "(CONFIG SET tls-cert-file, or a restart)"
)
_NOT_YET_VALID = (
    "instance {name} shows a certificate that is not valid yet; set the clock of this machine, "
    "or that of the machine that made the certificate"
)
_UNTRUSTED = (
    "instance {name} shows a certificate that cannot be trusted ({detail}); see how it was made, "
    "and set ca_file under [quorum] tls to the authority that signed it"
)
_CERTIFICATES = {
    9: _NOT_YET_VALID,
    10: _EXPIRED,
    18: _UNKNOWN_AUTHORITY,
    19: _UNKNOWN_AUTHORITY,
    20: _UNKNOWN_AUTHORITY,
    21: _UNKNOWN_AUTHORITY,
    62: _OTHER_HOST,
    64: _OTHER_HOST,
}
"""By the result of verifying a server's certificate. Source: OpenSSL, x509_vfy.h."""

_ANSWERS_IN_PLAIN = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG")
_NOT_TLS = (
    "instance {name} at {place} does not speak TLS on that port; write redis:// instead of rediss://, "
    "or its TLS port"
)
_ASKS_FOR_OURS = (
    "instance {name} asks for a client certificate; set cert_file and key_file under [quorum] tls"
)
_REFUSES_OURS = (
    "instance {name} refuses this node's client certificate ({detail}); set cert_file and key_file under "
    "[quorum] tls to one that is valid and of an authority that the instance trusts (tls-ca-cert-file there)"
)
_OUR_CERTIFICATE = (
    "ALERT_UNKNOWN_CA",
    "ALERT_BAD_CERTIFICATE",
    "ALERT_UNSUPPORTED_CERTIFICATE",
    "ALERT_CERTIFICATE_",
)
"""What a server says of a client's certificate, whatever version of TLS stands in front."""
_NOTHING_IN_COMMON = (
    "instance {name} at {place} and this node found no common TLS ({detail}); compare their settings"
)


def explain(error: ssl.SSLError) -> tuple[Kind, str]:
    """The kind of problem, and its sentence."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Kind.CERTIFICATE, _CERTIFICATES.get(error.verify_code, _UNTRUSTED)
    reason = getattr(error, "reason", None) or ""
    if reason in _ANSWERS_IN_PLAIN:
        return Kind.PLAIN_PORT, _NOT_TLS
    if "CERTIFICATE_REQUIRED" in reason:
        return Kind.CERTIFICATE, _ASKS_FOR_OURS
    if any(word in reason for word in _OUR_CERTIFICATE):
        return Kind.CERTIFICATE, _REFUSES_OURS
    return Kind.TLS, _NOTHING_IN_COMMON
