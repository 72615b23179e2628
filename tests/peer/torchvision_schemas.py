"""Import hook that lets torchvision's PyPI build (made for CUDA) be imported beside a CPU build of torch.

Without it `import torchvision` fails with "operator torchvision::nms does not exist": its operators are compiled against
CUDA, and the Python side registers shapes for operators whose schemas never appeared. `build.sh` copies this file into the
peer environment, with a `.pth` file that imports it at start, so LeRobot's command-line tools are covered too.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder

_SCHEMAS = ("nms", "qnms")
_libraries = []  # a torch.library.Library forgets its schemas when it is collected


class _DefineSchemas(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            if torch.version.cuda is None:
                library = torch.library.Library("torchvision", "DEF")
                for schema in _SCHEMAS:
                    library.define(f"{schema}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
                _libraries.append(library)


sys.meta_path.insert(0, _DefineSchemas())
