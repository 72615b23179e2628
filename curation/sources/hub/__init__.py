"""The Hugging Face Hub as a source: which datasets it lists, and how one of them is brought here and verified.

The real client (`huggingface_hub`) asks every question; `polite` is how long it may ask. Nothing of it is imported before a
source of the Hub is used. What does not belong here: whether a dataset is any good (`curation.quality` is asked for that).
"""

from __future__ import annotations

SCHEME = "hub"


def is_hub(spec: str) -> bool:
    """Returns True for a source of the Hub."""
    return spec.startswith(f"{SCHEME}:")
