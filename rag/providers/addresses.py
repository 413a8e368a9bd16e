"""What an address names, and whether that is this machine, or open to others."""

import re
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

_PARTS = re.compile(r"([^/?#]*://)?(?:([^/?#]*)@)?([^/?#]*)(.*)", re.DOTALL)


class Parts(NamedTuple):
    """An address in the order it is written in, "" for what is left out. `user` may hold a password."""

    scheme: str
    user: str
    host: str
    rest: str


def parts_of(url: str) -> Parts:
    """The parts of any text, also where it is no address; `host` holds the port."""
    match = _PARTS.fullmatch(url)
    return Parts(*match.groups("")) if match else Parts("", "", "", "")


def is_loopback(url: str) -> bool:
    """Whether `url` is this machine, which no proxy must come between; False for what is no address."""
    try:
        host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
    except ValueError:
        return False
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
