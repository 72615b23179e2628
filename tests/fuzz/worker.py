"""The process in which cases run, one after the other: reads seeds on stdin, answers with a line of JSON each.

It watches nothing itself: `pool` kills it where a case hangs or takes too much memory. Run by `pool` and by `fuzz --case`.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

ADDRESS_SPACE_BYTES = 16 * 2**30
"""Far above what is allowed to be used: an array of a declared 10**12 values fails as it would on a small machine."""
DUMP_AFTER_S = 25


def main() -> None:
    specimens, answers = Path(sys.argv[1]), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever prints must not be taken for an answer
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from tests.fuzz.case import run_case

    for line in sys.stdin:
        seed = int(line)
        sandbox = Path(tempfile.mkdtemp(prefix=f"fuzz-{seed}-", dir=specimens.parent))
        Path("/proc/self/clear_refs").write_text("5")  # counts the peak of memory anew
        faulthandler.dump_traceback_later(DUMP_AFTER_S)
        result = asdict(run_case(seed, specimens, sandbox))
        faulthandler.cancel_dump_traceback_later()
        result["peak_mib"] = _peak_mib()
        print(json.dumps(result), file=answers, flush=True)
        _remove(sandbox)


def _peak_mib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def _remove(sandbox: Path) -> None:
    shutil.rmtree(os.fsencode(sandbox), ignore_errors=True)


if __name__ == "__main__":
    main()
