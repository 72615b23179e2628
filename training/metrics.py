"""metrics.jsonl: one line per logged step, for people to plot. Losses are means over the steps since the line before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from data_contracts.stages import write_text
from training.out_folder import saving

FILE = "metrics.jsonl"
FINAL_LINES = 10


class Metrics:
    """Collects losses and writes a line whenever it is told to. A resumed run takes back what came after its checkpoint.

    Args:
        writes: false in all processes but the first, which need the lines only to decide when to stop.
    """

    def __init__(self, out: Path, resumed_at: int, *, writes: bool = True) -> None:
        self._path = out / FILE
        self._writes = writes
        self._losses: list[float] = []
        self.lines = [line for line in read_metrics(self._path) if line["step"] <= resumed_at]
        if writes:
            with saving(self._path):
                write_text(self._path, "".join(map(_line, self.lines)))

    def add(self, loss: float) -> None:
        self._losses.append(loss)

    def log(self, step: int, **values: float) -> None:
        """Writes a line for the first `step` steps: their mean loss since the last line, and `values`."""
        entry = {"step": step, "loss": sum(self._losses) / len(self._losses), **values}
        self._losses.clear()
        self.lines.append(entry)
        if self._writes:
            with saving(self._path), self._path.open("a", encoding="utf-8") as file:
                file.write(_line(entry))

    @property
    def first_loss(self) -> float:
        return self.lines[0]["loss"]

    @property
    def final_loss(self) -> float:
        """Mean of the last lines: single steps are noisy, because each draws its own noise and times."""
        last = [line["loss"] for line in self.lines[-FINAL_LINES:]]
        return sum(last) / len(last)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Returns the lines of a metrics.jsonl, without a last one that a stopped process left unfinished; [] where none is."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry) + "\n"
