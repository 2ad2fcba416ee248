#!/bin/sh
# Boots Debian 12 and 13 with systemd, installs the package there and lets the timer rotate: machine.sh [RELEASE…]
# Wants root, and Debian's packages; what is not to be had is told, and skipped.
set -eu
cd "$(dirname "$0")/.."
. tests/packages.sh

need $build_packages mmdebstrap systemd-container systemd
build build --buildtype=release
sh tests/package.sh build/package
for release in "${@:-bookworm trixie}"; do
	for one in $release; do
		meson test -C build --no-rebuild --print-errorlogs --timeout-multiplier 3 "machine $one"
	done
done
