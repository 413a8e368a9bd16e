"""Whether an address is this machine, or open to others."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """Whether `url` is this machine, which no proxy must come between."""
    host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified


def is_private(host: str) -> bool:
    """Whether a server that listens at `host` can be reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
