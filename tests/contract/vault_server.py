"""HashiCorp Vault's and OpenBao's API as far as glrotate uses it: KV version 2, AppRole, tokens, namespaces in the path.

After https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2, …/auth/approle, …/auth/token, …/system/internal-ui-mounts
and the source of hashicorp/vault-plugin-secrets-kv (path_data.go: what is asked before the check-and-set)."""
import fnmatch
import secrets
import uuid

from contract import Server, demand, fits

CONTENT_TYPES = {"POST": "application/json", "PATCH": "application/merge-patch+json"}
ALL = {"create", "read", "update", "patch"}


def is_data(value, where):
    demand(isinstance(value, dict), f"{where}: expected an object")


def merged(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


class Secret:
    def __init__(self):
        self.versions, self.cas_required = [], False  # each {"data", "deleted", "destroyed"}

    @property
    def current(self):
        return len(self.versions)

    @property
    def lives(self):
        return bool(self.versions) and not self.versions[-1]["deleted"] and not self.versions[-1]["destroyed"]

    def add(self, data):
        self.versions.append({"data": data, "deleted": "", "destroyed": False})

    def metadata(self):
        last = self.versions[-1]
        return {"created_time": "2026-11-21T10:00:00.000000000Z", "custom_metadata": None,
                "deletion_time": last["deleted"], "destroyed": last["destroyed"], "version": self.current}


class VaultServer(Server):
    credential_header = "x-vault-token"

    def __init__(self, tls=None):
        self.mounts = {"secret": ("kv", {"version": "2"}), "old": ("kv", {"version": "1"}), "pki": ("pki", None)}
        self.secrets, self.first_version = {}, {}  # both by MOUNT/PATH, with the namespace before it
        self.tokens = {"root-of-vault": [("*", ALL)]}
        self.roles, self.grants = {}, []  # role_id → secret_id, rules, lease
        self.knows_patch, self.sealed, self.cas_is_kept = True, False, True
        super().__init__(tls)

    # --- what a test may ask for ---

    def token(self, *rules):
        token = "hvs." + secrets.token_hex(12)
        self.tokens[token] = list(rules) or [("secret/data/*", ALL)]
        return token

    def approle(self, *rules, lease=3600):
        role, secret = str(uuid.uuid4()), str(uuid.uuid4())
        self.roles[role] = (secret, list(rules) or [("secret/data/*", ALL)], lease)
        return role, secret

    def put(self, path, **data):
        with self.lock:
            self.secrets.setdefault(path, Secret()).add(data)

    def data(self, path):
        found = self.secrets.get(path)
        return found.versions[-1]["data"] if found and found.lives else None

    # --- who may ---

    @staticmethod
    def failed(status, *errors):
        return status, {"errors": list(errors)}

    @staticmethod
    def ok(data=None, auth=None):
        return 200, {"request_id": str(uuid.uuid4()), "lease_id": "", "renewable": False, "lease_duration": 0, "data": data,
                     "wrap_info": None, "warnings": None, "auth": auth, "mount_type": "kv"}

    def may(self, token, path, capability):
        return any(fnmatch.fnmatchcase(path, pattern) and capability in can for pattern, can in self.tokens.get(token, []))

    # --- the API ---

    def answer(self, request):
        demand(request.path.startswith("/v1/"), "a path outside of /v1/")
        demand(not request.query, f"a query: {request.query}")
        if self.sealed:
            return self.failed(503, "Vault is sealed")
        path, token = request.path[len("/v1/"):], request.headers.get("x-vault-token")
        namespace = path[:path.index("team/") + 5] if path.startswith("team/") else ""
        path = path[len(namespace):]
        if path.startswith("auth/") and path.endswith("/login"):
            return self.login(request, path.split("/")[1], token)
        demand(token, "no X-Vault-Token")
        if path == "auth/token/revoke-self":
            demand(request.method == "POST" and request.parse(CONTENT_TYPES) == {}, "revoke-self takes nothing")
            return (204, None) if self.tokens.pop(token, None) else self.failed(403, "permission denied")
        if token not in self.tokens:
            return self.failed(403, "permission denied", "invalid token")
        if path.startswith("sys/internal/ui/mounts/"):
            return self.mount_of(request, namespace, path[len("sys/internal/ui/mounts/"):], token)
        mount, _, rest = path.partition("/")
        if mount == "old":
            return self.version_1(request, namespace + path, token)
        demand(rest.startswith("data/") and len(rest) > 5, f"no path of KV version 2: {path}")
        return self.kv(request, namespace + mount + rest[4:], namespace + path, mount, token)

    def login(self, request, mount, token):
        demand(request.method == "POST" and token is None, "a login is a POST without a token")
        demand(mount == "approle", f"nothing is mounted at auth/{mount}")
        fits(request.parse(CONTENT_TYPES), {"role_id": str, "secret_id": str})
        secret, rules, lease = self.roles.get(request.body["role_id"], (None, None, None))
        if secret is None or secret != request.body["secret_id"]:
            return self.failed(400, "invalid role or secret ID")
        new = self.token(*rules)
        self.grants.append(new)
        return self.ok(auth={"client_token": new, "accessor": str(uuid.uuid4()), "policies": ["default"],
                             "token_policies": ["default"], "metadata": {}, "lease_duration": lease, "renewable": True,
                             "entity_id": "", "token_type": "service", "orphan": True, "num_uses": 0})

    def mount_of(self, request, namespace, path, token):
        demand(request.method == "GET", "mounts are read")
        mount = path.split("/")[0]
        if mount not in self.mounts or not any(p.startswith((namespace + mount, "*")) for p, _ in self.tokens[token]):
            return self.failed(403, f'preflight capability check returned 403, please ensure client\'s policies grant access to path "{mount}/"')
        kind, options = self.mounts[mount]
        return self.ok({"accessor": f"{kind}_1", "type": kind, "options": options, "path": mount + "/", "local": False,
                        "description": "", "uuid": "0", "config": {}})

    def version_1(self, request, path, token):
        if request.method == "GET":
            return self.failed(404) if self.may(token, path, "read") else self.failed(403, "permission denied")
        demand(False, "a write to KV version 1, which keeps whatever it gets")

    def kv(self, request, at, path, mount, token):
        demand(request.method in ("GET", "POST", "PATCH"), f"{request.method} of a secret")
        found = self.secrets.get(at)
        if request.method == "GET":
            return self.read(found) if self.may(token, path, "read") else self.failed(403, "1 error occurred:\n\t* permission denied\n\n")
        if request.method == "PATCH" and not self.knows_patch:
            return self.failed(405, "unsupported operation")
        needed = "patch" if request.method == "PATCH" else "update" if found else "create"
        if not self.may(token, path, needed):
            return self.failed(403, "1 error occurred:\n\t* permission denied\n\n")
        if mount not in self.mounts:
            return self.failed(404, f'no handler for route "{path}". route entry not found.')
        return self.write(request, at, found)

    def read(self, found):
        if not found or not found.versions:
            return self.failed(404)
        status, answer = self.ok({"data": found.versions[-1]["data"] if found.lives else None, "metadata": found.metadata()})
        return (status if found.lives else 404), answer

    def write(self, request, at, found):
        """glrotate always says under which version it writes, so here `cas` is required."""
        fits(request.parse(CONTENT_TYPES), {"options": {"cas": int}, "data": is_data})
        cas, data = request.body["options"]["cas"], request.body["data"]
        demand(cas >= 0, "a negative version")
        if request.method == "PATCH":
            demand(cas > 0, "a patch of what cannot be there")
            if not found or not found.versions:
                return self.failed(404)
        if self.cas_is_kept and cas != (found.current if found else 0):
            return self.failed(400, "check-and-set parameter did not match the current version")
        if request.method == "PATCH":
            if not found.lives:
                return 404, self.ok({"data": None, "metadata": found.metadata()})[1]
            data = merged(found.versions[-1]["data"], data)
        self.secrets.setdefault(at, Secret()).add(data)
        return self.ok(self.secrets[at].metadata())
