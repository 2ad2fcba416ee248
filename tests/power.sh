#!/bin/sh
# Cuts the power off, so many times, on disks in memory that lose what was not flushed: sh tests/power.sh CYCLES [SEED]
# Wants root, and to mount loop devices; a cycle takes a third of a second. Exit code 1 when something was lost.
set -eu
cycles=${1:?how many cycles?}
cd "$(dirname "$0")/.."
. tests/packages.sh

need $build_packages e2fsprogs
build build --buildtype=release
GLROTATE=$PWD/build/agent/glrotate GITLAB_SIM=$PWD/build/tests/gitlab/gitlab-sim \
	GLROTATE_SHIM=$PWD/build/tests/faults/glrotate-shim.so SETUP_PROBE=$PWD/build/tests/scenario/setup_probe \
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/machine/power.py --cycles "$cycles" --seed "${2:-1}"
