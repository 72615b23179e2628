"""Memory that a step frees is kept for the next one, instead of given back to the kernel and asked for again, zeroed.

A step at full size makes and frees some 600 MB of gradients and casts; fetching those pages anew is a good part of a step with
cached image tokens.
"""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""mallopt(3)."""
NEVER = 2**31 - 1
LARGEST_MMAP_THRESHOLD = 32 * 2**20
"""glibc's own limit on 64 bits. A larger tensor still comes from the kernel."""


def keep_freed_memory() -> bool:
    """Tells glibc's malloc so, for this process. Returns False where the C library knows no such thing."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)) and bool(mallopt(M_TRIM_THRESHOLD, NEVER))
