#!/bin/bash
# What a process of the unit may do, a line each: probe.sh HOST PORT SECONDS-TO-WAIT, started by a drop-in beside glrotate itself.
try() {
	what=$1
	shift
	"$@" >/dev/null 2>&1 && echo "$what: yes" || echo "$what: no"
}
{
	try "write beside the policy" touch /etc/glrotate/probe
	try "write programs" touch /usr/bin/probe
	try "write its own state" touch "$STATE_DIRECTORY/probe"
	try "write where everybody may" touch /run/lock/probe
	try "see another's home" ls /root
	try "become root" setpriv --reuid=0 true
	try "see process 1" ls /proc/1
	try "make a device" mknod "$STATE_DIRECTORY/null" c 1 3
	try "mount" mount -t tmpfs tmpfs "$STATE_DIRECTORY"
	try "change the host's name" hostname probe
	try "reach $1" timeout "$3" bash -c "exec 3<>/dev/tcp/$1/$2"
	try "keep a core" bash -c '[ "$(ulimit -c)" != 0 ]'
} >"$STATE_DIRECTORY/probe.out"
exit 0
