"""The Kubernetes API server's Secrets as far as glrotate uses them: get, merge patch, create, and both run dry.

After the OpenAPI of core/v1 (readCoreV1NamespacedSecret, patch…, create…), the API conventions (resourceVersion, Status) and the
validation of Secrets: keys, immutable, type, kubernetes.io/dockerconfigjson."""
import base64
import copy
import json
import re
import secrets
import uuid

from contract import Server, demand, fits, is_base64
from vault_server import merged

CONTENT_TYPES = {"POST": "application/json", "PATCH": "application/merge-patch+json"}
VERBS = {"get", "patch", "create"}
ANNOTATION = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)")
KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
DOCKER = "kubernetes.io/dockerconfigjson"


def is_annotations(value, where):
    for name, text in value.items():
        demand(ANNOTATION.fullmatch(name), f"{where}: '{name}' is no annotation")
        demand(isinstance(text, str), f"{where}.{name}: expected a text")


def is_data(value, where):
    for key, coded in value.items():
        demand(KEY.fullmatch(key), f"{where}: '{key}' is no key")
        is_base64(coded, f"{where}.{key}")


def is_v1(value, where):
    demand(value == "v1", f"{where}: {value}")


def is_secret(value, where):
    demand(value == "Secret", f"{where}: {value}")


PATCH = {"metadata": {"resourceVersion": str, "annotations?": is_annotations}, "data": is_data}
DRY_PATCH = {"data": is_data}  # of whichever version
WHOLE = {"apiVersion": is_v1, "kind": is_secret, "type": str, "metadata": {"name": str, "annotations?": is_annotations},
         "data": is_data}


class KubernetesServer(Server):
    credential_header = "authorization"

    def __init__(self, tls=None):
        self.objects, self.version, self.namespaces = {}, 1000, {"ci"}
        self.tokens, self.mutate = {}, None
        super().__init__(tls)

    # --- what a test may ask for ---

    def token(self, verbs=None):
        token = "eyJ" + secrets.token_hex(16)
        self.tokens[token] = set(VERBS if verbs is None else verbs)
        return token

    def put(self, name, data, namespace="ci", type="Opaque", **more):
        with self.lock:
            kept = self.objects.get((namespace, name), {"metadata": {"uid": str(uuid.uuid4()), "annotations": {"team": "shop"}}})
            self.objects[namespace, name] = self.stamped({
                "apiVersion": "v1", "kind": "Secret", "type": type, **more,
                "metadata": {**kept["metadata"], "name": name, "namespace": namespace},
                "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}})

    def data(self, name, namespace="ci"):
        found = self.objects.get((namespace, name))
        return found and {key: base64.b64decode(value).decode() for key, value in found["data"].items()}

    def annotations(self, name, namespace="ci"):
        return self.objects[namespace, name]["metadata"].get("annotations", {})

    # --- the API ---

    def stamped(self, found):
        self.version += 1
        found["metadata"]["resourceVersion"] = str(self.version)
        return found

    @staticmethod
    def failed(code, reason, message):
        return code, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
                      "reason": reason, "details": {"kind": "secrets"}, "code": code}

    def answer(self, request):
        path = re.fullmatch(r"/api/v1/namespaces/([a-z0-9-]+)/secrets(?:/([a-z0-9.-]+))?", request.path)
        demand(path, "no path of Secrets")
        namespace, name = path.groups()
        head = request.headers.get("authorization", "")
        demand(re.fullmatch(r"Bearer \S+", head), "no bearer token")
        verb = {"GET": "get", "PATCH": "patch", "POST": "create"}.get(request.method)
        demand(verb and (name is None) == (verb == "create"), "that method is not for that path")
        dry = self.check_query(request, verb)
        if head[7:] not in self.tokens:
            return self.failed(401, "Unauthorized", "Unauthorized")
        if verb not in self.tokens[head[7:]]:
            return self.failed(403, "Forbidden", f'secrets "{name}" is forbidden: User "system:serviceaccount:ci:glrotate" '
                                                 f'cannot {verb} resource "secrets" in API group "" in the namespace "{namespace}"')
        if verb == "create":
            return self.create(request, namespace, dry)
        found = self.objects.get((namespace, name))
        if not found:
            return self.failed(404, "NotFound", f'secrets "{name}" not found')
        return (200, found) if verb == "get" else self.patch(request, namespace, name, found, dry)

    @staticmethod
    def check_query(request, verb):
        if verb == "get":
            demand(not request.query, f"a query: {request.query}")
            return False
        query = dict(request.query)
        demand(query.pop("fieldManager", None) == "glrotate", "no fieldManager")
        dry = query.pop("dryRun", None)
        demand(dry in (None, "All") and not query, f"a query: {request.query}")
        return dry == "All"

    def create(self, request, namespace, dry):
        fits(request.parse(CONTENT_TYPES), WHOLE)
        name = request.body["metadata"]["name"]
        if namespace not in self.namespaces:
            return self.failed(404, "NotFound", f'namespaces "{namespace}" not found')
        if (namespace, name) in self.objects:
            return self.failed(409, "AlreadyExists", f'secrets "{name}" already exists')
        made = copy.deepcopy(request.body)
        made["metadata"].update({"namespace": namespace, "uid": str(uuid.uuid4())})
        return self.keep(None, made, dry, 201)

    def patch(self, request, namespace, name, found, dry):
        fits(request.parse(CONTENT_TYPES), DRY_PATCH if dry else PATCH)
        if not dry and request.body["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]:
            return self.failed(409, "Conflict", f'Operation cannot be fulfilled on secrets "{name}": the object has been modified; '
                                                'please apply your changes to the latest version and try again')
        return self.keep(found, merged(found, request.body), dry, 200)

    def keep(self, before, after, dry, status):
        name = after["metadata"]["name"]
        if before and before.get("immutable") and before["data"] != after["data"]:
            return self.failed(422, "Invalid", f'Secret "{name}" is invalid: data: Forbidden: field is immutable when `immutable` is set')
        if after["type"] == DOCKER:
            try:
                json.loads(base64.b64decode(after["data"][".dockerconfigjson"]))
            except (KeyError, ValueError):
                return self.failed(422, "Invalid", f'Secret "{name}" is invalid: data[.dockerconfigjson]: Invalid value')
        if self.mutate:
            after = self.mutate(after)
        if dry:
            after = copy.deepcopy(after)
            after["metadata"]["resourceVersion"] = str(self.version)
            return status, after
        self.objects[after["metadata"]["namespace"], name] = self.stamped(after)
        return status, after
