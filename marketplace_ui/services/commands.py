"""Lines that a buyer copies into a terminal: to get a pack, to check it, and to have LeRobot act with it. They are run as they stand by tests."""

from __future__ import annotations

import shlex

from marketplace.downloads import Bundle

KEY_FILE = "deftworks.pem"
LEROBOT = "0.4.4"
_ACT = """cd {folder}   # it names its own files relative to where it lies
HF_HUB_OFFLINE=1 python - <<'END'
import torch
from lerobot.policies.factory import make_pre_post_processors
from lerobot.policies.smolvla.modeling_smolvla import SmolVLAPolicy

policy = SmolVLAPolicy.from_pretrained(".").eval()
before, after = make_pre_post_processors(policy.config, pretrained_path=".")
seen = {{key: torch.zeros(1, *feature.shape) for key, feature in policy.config.input_features.items()}}
print(after(policy.select_action(before(seen | {{"task": [{task}]}}))))
END"""


def folder_of(bundle: Bundle) -> str:
    """Returns the folder that a bundle unpacks into."""
    return bundle.name.removesuffix(".tar")


def get_lines(bundle: Bundle, url: str) -> str:
    """Returns how to download and unpack it; the first line goes on with a download that stopped."""
    return f"curl -L -C - -o {bundle.name} {shlex.quote(url)}\ntar xf {bundle.name}"


def check_lines(bundle: Bundle, address: str) -> str:
    """Returns how to check the file, and then every byte of the pack against the shop's key."""
    digest = bundle.sha256.removeprefix("sha256:")
    return (
        f"echo '{digest}  {bundle.name}' | sha256sum -c\n"
        f"curl -o {KEY_FILE} {address}/api/public-key\n"
        f"deftworks pack verify {folder_of(bundle)} --key {KEY_FILE}"
    )


def act_lines(folder: str, task: str) -> str:
    """Returns how LeRobot loads a pack without a network and acts once, on pictures of nothing."""
    words = "".join(char for char in " ".join(task.lower().split()) if char.isprintable() and char not in "\\\"'")
    return _ACT.format(folder=folder, task=f'"{words}"')
