#!/bin/sh
# All tests on a virtual machine, by `tests/machine.sh virtual`: about three minutes of one core. tests/run.sh has a few of them.
set -eu
cd "$(dirname "$0")/../.."
. tests/packages.sh

need $build_packages mmdebstrap qemu-system-x86 qemu-utils ovmf swtpm
build build --buildtype=release
sh tests/package.sh build/package
GLROTATE_MACHINE_WHOLE=1 meson test -C build --no-rebuild --verbose --timeout-multiplier 3 "machine virtual"
