"""Chance without state: a number is a function of its name, so that a restart repeats no sequence and skips none."""

import hashlib
import math
from statistics import NormalDist

_STANDARD = NormalDist()


def uniform(*name: object) -> float:
    """A number in (0, 1) that belongs to this name."""
    digest = hashlib.blake2b("/".join(map(str, name)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 1) / (2**64 + 2)


def normal(*name: object, most: float = 2.5) -> float:
    """A standard normal number that belongs to this name, at most so far from 0."""
    return max(-most, min(most, _STANDARD.inv_cdf(uniform(*name))))


def wander(at: float, *name: object) -> float:
    """A line without jumps through standard normal numbers at each whole `at`, at most 1.5 from 0."""
    knot = math.floor(at)
    share = (1 - math.cos(math.pi * (at - knot))) / 2
    return (1 - share) * normal(*name, knot, most=1.5) + share * normal(*name, knot + 1, most=1.5)
