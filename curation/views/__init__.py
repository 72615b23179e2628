"""Which camera of a dataset is the wrist, the top, the side. Nothing here turns, crops or rewrites pictures."""

from curation.views.assign import assign_camera_roles
from curation.views.slots import Slots, slots

__all__ = ["Slots", "assign_camera_roles", "slots"]
