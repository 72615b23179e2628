"""Makes `import torchvision` work beside a CPU build of torch. To be called before transformers' vision models are imported.

torchvision from PyPI is a CUDA build. Beside CPU torch its compiled operators do not load, and its import stops where it
describes `nms` and `qnms` to torch. Declaring both first lets it through: transforms work, the operators themselves do not.
"""

from __future__ import annotations

import torch

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_declared: list[torch.library.Library] = []  # a library's schemas vanish with it


def let_torchvision_import() -> None:
    """Declares the two operators where torch has no CUDA and nobody has declared them."""
    if torch.version.cuda is not None:
        return
    missing = [schema for name, schema in _SCHEMAS.items() if not hasattr(torch.ops.torchvision, name)]
    if missing:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for schema in missing:
            library.define(schema)
        _declared.append(library)
