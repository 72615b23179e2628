#!/usr/bin/env bash
# Installs what Debian must provide, where this user may; otherwise says the command that does.
#   libegl1 libgl1-mesa-dri   MuJoCo renders without a screen
#   chromium                  browser tests and screenshots of the shop
#   postgresql                tests run the shop's database on it too
#   ffmpeg                    only the peer's torchcodec needs it
set -euo pipefail
packages=(libegl1 libgl1-mesa-dri chromium ffmpeg postgresql)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
command="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
if ! command -v apt-get >/dev/null; then
    echo "This is not Debian. Provide what these packages provide: ${missing[*]}" >&2
elif [ "$(id -u)" -eq 0 ]; then
    echo "Installing ${missing[*]} ..."
    DEBIAN_FRONTEND=noninteractive bash -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends ${missing[*]}" >/dev/null
elif sudo -n true 2>/dev/null; then
    sudo DEBIAN_FRONTEND=noninteractive bash -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends ${missing[*]}" >/dev/null
else
    echo "Some Debian packages are missing. Run: sudo sh -c '$command'" >&2
fi
