"""How the shop is started."""

from __future__ import annotations

import sys
from pathlib import Path

APP = Path(__file__).with_name("app.py")
HOST = "localhost"
STREAMLIT = {
    "server.headless": True,
    "server.maxUploadSize": 16,  # MB; strangers upload into this process's memory, and Streamlit would take 200
    "server.maxMessageSize": 16,  # MB, likewise
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": False,
    "logger.hideWelcomeMessage": True,
}


def shop_command(port: int, host: str = HOST) -> list[str]:
    """Returns the command that serves the shop at this machine's `port`. The lake is the environment's DEFTWORKS_HOME."""
    return [sys.executable, "-m", "marketplace_ui.server", "--host", host, "--port", str(port)]
