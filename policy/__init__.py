"""SmolVLA: the model, its processors, checkpoints and action chunks. What trains it and what drives with it stand on this.

Nothing heavy is imported by `import policy`; a name below loads its module when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME_OF = {
    "Actor": "policy.actor",
    "Feature": "policy.configuration",
    "Processors": "policy.processors",
    "SmolVLAConfig": "policy.configuration",
    "SmolVLAPolicy": "policy.model",
    "base_450m": "policy.configuration",
    "load_checkpoint": "policy.checkpoint",
    "new_small_policy": "policy.small",
    "save_checkpoint": "policy.checkpoint",
}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'policy' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
