"""The same episode, published more than once: clusters, who is credited, and the split that never divides a cluster.

    fingerprints -> candidates (shared shingles) -> matching (alignment of joints and of pictures) -> clusters

Which copies are trained on is said in `curation.corpus`.
"""

from curation.duplicates.clusters import find_duplicates
from curation.duplicates.copy_findings import copy_findings

__all__ = ["copy_findings", "find_duplicates"]
