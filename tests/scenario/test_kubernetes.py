"""Secrets that go to a Secret of Kubernetes; the server is tests/contract/kubernetes_server.py, which refuses what its API would."""
import base64
import json
import os

from harness import main
from remotes import FENCE, MANY, RemoteCase
from test_tls import make_certificate

from kubernetes_server import KubernetesServer  # remotes.py has told where

KUBECONFIG = """
apiVersion: v1
kind: Config
preferences: {}
current-context: %(context)s
clusters:
  - { name: here, cluster: { server: "%(url)s" } }
  - { name: open, cluster: { server: "%(url)s", insecure-skip-tls-verify: true } }
contexts:
  - { name: file, context: { cluster: here, user: file, namespace: default } }
  - { name: inline, context: { cluster: here, user: inline } }
  - { name: certificate, context: { cluster: here, user: certificate } }
  - { name: exec, context: { cluster: here, user: exec } }
  - { name: open, context: { cluster: open, user: file } }
users:
  - { name: file, user: { tokenFile: remote } }
  - { name: inline, user: { token: %(token)s } }
  - { name: certificate, user: { client-certificate-data: QQ==, client-key-data: QQ== } }
  - name: exec
    user: { exec: { apiVersion: client.authentication.k8s.io/v1, command: aws, args: [ eks, get-token ] } }
"""


def writes(request):
    return request.method in ("PATCH", "POST") and "dryRun" not in request.query


