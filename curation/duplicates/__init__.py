"""The same episode, published more than once: clusters and who is credited. Which copies are trained on is said in `curation.corpus`."""

from curation.duplicates.exact import find_duplicates

__all__ = ["find_duplicates"]
