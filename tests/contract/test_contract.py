"""The servers themselves: each request that the published API would not take is refused loudly, whatever it is."""
import http.client
import json
import unittest

from kubernetes_server import KubernetesServer
from vault_server import VaultServer

HEAD = {"User-Agent": "glrotate/0", "Accept": "application/json"}
MERGE = {"Content-Type": "application/merge-patch+json"}
PLAIN = {"Content-Type": "application/json"}
SECRETS = "/api/v1/namespaces/ci/secrets"
DATA = "/v1/secret/data/ci"


def secret(**more):
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": "a"}, "data": {"k": "QQ=="}, **more}


class Contract(unittest.TestCase):
    def ask(self, server, method, path, head, body=None):
        line = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
        self.addCleanup(line.close)
        body = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        line.putrequest(method, path, skip_accept_encoding=True)
        for name, value in {**HEAD, **head, **({} if body is None else {"Content-Length": str(len(body))})}.items():
            line.putheader(name, value)
        line.endheaders(body)
        answer = line.getresponse()
        return answer.status, answer.read()

    def check(self, server, head, good, rows):
        self.addCleanup(server.close)
        for method, path, more, body in good:
            status, answer = self.ask(server, method, path, {**head, **more}, body)
            self.assertLess(status, 300, answer)
        for method, path, more, body in rows:
            with self.subTest(f"{method} {path} {more} {body}"):
                before = len(server.violations)
                self.assertEqual(self.ask(server, method, path, {**head, **more}, body)[0], 599)
                self.assertEqual(len(server.violations), before + 1)

    def test_vault(self):
        write = {"options": {"cas": 1}, "data": {"k": "v"}}
        self.check(VaultServer(), {"X-Vault-Token": "root-of-vault"}, [
            ("POST", DATA, PLAIN, {"options": {"cas": 0}, "data": {}}), ("PATCH", DATA, MERGE, write), ("GET", DATA, {}, None)], [
            ("PATCH", DATA, PLAIN, write), ("POST", DATA, MERGE, write), ("PUT", DATA, PLAIN, write),
            ("PATCH", DATA, MERGE, {"data": {}}), ("PATCH", DATA, MERGE, {**write, "more": 1}),
            ("PATCH", DATA, MERGE, {"options": {"cas": "1"}, "data": {}}), ("PATCH", DATA, MERGE, {"options": {"cas": 1}, "data": []}),
            ("PATCH", DATA, MERGE, "{"), ("PATCH", DATA, MERGE, '{"data":{},"data":{},"options":{"cas":1}}'),
            ("GET", DATA + "?version=1", {}, None), ("GET", DATA, {"X-Other": "1"}, None), ("GET", DATA, PLAIN, "{}"),
            ("GET", DATA, {"User-Agent": "curl"}, None), ("GET", "/secret/data/ci", {}, None), ("GET", "/v1/secret/ci", {}, None),
            ("POST", "/v1/old/data/ci", PLAIN, {"options": {"cas": 0}, "data": {}}),
            ("POST", "/v1/auth/approle/login", PLAIN, {"role_id": "r", "secret_id": "s"})])

    def test_kubernetes(self):
        server = KubernetesServer()
        server.put("b", {"k": "v"})
        version = server.objects["ci", "b"]["metadata"]["resourceVersion"]
        b, ours = SECRETS + "/b", "?fieldManager=glrotate"
        patch = {"metadata": {"resourceVersion": version}, "data": {"k": "QQ=="}}
        self.check(server, {"Authorization": "Bearer " + server.token()}, [
            ("POST", SECRETS + ours, PLAIN, secret()), ("PATCH", b + ours + "&dryRun=All", MERGE, {"data": {}}),
            ("PATCH", b + ours, MERGE, patch), ("GET", b, {}, None)], [
            ("PATCH", b + ours, PLAIN, patch), ("PATCH", b, MERGE, patch), ("PATCH", b + ours + "&dryRun=Some", MERGE, patch),
            ("PATCH", b + ours, MERGE, {"data": {}}), ("PATCH", b + ours, MERGE, {**patch, "stringData": {"k": "v"}}),
            ("PATCH", b + ours, MERGE, {**patch, "data": {"k": "not base64"}}), ("PATCH", b + ours, MERGE, {**patch, "data": {"a/b": "QQ=="}}),
            ("PATCH", b + ours, MERGE, {**patch, "metadata": {"resourceVersion": version, "annotations": {"-": "x"}}}),
            ("POST", SECRETS + ours, PLAIN, secret(more=1)), ("POST", SECRETS + ours, PLAIN, secret(kind="ConfigMap")),
            ("POST", b + ours, PLAIN, secret()), ("DELETE", b, PLAIN, {}), ("GET", SECRETS, {}, None), ("GET", b + "?pretty=true", {}, None),
            ("GET", b, {"Authorization": "Basic eA=="}, None)])


if __name__ == "__main__":
    unittest.main()
