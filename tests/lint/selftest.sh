#!/bin/sh
# Each lint finds what it is there for: a fault planted into a small clean tree is named, and what only looks
# like one is not.
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d) && trap 'rm -rf "$tree"' EXIT
failures=0

fail() {
	echo "$*"
	failures=$((failures + 1))
}

# finds LINT EXPECTED FILE: with the fault on stdin behind FILE, LINT must fail, and say EXPECTED.
finds() {
	lint=$1 expected=$2 file=$tree/$3
	[ -e "$file" ] && cp -p "$file" "$tree/.kept"
	mkdir -p "$(dirname "$file")"
	cat >>"$file"
	said=$(sh "$here/$lint.sh" "$tree")
	case $?:$said in
	77:*) ;;
	1:*"$expected"*) ;;
	*) fail "$lint does not find '$expected' in $3: $said" ;;
	esac
	rm -f "$file"
	[ -e "$tree/.kept" ] && mv "$tree/.kept" "$file"
}

passes() {
	said=$(sh "$here/$1.sh" "$tree")
	case $? in
	0 | 77) ;;
	*) fail "$1 finds something where there is nothing: $said" ;;
	esac
}

# plant LINT EXPECTED FILE LINE: the % are there so that the lints do not find this file, and go
plant() {
	echo "$4" | tr -d % | finds "$1" "$2" "$3"
}

for layer in base gitlab store destination policy flow report verb; do
	mkdir -p "$tree/agent/$layer" "$tree/include/$layer" "$tree/tests/unit"
	printf '#include "base/err.h"\n' >"$tree/agent/$layer/one.c"
	printf '/* one.h: of %s */\n' "$layer" >"$tree/include/$layer/one.h"
done
cp "$here/../../.clang-format" "$tree/" || exit 2
printf 'int\nverb_run(void)\n{\n\treturn 0;\n}\n' >"$tree/agent/verb/run.c"
printf 'const char *x = secret_reveal(s);\n' >"$tree/agent/base/secret.c"
for lint in layers secrets sizes format tests words; do
	passes "$lint"
done

while IFS='@' read -r lint expected file line; do
	[ -n "$lint" ] && plant "$lint" "$expected" "$file" "$line"
done <<'ROWS'
layers@base may include@agent/base/err.c@#include "gitlab/token.h"
layers@base may include@include/base/err.h@#include "policy/policy.h"
layers@gitlab may include@include/gitlab/token.h@#include "store/journal.h"
layers@store may include@agent/store/seal.c@#include "gitlab/token.h"
layers@policy may include@include/policy/policy.h@#include "gitlab/token.h"
layers@policy may include@include/policy/policy.h@#include "destination/kind.h"
layers@destination may include@agent/destination/file.c@#include "flow/run.h"
layers@flow may include@include/flow/plan.h@# include "report/page.h"
layers@report may include@agent/report/page.c@#include "verb/verb.h"
layers@no such layer@include/helpers/x.h@int x;
layers@a verb has no header@include/verb/run.h@int x;
layers@a source is not included@agent/verb/run.c@#include "plan.c"
layers@known to base/http.c@agent/gitlab/pace.c@#include <curl/curl.h>
layers@known to base/http.c@agent/base/json.c@#include <openssl/ssl.h>
layers@known to base/json.c@agent/base/http.c@#include <jansson.h>
layers@known to base/yaml.c@agent/policy/policy.c@#include <yaml.h>
layers@known to store/db.c@agent/store/journal.c@#include <sqlite3.h>
layers@known to base/log.c base/notify.c@agent/main.c@#include <systemd/sd-journal.h>
layers@known to base/secret.c store/seal.c@agent/store/db.c@#include <sodium.h>
layers@known to base/table.c@agent/report/page.c@#include <libsmartcols.h>
layers@known to nobody@agent/base/workers.c@#include <threads.h>
layers@no foreign type@include/base/json.h@json_t *json_raw(void);
layers@no foreign type@include/store/db.h@struct sqlite3 *db_raw(void);
layers@workers.c@agent/flow/run.c@int x = pthread_create(0, 0, 0, 0);
layers@workers.c@agent/base/notify.c@int x = fork();
layers@the simulator includes@tests/gitlab/x.c@#include "base/err.h"
secrets@not in the list@agent/flow/run.c@const char *x = secret_reveal(s);
secrets@not in the list@agent/base/table.c@const char *(*x)(const struct secret *) = secret_reveal;
secrets@take it out@agent/base/json.c@int no_call;
secrets@becomes a text@agent/base/secret.c@int x = puts(secret_reveal(s));
format@clang-formatted@agent/base/err.c@int  x ;
format@clang-formatted@tests/unit/x.c@    int x;
words@a path of one machine@agent/main.c@/* see /wor%k/shared */
words@a path of one machine@README.md@see ../share%d/design.md
words@a path of one machine@tests/unit/x.c@"/wor%k/recorded"
ROWS

# What looks like a fault and is none.
while IFS='@' read -r lint file line; do
	[ -n "$lint" ] || continue
	echo "$line" | tr -d % >>"$tree/$file"
	passes "$lint"
done <<'ROWS'
layers@agent/base/arena.c@/* #include "flow/run.h" and <curl/curl.h> */
layers@include/base/arena.h@/* a json_t stays inside */
layers@agent/policy/x.c@#include "destination/destination.h"
secrets@agent/base/arena.c@/* never secret_reveal() here */
words@agent/base/arena.c@/* net/work/ is no such path, nor is /workers */
words@tests/unit/x.c@/* optional: */ "/wor%k/recorded"
ROWS

seq 60 | sed 's/.*/\tx++;/; 1i{' | sed '$a}' | finds sizes 'a function of 62 lines' agent/base/err.c
seq 58 | sed 's/.*/\tx++;/; 1i{' | sed '$a}' >>"$tree/agent/base/arena.c"
passes sizes
seq 501 | finds sizes '501 lines, 500 are the most' tests/unit/x.h
seq 500 >"$tree/tests/unit/y.h"
passes sizes

echo "tests = [ 'one' ]" >"$tree/tests/unit/meson.build"
echo 'int x;' | finds tests 'tests/unit/test_two.c: no test' tests/unit/test_two.c
echo 'int x;' >"$tree/tests/unit/test_one.c"
passes tests

[ "$failures" = 0 ]
