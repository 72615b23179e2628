"""What the detectors know of one camera of one episode, as plain values. `probe` fills it from the frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data_contracts.findings import Finding, Severity


@dataclass(frozen=True)
class CameraFacts:
    """One camera of one episode, as declared and as found. `error` says why its frames cannot be had; the rest is unset then.

    It exists without the episode's rows, too: videos are judged even where the data are lost. Sizes are (height, width) in pixels. `samples_NHWC` are the first, middle and last frame, uint8, thinned to every n-th pixel.
    """

    episode: int
    key: str
    file: str
    declared_codec: str | None = None
    declared_size: tuple[int, int] | None = None
    codec: str | None = None
    size: tuple[int, int] | None = None
    num_frames: int = 0
    has_audio: bool = False
    samples_NHWC: np.ndarray = field(default_factory=lambda: np.zeros((0, 1, 1, 3), np.uint8))
    error: str | None = None

    def finding(self, code: str, severity: Severity, message: str, **evidence: Any) -> Finding:
        """Returns a finding about this camera's episode."""
        evidence = {"camera": self.key, **evidence}
        return Finding(code=code, severity=severity, episodes=(self.episode,), message=message, evidence=evidence)
