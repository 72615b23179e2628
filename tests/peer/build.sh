#!/usr/bin/env bash
# Builds .peer: LeRobot 0.4.4, the newest that installs on Python 3.11, to compare with. It cannot share an environment with
# Deftworks (other versions of transformers, datasets, huggingface_hub, numpy). About 3 GB and two minutes with a warm cache.
# torchcodec needs the system's ffmpeg libraries (Debian: apt install ffmpeg).
#   tests/peer/build.sh [folder]            default .peer; an environment that works already is kept
set -euo pipefail
cd "$(dirname "$0")/../.."
peer="${1:-.peer}"
python="${PYTHON:-python3.11}"

if [ -f "$peer/complete" ]; then
    echo "$peer is built; remove it to build it again"
    exit 0
fi
rm -rf "$peer"
"$python" -m venv "$peer"
"$peer/bin/python" -m pip install --quiet --disable-pip-version-check \
    'torch==2.13.0' 'datasets>=4,<5' 'diffusers>=0.27.2,<0.36' 'huggingface-hub[hf-transfer]>=0.34.2,<0.36' \
    'accelerate>=1.10,<2' 'setuptools>=71,<81' 'einops>=0.8,<0.9' 'opencv-python-headless>=4.9,<4.13' 'av>=15,<16' \
    'jsonlines>=4,<5' 'packaging>=24.2,<26' 'draccus==0.10.0' 'gymnasium>=1.1.1,<2' 'deepdiff>=7.0.1,<9' \
    'imageio[ffmpeg]>=2.34,<3' 'termcolor>=2.4,<4' 'transformers>=4.57.1,<5' num2words grpcio 'protobuf>=6.31.1,<7' \
    pyserial matplotlib scipy 'wandb>=0.24,<0.25' 'rerun-sdk>=0.24,<0.27' 'pynput>=1.7.7,<1.9'
# Their own pins ask for CUDA builds or older torch; what they need is installed above.
"$peer/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    'lerobot==0.4.4' 'torchvision==0.28.0' 'torchcodec==0.13.0'

site_packages="$("$peer/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
cp tests/peer/torchvision_schemas.py "$site_packages/deftworks_torchvision_schemas.py"
echo 'import deftworks_torchvision_schemas' > "$site_packages/deftworks_torchvision_schemas.pth"

HF_HUB_OFFLINE=1 "$peer/bin/python" -c '
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from torchcodec.decoders import VideoDecoder
'
touch "$peer/complete"
echo "$peer is ready"
