#!/bin/sh
# The tests of booted machines alone, as tests/run.sh runs them among the others: machine.sh [RELEASE… or virtual]
# What is not to be had is told, and skipped; with GLROTATE_MACHINE_REQUIRED=1 that is a failure.
set -eu
cd "$(dirname "$0")/.."
. tests/packages.sh
[ "${1-}" != virtual ] || exec sh tests/machine/virtual.sh

need $build_packages mmdebstrap systemd-container systemd
[ $# -gt 0 ] || set -- bookworm trixie
build build --buildtype=release
/usr/bin/python3 tests/machine/machine.py build/machine "$@"
sh tests/package.sh build/package
for release in "$@"; do
	meson test -C build --no-rebuild --print-errorlogs "machine $release" "machine user $release"
done
