"""A PostgreSQL server of this machine's own binaries, for tests: its own folder and socket, no port, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql")


def binaries() -> Path | None:
    """Returns the folder of the newest server that is installed, or None."""
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    versions = sorted(DEBIAN.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yields the URL of a server with an empty database. It does not sync to disk: tests of crashes kill clients, not the server."""
    folder = binaries()
    if folder is None:
        raise RuntimeError("PostgreSQL is not installed: see tools/debian.sh")
    user = pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None  # it refuses to run as root
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:
        place = Path(name)
        if user:
            shutil.chown(place, user)
        run = {"user": user, "check": True, "capture_output": True, "cwd": place}
        subprocess.run(
            [folder / "initdb", "-D", place / "data", "-U", "test", "--auth=trust", "--no-sync", "-E", "UTF8"], **run
        )
        options = ("-F", "-k", str(place), "-c", "listen_addresses=", "-c", "fsync=off")
        server = subprocess.Popen(
            [folder / "postgres", "-D", place / "data", *options], user=user, cwd=place,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            for _ in range(200):
                if (
                    subprocess.run([folder / "pg_isready", "-h", place], capture_output=True, check=False).returncode
                    == 0
                ):
                    break
                time.sleep(0.05)
            yield f"postgresql://test@/postgres?host={place}"
        finally:
            server.send_signal(2)  # fast shutdown: does not wait for clients
            server.wait(20)
