"""What the detectors know of one camera of one episode, as plain values. `probe` fills it from the frames."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from curation.quality.digest import CameraDigest, digest
from data_contracts.findings import Finding, Severity

if TYPE_CHECKING:
    from curation.quality.facts import EpisodeFacts


@dataclass(frozen=True)
class CameraFacts:
    """One camera of one episode, as declared and as found. `error` says why its frames cannot be had; the rest is unset then.

    It exists without the episode's rows, too: videos are judged even where the data are lost. Sizes are (height, width) in
    pixels. N frames were looked at: `numbers_N` of the episode, ascending; `thumbs_NHW` their brightness, uint8 with 0 for
    black and 255 for white, the longer side about 64 pixels. `change_N` is how far the most changed block of a picture
    (a 128th of its longer side) moved since the sample before, in the same levels; the first is 0. `sharpness_K` is
    measured at full size on a few of them (`thumbnail.sharpness`). `is_key_N` tells which were encoded by themselves. Once the episode is let go, `digest` is what is left of them.
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
    numbers_N: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    thumbs_NHW: np.ndarray = field(default_factory=lambda: np.zeros((0, 1, 1), np.uint8))
    change_N: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    is_key_N: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    sharpness_K: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    error: str | None = None
    digest: CameraDigest | None = None

    def thinned(self, episode: EpisodeFacts | None = None) -> CameraFacts:
        """Returns the facts without arrays but with a digest of a few KB, for what is kept of an episode while others are read."""
        return replace(
            self,
            digest=digest(self, episode),
            numbers_N=self.numbers_N[:0],
            thumbs_NHW=self.thumbs_NHW[:0],
            change_N=self.change_N[:0],
            is_key_N=self.is_key_N[:0],
            sharpness_K=self.sharpness_K[:0],
        )

    def finding(self, code: str, severity: Severity, message: str, **evidence: Any) -> Finding:
        """Returns a finding about this camera's episode."""
        evidence = {"camera": self.key, **evidence}
        return Finding(code=code, severity=severity, episodes=(self.episode,), message=message, evidence=evidence)
