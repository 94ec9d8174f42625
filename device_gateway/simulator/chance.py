"""Chance without state: a number is a function of its name, so that a restart repeats no sequence and skips none."""

import hashlib
from statistics import NormalDist

_STANDARD = NormalDist()


def uniform(*name: object) -> float:
    """A number in (0, 1) that belongs to this name."""
    digest = hashlib.blake2b("/".join(map(str, name)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 1) / (2**64 + 2)


def normal(*name: object) -> float:
    """A standard normal number that belongs to this name."""
    return _STANDARD.inv_cdf(uniform(*name))