class Clusters(RemoteCase):
    def start_server(self):
        self.cluster = KubernetesServer()
        return self.cluster

    def secrets_there(self):
        return list(self.cluster.tokens)

    def entry(self, secret="registry", key="key: token", access=None, more=""):
        access = access or f"server: {self.cluster.url}, token: {self.host.path}/remote"
        return f"kubernetes: {{ {access}, namespace: ci, secret: {secret}, {key}{more} }}"

    def holds(self, key="token", generation=1):
        token = self.living("push")
        self.assertEqual(self.cluster.data("registry")[key], token["secret"])
        self.assertRegex(self.cluster.annotations("registry")["glrotate/of-" + key], FENCE % (token["id"], generation))

    # --- delivered, and what else stands there ---

    def test_a_rotation_is_delivered_beside_the_other_keys_by_one_request(self):
        self.cluster.put("registry", {"token": "old", "user": "ci"})
        self.exits(0, "run")
        self.holds()
        self.assertEqual(self.cluster.data("registry")["user"], "ci")
        self.assertEqual(self.cluster.annotations("registry")["team"], "shop")
        self.assertEqual(len([r for r in self.cluster.requests if writes(r)]), 1)

    def test_two_tokens_share_a_secret_and_each_has_its_stamp(self):
        self.sim.ask("POST", "/projects/shop%2Fapi/access_tokens?by=tests",
                     {"name": "pull", "scopes": ["api"], "access_level": 30, "expires_at": "2026-11-25"})
        self.host.set_tokens("".join(f"  - token: project:shop/api:{name}\n    deliver: [ {self.entry(key='key: ' + name)} ]\n"
                                     for name in ("push", "pull")))
        self.exits(0, "rotate", "push", "--reason", "first")
        self.exits(0, "rotate", "push", "pull", "--reason", "second")
        self.holds("push", generation=2)
        self.assertIn(" g1 ", self.cluster.annotations("registry")["glrotate/of-pull"])

    def test_what_is_absent_is_created_with_its_type(self):
        self.deliver(self.cluster.token(), more=", type: example.com/token")
        self.assertIn("created (example.com/token)", self.exits(0, "plan").out)
        self.assertEqual(self.cluster.objects, {})
        self.exits(0, "run")
        self.holds()
        self.assertEqual(self.cluster.objects["ci", "registry"]["type"], "example.com/token")

    def test_a_registrys_login_is_written_as_kubelets_read_it(self):
        other = {"docker.io": {"auth": "eDp5"}}
        self.cluster.put("registry", {".dockerconfigjson": json.dumps({"auths": other})}, type="kubernetes.io/dockerconfigjson")
        self.deliver(self.cluster.token(), key="registry: registry.example.com", more=", username: bot")
        self.exits(0, "run")
        for there in (other["docker.io"], None):
            self.assertEqual(json.loads(self.cluster.data("registry")[".dockerconfigjson"])["auths"].get("docker.io"), there)
            login = json.loads(self.cluster.data("registry")[".dockerconfigjson"])["auths"]["registry.example.com"]
            secret = self.living("push")["secret"]
            self.assertEqual(login, {"username": "bot", "password": secret,
                                     "auth": base64.b64encode(f"bot:{secret}".encode()).decode()})
            self.assertEqual(self.cluster.objects["ci", "registry"]["type"], "kubernetes.io/dockerconfigjson")
            self.cluster.objects.clear()
            self.exits(0, "rotate", "push", "--reason", "again")

    def test_what_cannot_be_written_is_refused_before_anything_is_rotated(self):
        for more, data, word in (({"immutable": True}, {"token": "old"}, "immutable"),
                                 ({"type": "kubernetes.io/tls"}, {"tls.crt": "x"}, "changes no type")):
            with self.subTest(word):
                self.cluster.put("registry", data, **more)
                self.deliver(self.cluster.token(), more=", type: Opaque")
                self.assertIn(word, self.exits(3, "run").err)
        self.cluster.objects.clear()
        self.deliver(self.cluster.token({"get"}))
        self.assertIn('cannot create resource "secrets"', self.exits(3, "run").err)
        self.host.keep("remote", "eyJunknown")
        ended = self.exits(3, "check")  # about this server, and not GitLab's credential
        self.assertIn("does not know its token", ended.out)
        self.cluster.namespaces.clear()
        self.host.keep("remote", self.cluster.token())
        self.assertIn('namespaces "ci" not found', self.exits(3, "run").err.replace("\\", ""))
        self.assertFalse(self.asked("POST", "/rotate$"))
        self.assertEqual(self.cluster.objects, {})

    # --- as whom ---

    def test_a_kubeconfig_is_followed_where_its_user_has_a_token_file(self):
        file = self.host.path / "config"
        token = self.cluster.token()
        rows = (("file", None), ("inline", "tokenFile"), ("certificate", "client certificate"), ("exec", "exec"),
                ("open", "insecure-skip-tls-verify"), ("none", "no context 'none'"))
        for context, why in reversed(rows):
            with self.subTest(context):
                file.write_text(KUBECONFIG % {"context": context, "url": self.cluster.url, "token": "not-a-real-one"})
                file.chmod(0o600)
                self.deliver(token, access=f"kubeconfig: {file}")
                if why:
                    self.assertIn(why, self.exits(3, "check").out)
        self.exits(0, "run")
        self.holds()
        self.deliver(token, access=f"kubeconfig: {file}, context: open")
        self.assertIn("insecure-skip-tls-verify", self.exits(3, "check").out)

    def test_a_kubeconfigs_certificates_are_the_only_ones_believed(self):
        make_certificate(self.host.path, "ours", "127.0.0.1")
        make_certificate(self.host.path, "other", "127.0.0.1")
        server = KubernetesServer((self.host.path / "ours.pem", self.host.path / "ours.key"))
        self.addCleanup(server.close)
        file = self.host.path / "config"
        file.touch(mode=0o600)
        for name in ("other", "ours"):
            coded = base64.b64encode((self.host.path / f"{name}.pem").read_bytes()).decode()
            config = KUBECONFIG.replace('server: "%(url)s"', f'server: "%(url)s", certificate-authority-data: {coded}', 1)
            file.write_text(config % {"context": "file", "url": server.url, "token": "not-a-real-one"})
            self.deliver(server.token(), access=f"kubeconfig: {file}")
            self.assertIn("cannot reach" if name == "other" else "created", self.host.run("check").out)
        self.exits(0, "run")
        self.assertEqual(server.data("registry"), {"token": self.living("push")["secret"]})

    def test_in_cluster_says_where_it_looks(self):
        self.deliver("unused", access="in_cluster: yes")
        os.environ.pop("KUBERNETES_SERVICE_HOST", None)
        self.assertIn("this is no pod", self.exits(3, "check").out)

    # --- nobody's write is lost ---

    def test_a_write_of_somebody_else_meanwhile_is_kept(self):
        self.cluster.put("registry", {"token": "old", "user": "ci"})
        self.cluster.fault("hook", writes, call=lambda _: self.cluster.put("registry", {"token": "old", "user": "theirs"}))
        self.exits(0, "run")
        self.holds()
        self.assertEqual(self.cluster.data("registry")["user"], "theirs")

    def test_many_tokens_at_once_share_one_secret(self):
        names = [f"n{i}" for i in range(MANY)]
        self.host.set_tokens("".join(f"  - token: project:shop/many:{name}\n    deliver: [ {self.entry(key='key: ' + name)} ]\n"
                                     for name in names))
        self.exits(0, "run")
        self.assertEqual(self.cluster.data("registry"), {name: self.living(name)["secret"] for name in names})

    def test_another_agents_stamp_is_not_written_over(self):
        self.cluster.put("registry", {"token": "theirs"})
        self.cluster.annotations("registry")["glrotate/of-token"] = f"[glrotate #7 2026-11-20 g9 {'f' * 32}]"
        self.needs_person(self.host.run("run"), "GLR-107")
        self.assertEqual(self.cluster.data("registry"), {"token": "theirs"})
        self.assertFalse(self.asked("POST", "/rotate$"))

    def test_another_agent_that_came_after_the_preflight_is_not_written_over(self):
        def come(_):
            self.cluster.put("registry", {"token": "theirs"})
            self.cluster.annotations("registry")["glrotate/of-token"] = f"[glrotate #7 2026-11-20 g1 {'f' * 32}]"
        self.cluster.put("registry", {"token": "old"})
        self.cluster.fault("hook", writes, call=come)
        self.needs_person(self.host.run("run"), "GLR-107")
        self.assertEqual(self.cluster.data("registry"), {"token": "theirs"})

    def test_an_old_journal_does_not_write_over_what_came_after_it(self):
        self.exits(0, "run")
        self.host.back_up()
        self.exits(0, "rotate", "push", "--reason", "try")
        self.host.restore()
        before = self.cluster.data("registry")
        self.assertNotEqual(self.host.run("rotate", "push", "--reason", "try").code, 0)
        self.assertEqual(self.cluster.data("registry"), before)

    # --- later ---

    def test_what_one_place_refuses_comes_with_the_same_secret_later(self):
        self.deliver(self.cluster.token(), f"file: {self.host.path}/push")
        self.cluster.put("registry", {"token": "old"})
        self.cluster.fault("status", writes, status=403, body={"message": "forbidden now"})
        self.needs_person(self.host.run("run"), "GLR-113")
        secret = self.living("push")["secret"]
        self.assertEqual((self.host.path / "push").read_text().strip(), secret)
        self.assertIn("ci/registry token", self.host.run("status").out)
        self.assertEqual(self.cluster.data("registry")["token"], "old")
        self.settles()
        self.holds()
        self.assertEqual(self.living("push")["secret"], secret)
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)

    def test_an_answer_that_is_lost_is_found_by_reading(self):
        self.cluster.put("registry", {"token": "old"})
        self.cluster.fault("drop_after", writes)
        self.exits(0, "run")
        self.holds()
        self.assertEqual(len([r for r in self.cluster.requests if writes(r)]), 1)

    def test_a_server_that_changes_what_is_written_is_told(self):
        self.cluster.put("registry", {"token": "old"})
        self.cluster.mutate = lambda found: {**found, "data": {**found["data"], "token": "QUJD"}}
        self.assertIn("keeps another value", self.exits(3, "run").err)
        self.cluster.mutate = None
        self.settles()
        self.holds()

    def test_answers_that_are_none_harm_nothing(self):
        elsewhere = KubernetesServer()
        self.addCleanup(elsewhere.close)
        secret = {"kind": "Secret", "metadata": {"resourceVersion": "1"}, "data": {"token": 7}}
        for what, more in (("garbage", {}), ("huge", {}), ("redirect", {"to": elsewhere.url + "/api/v1/namespaces/ci/secrets/registry"}),
                           ("status", {"status": 200, "body": secret}), ("status", {"status": 200, "body": {"kind": "SecretList"}}),
                           ("status", {"status": 429, "body": {"message": "too many"}}), ("drop_before", {})):
            with self.subTest(what):
                self.cluster.fault(what, **more)
                self.assertIn(self.host.run("run").code, (1, 3))
        self.assertEqual(elsewhere.requests, [])
        self.assertFalse(self.asked("POST", "/rotate$"))

    def test_an_error_that_repeats_a_secret_is_not_repeated(self):
        self.cluster.put("registry", {"token": "old"})
        self.cluster.fault("status", writes, status=422, body=lambda r: {"message": f"bad body: {r.raw.decode()}"})
        ended = self.exits(3, "run")
        self.assertIn("said: 422", ended.err)
        self.assertNotIn("bad body", ended.err)


if __name__ == "__main__":
    main()
