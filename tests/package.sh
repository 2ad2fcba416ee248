#!/bin/sh
# Builds the Debian package in a scratch folder, with the packaging files at its root: package.sh [FOLDER for the .deb]
set -eu
cd "$(dirname "$0")/.."
. tests/packages.sh

need $build_packages debhelper dpkg-dev lintian
out=${1:-build/package}
mkdir -p "$out"
out=$(cd "$out" && pwd)
# Always the same folder, for its name is among what ccache compares.
work=$out.work
rm -rf "$work"
mkdir "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

mkdir "$work/glrotate"
# The tests are not part of a package, and double the time that it takes.
git ls-files -z --cached --others --exclude-standard -- ':!tests' | tar -c --null -T - | tar -x -C "$work/glrotate"
mv "$work/glrotate/units/debian" "$work/glrotate/debian"
cd "$work/glrotate"
# debhelper gives the build a home of its own.
CCACHE_DIR=${CCACHE_DIR:-$HOME/.cache/ccache} DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage -us -uc -b >"$work/log" 2>&1 || {
	tail -n 40 "$work/log" >&2
	exit 1
}
cp "$work"/glrotate_*.deb "$out/"
echo "lintian:"
lintian --allow-root --fail-on=error,warning "$work"/glrotate_*.changes && echo "lintian has nothing to say"
ls "$out"/glrotate_*.deb
