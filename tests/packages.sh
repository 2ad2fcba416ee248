# Sourced by demo.sh and run.sh: installs by name what is missing, on Debian and Ubuntu.

build_packages='gcc libc6-dev meson ninja-build pkg-config libcurl4-openssl-dev libssl-dev libyaml-dev
	libsqlite3-dev libsystemd-dev libjansson-dev libsodium-dev libsmartcols-dev libmicrohttpd-dev
	libcmocka-dev scdoc python3'

is_installed() {
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

need() {
	command -v dpkg-query >/dev/null || {
		echo "not a Debian: the packages needed are, by Debian's names:" $* >&2
		return 0
	}
	missing=
	for package in "$@"; do
		is_installed "$package" || missing="$missing $package"
	done
	[ -z "$missing" ] && return
	echo "installing$missing"
	as_root=
	[ "$(id -u)" = 0 ] || as_root=sudo
	$as_root apt-get -qq update </dev/null
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
		$missing </dev/null >/dev/null
}

# build FOLDER [OPTION…]: sets up once, and builds what has changed, or of that the $targets.
build() {
	folder=$1
	shift
	[ -f "$folder/build.ninja" ] || meson setup "$folder" "$@" >"$folder.log" 2>&1 || {
		cat "$folder.log" >&2
		return 1
	}
	rm -f "$folder.log"
	ninja -C "$folder" ${targets-} >"$folder/build.log" 2>&1 || {
		cat "$folder/build.log" >&2
		return 1
	}
}
