"""Run with LeRobot's own Python: what LeRobot 0.4.4 makes of a rename_map on its command line, and a calibration that it writes."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import draccus
from lerobot.motors import MotorCalibration
from lerobot.processor.rename_processor import RenameObservationsProcessorStep


@dataclass
class Options:
    """The field as LeRobot's eval, train and record configurations have it."""

    rename_map: dict[str, str] = field(default_factory=dict)


question = json.loads(Path(sys.argv[1]).read_text())
answers = []
for case in question["cases"]:
    options = draccus.parse(Options, args=[f"--rename_map={case['rename_map']}"])
    step = RenameObservationsProcessorStep(rename_map=options.rename_map)
    orders = [case["observation"], dict(reversed(case["observation"].items()))]
    answers.append([step.observation(observation) for observation in orders])
calibration = {name: MotorCalibration(**entry) for name, entry in question["calibration"].items()}
with Path(sys.argv[3]).open("w") as file, draccus.config_type("json"):
    draccus.dump(calibration, file, indent=4)
Path(sys.argv[2]).write_text(json.dumps(answers))
