#!/bin/sh
# Builds with warnings as errors and runs every suite, plain and under ASan and UBSan; under TSan what has threads.
# Safe to run again; the last line is `N passed, N failed`.
set -eu
cd "$(dirname "$0")/.."
. tests/packages.sh

need $build_packages busybox clang-format-14 curl e2fsprogs openssl git jq strace systemd python3-gitlab libgitlab-api-v4-perl zsh fish \
	debhelper dpkg-dev lintian python3-pip mmdebstrap systemd-container qemu-system-x86 qemu-utils ovmf swtpm
command -v node >/dev/null && command -v npm >/dev/null || need nodejs npm

shared= roots=
trap 'rm -rf "$shared"; [ -z "$roots" ] || kill "$roots" 2>/dev/null || :' EXIT
trap 'exit 1' INT TERM
# What the tests of a booted machine start from, made once; most of it is waiting for a mirror.
mkdir -p build
/usr/bin/python3 tests/machine/machine.py build/machine bookworm trixie >build/machine.log 2>&1 &
roots=$!

echo "building"
build build --buildtype=release -Dwerror=true
build build-dev --native-file tests/dev.ini
targets='agent/glrotate tests/gitlab/gitlab-sim tests/unit/test_workers tests/unit/test_pace tests/unit/test_commits'
build build-tsan --native-file tests/tsan.ini
targets=

# A client of GitLab's API from npm; its test is skipped where it cannot be had.
GITBEAKER=$PWD/build/gitbeaker
export GITBEAKER
[ -d "$GITBEAKER/node_modules/@gitbeaker/cli" ] ||
	npm install --silent --no-package-lock --no-save --no-audit --no-fund --ignore-scripts \
		--prefix "$GITBEAKER" @gitbeaker/rest@43.8.0 @gitbeaker/cli@43.8.0 >/dev/null 2>&1 ||
	echo "npm has no @gitbeaker for us: its test is skipped"

# Unpacked and not installed, so that no web server starts on this machine.
NGINX=$PWD/build/nginx/usr/sbin/nginx
export NGINX
[ -x "$NGINX" ] || (
	mkdir -p build/nginx && cd build/nginx && need libpcre2-8-0 zlib1g &&
		apt-get -qq download nginx && dpkg-deb -x nginx_*.deb .
) >/dev/null 2>&1 || echo "apt has no nginx for us: its test is skipped"

echo "packaging"
sh tests/package.sh build/package

# optional: answers that real GitLabs gave
recorded=../shared/recorded # optional
if [ -z "${GLROTATE_RECORDED:-}" ] && [ -d "$recorded" ]; then
	GLROTATE_RECORDED=$(cd "$recorded" && pwd)
	export GLROTATE_RECORDED
fi

# What is written to be lost is not worth a disk's time, where there is memory enough: each state is synced many times.
if [ -z "${TMPDIR:-}" ] && [ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 1000000 ] 2>/dev/null &&
	shared=$(mktemp -d /dev/shm/glrotate-tests-XXXXXX 2>/dev/null); then
	TMPDIR=$shared
	export TMPDIR
fi

# Most tests wait more than they work: for a lost answer to settle, for a second to pass at GitLab. The time that
# they are given is there to end what hangs, on a machine that does other work as well.
failed=0
at_once=$((2 * $(nproc)))
run_tests() {
	folder=$1
	shift
	echo "testing $folder"
	meson test -C "$folder" --no-rebuild --print-errorlogs --timeout-multiplier 10 \
		--num-processes "$at_once" "$@" || failed=1
}
wait "$roots" || :
roots=
cat build/machine.log
run_tests build --no-suite virtual
# The lints read no program, and other people's clients only meet the simulator.
run_tests build-dev --no-suite lint --no-suite clients
echo "testing build-tsan"
# TSan's shadow memory leaves little room for what the kernel puts at random places.
calm=
setarch -R true 2>/dev/null && calm='setarch -R'
$calm meson test -C build-tsan --no-rebuild --print-errorlogs --timeout-multiplier 10 \
	workers pace commits 'scenario adopt' 'scenario hands' 'scenario road' || failed=1
# Alone, for a kernel whose every instruction is interpreted gets on slowly beside others.
echo "testing a virtual machine"
meson test -C build --no-rebuild --print-errorlogs --logbase virtual --suite virtual || failed=1
/usr/bin/python3 tests/count.py build build-dev build-tsan build:virtual || failed=1
exit $failed
