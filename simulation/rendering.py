"""Pictures of a MuJoCo scene without a screen: choosing the driver, and rendering fast.

Belongs here: everything that touches `mujoco.Renderer`. Not here: what a world is, which cameras it has (`*_world.py`).
"""

from __future__ import annotations

import ctypes.util
import importlib
import os
import sys
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

from data_contracts.errors import SimulationError, did_you_mean

INSTALL_HINT = "Install the simulation extra: pip install -e '.[sim]'"
MAX_SIDE_PX = 640
QUALITIES = ("plain", "full")


def load_mujoco() -> ModuleType:
    """Returns the mujoco module, set up to render off screen: EGL where the library is found, else OSMesa.

    A MUJOCO_GL that the caller has set is kept. Software drivers get one thread, because worlds run one process a core.

    Raises:
        SimulationError: mujoco is not installed.
    """
    if sys.platform == "linux" and "MUJOCO_GL" not in os.environ:
        os.environ["MUJOCO_GL"] = "egl" if ctypes.util.find_library("EGL") else "osmesa"
        if "mujoco.gl_context" in sys.modules:  # somebody imported mujoco before, and it settled on a window
            importlib.reload(sys.modules["mujoco.gl_context"])
    os.environ.setdefault("LP_NUM_THREADS", "1")
    try:
        import mujoco
    except ImportError as error:
        raise SimulationError("MuJoCo is not installed, so no world can be simulated.", hint=INSTALL_HINT) from error
    return mujoco


class CameraRig:
    """Renders the cameras of one model. Some scenes hang their cameras upside down: those are turned by 180 degrees.

    In "plain" quality shadows, reflections and multisampling are off: with a software driver that is ten times as fast, and
    policies that learnt from such pictures do not miss them. "full" is what the model asks for, as benchmarks render it.
    """

    def __init__(self, model: Any, turned: frozenset[str] = frozenset(), quality: str = "plain") -> None:
        if quality not in QUALITIES:
            raise SimulationError(f"Unknown picture quality {quality!r}.", hint=did_you_mean(quality, QUALITIES))
        self._model = model
        self._turned = turned
        self._renderers: dict[tuple[int, int], Any] = {}
        self._is_plain = quality == "plain"
        if self._is_plain:
            model.vis.quality.shadowsize = 0
            model.vis.quality.offsamples = 0
        model.vis.global_.offwidth = model.vis.global_.offheight = MAX_SIDE_PX

    @property
    def camera_names(self) -> tuple[str, ...]:
        return tuple(self._model.camera(index).name for index in range(self._model.ncam))

    def render(self, data: Any, camera: str, height: int, width: int) -> np.ndarray:
        """Returns what `camera` sees: uint8 (height, width, 3).

        Raises:
            SimulationError: the scene has no such camera, or no driver can render here.
        """
        if camera not in self.camera_names:
            raise SimulationError(
                f"No camera {camera!r} in this scene.", hint=f"It has {', '.join(self.camera_names)}."
            )
        renderer = self._renderer(height, width)
        renderer.update_scene(data, camera)
        picture = renderer.render()
        return np.ascontiguousarray(picture[::-1, ::-1]) if camera in self._turned else picture.copy()

    def _renderer(self, height: int, width: int) -> Any:
        if (height, width) not in self._renderers:
            self._renderers[height, width] = self._new_renderer(height, width)
        return self._renderers[height, width]

    def _new_renderer(self, height: int, width: int) -> Any:
        mujoco = load_mujoco()
        try:
            renderer = mujoco.Renderer(self._model, height, width)
        except (mujoco.FatalError, ValueError, RuntimeError, ImportError, AttributeError) as error:
            raise SimulationError(
                f"Cannot render {height}x{width} pictures with MUJOCO_GL={os.environ.get('MUJOCO_GL', '')} ({error}).",
                hint=f"Sides are at most {MAX_SIDE_PX}; on Debian install libegl1 and libgl1-mesa-dri, or libosmesa6.",
            ) from error
        if self._is_plain:
            for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
                renderer.scene.flags[flag] = 0
        return renderer

    def close(self) -> None:
        """Gives the graphics contexts back. Safe to call twice."""
        for renderer in self._renderers.values():
            renderer.close()
        self._renderers.clear()

    def __enter__(self) -> CameraRig:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
