#!/bin/sh
# A small company on a simulated GitLab: check, plan, run, status, explain, and a lost answer repaired.
# Builds what is missing, listens on this machine alone, and leaves nothing behind but the build folder.
set -eu
cd "$(dirname "$0")/.."
. tests/packages.sh

need $build_packages curl
echo "building"
build build --buildtype=release

work=$(mktemp -d)
sim=
clean_up() {
	[ -z "$sim" ] || kill "$sim" 2>/dev/null || :
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

program=$PWD/build/agent/glrotate
simulator=$PWD/build/tests/gitlab/gitlab-sim
cd "$work"

cat >world.json <<'WORLD'
{ "groups": [
    { "path": "shop",
      "tokens": [ { "name": "ci", "scopes": ["api"], "created": "-175d", "expires": "+5d", "last_used": "-20m" } ],
      "service_accounts": [ { "username": "deployer",
        "tokens": [ { "name": "helm", "scopes": ["read_registry"], "created": "-178d", "expires": "+2d" } ] } ] } ],
  "projects": [
    { "path": "shop/api",
      "tokens": [ { "name": "registry-push", "secret": "glpat-demo-the-old-one-00", "scopes": ["api"],
                    "access_level": "developer", "created": "-86d", "expires": "+4d", "last_used": "-4m" } ],
      "variables": [ { "key": "REGISTRY_TOKEN", "value": "glpat-demo-the-old-one-00", "masked": true,
                       "description": "pushes the images" } ] },
    { "path": "shop/web",
      "tokens": [ { "name": "deploy", "scopes": ["api"], "created": "-84d", "expires": "+6d" } ],
      "variables": [ { "key": "DEPLOY_TOKEN", "value": "glpat-demo-hidden-value-0", "masked": true, "hidden": true } ] },
    { "path": "shop/docs",
      "tokens": [ { "name": "pages", "scopes": ["read_api"], "created": "-900d", "expires": null } ] } ] }
WORLD

"$simulator" --listen 127.0.0.1:0 --version 18.11.5 --root-token glpat-demo-administrator \
	--world world.json >sim.out &
sim=$!
while ! grep -q listening sim.out; do
	kill -0 "$sim" || exit 1
	sleep 0.1
done
url=$(sed -n 's/^listening on //p' sim.out)

(umask 077 && printf %s glpat-demo-administrator >credential)
mkdir -m 700 state
cat >glrotate.yaml <<POLICY
gitlab:
  url: $url
  credential: $work/credential
lifetimes:
  - { for: "project:**", max_lifetime: 90d, renew_before: 14d }
  - { for: "*",          max_lifetime: 180d, renew_before: 20d }
limits: { settle: 2s }       # on a real GitLab leave out: 5m
tokens:
  - token: project:shop/api:registry-push
    deliver:
      - ci_variable: REGISTRY_TOKEN
      - ci_variable: { key: REGISTRY_TOKEN, project: shop/web, environment_scope: production }
      - file: $work/registry-token
  - token: project:shop/web:deploy
    deliver: [ ci_variable: { key: DEPLOY_TOKEN, visibility: hidden } ]
  - token: group:shop:ci
    deliver: [ ci_variable: { key: CI_TOKEN, protected: yes } ]
  - token: service_account:shop/deployer:helm
    deliver: [ ci_variable: { key: HELM_TOKEN, group: shop } ]
  - token: project:shop/docs:pages           # without expiry until now
    deliver: [ ci_variable: PAGES_TOKEN ]
POLICY

show() {
	printf '\n$ glrotate'
	for word in "$@"; do
		case $word in
		*' '*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	echo
	status=0
	"$program" --policy glrotate.yaml --state state "$@" 2>&1 || status=$?
	[ "$status" -le "${most:-0}" ] || {
		echo "the demo stops here: exit code $status"
		exit 1
	}
}

# Secrets travel in files that curl reads: never in an argument.
api() {
	(umask 077 && printf 'PRIVATE-TOKEN: %s' "$(cat "$1")" >header)
	curl -s -H @header "$url/api/v4/$2"
}
opens() {
	(umask 077 && printf 'PRIVATE-TOKEN: %s' "$(cat "$1")" >header)
	curl -s -o /dev/null -w '%{http_code}' -H @header "$url/api/v4/personal_access_tokens/self"
}
variable() {
	(umask 077 && api credential "$1" | sed 's/.*"value": *"\([^"]*\)".*/\1/' >value)
}
fault() {
	curl -s -o /dev/null "$url/sim/faults" -d "{ \"fault\": \"$1\", \"method\": \"POST\", \"path\": \"$2\" }"
}
say() {
	printf '\n── %s\n' "$*"
}

say "a policy, five tokens, three projects: is everything in order?"
show check
say "what would happen, and why"
show plan
variable projects/shop%2Fapi/variables/REGISTRY_TOKEN
cp value old
say "do it"
show run
say "how it stands"
show status --all
show explain registry-push

variable projects/shop%2Fapi/variables/REGISTRY_TOKEN
say "REGISTRY_TOKEN in shop/api: the new secret opens the API, the old one does not"
echo "new: HTTP $(opens value)    old: HTTP $(opens old)"
[ "$(opens value)" = 200 ] && [ "$(opens old)" = 401 ]

say "a second run has nothing to do, and says nothing"
show run

say "now GitLab rotates and the answer is lost on the way: the secret it held is gone for ever"
fault drop_after_commit '*access_tokens/*/rotate'
show rotate registry-push --reason 'demo of a lost answer'
variable projects/shop%2Fapi/variables/REGISTRY_TOKEN
echo "REGISTRY_TOKEN after the repair: HTTP $(opens value)"
[ "$(opens value)" = 200 ]
show history registry-push --limit 12
show history --verify --limit 1

cat <<'END'

── on your own GitLab
The same policy works there. In glrotate.yaml take out `limits`, and write
    gitlab:
      url: https://gitlab.example.com
      credential: /etc/glrotate/gitlab-token      # a file of mode 0600, scope api
with your own tokens. Then, in this order: glrotate check, glrotate plan, glrotate run.
README.md says which account the credential should belong to.
END
