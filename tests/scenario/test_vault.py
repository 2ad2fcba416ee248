"""Secrets that go to Vault or OpenBao; the server is tests/contract/vault_server.py, which refuses what its API would."""
import json
import os

from harness import ROOT, main
from remotes import FENCE, MANY, RemoteCase

from vault_server import VaultServer  # remotes.py has told where

AT = "secret/ci/registry"


def writes(request):
    """A write that is meant, and not the one that proves the right to it."""
    return request.method in ("PATCH", "POST") and "/data/" in request.path and b"2147483647" not in request.raw


class Vaults(RemoteCase):
    def start_server(self):
        self.vault = VaultServer()
        return self.vault

    def secrets_there(self):
        return [*self.vault.tokens, *self.vault.grants]

    def entry(self, path=AT, auth=None, more=""):
        auth = auth or f"token: {self.host.path}/remote"
        return f"vault: {{ url: {self.vault.url}, path: {path}, key: token, auth: {{ {auth} }}{more} }}"

    def holds(self, path=AT, generation=1):
        token = self.living("push")
        data = self.vault.data(path)
        self.assertEqual(data["token"], token["secret"])
        self.assertRegex(data["token_glrotate"], FENCE % (token["id"], generation))
        return data

    # --- delivered, and what else stands there ---

    def test_a_rotation_is_delivered_beside_the_other_keys_in_one_version(self):
        self.vault.put(AT, token="old", user="ci", port=5000, nested={"a": [1, None, True]})
        self.exits(0, "run")
        data = self.holds()
        self.assertEqual({key: data[key] for key in ("user", "port", "nested")},
                         {"user": "ci", "port": 5000, "nested": {"a": [1, None, True]}})
        self.assertEqual(self.vault.secrets[AT].current, 2)  # the preflight made none
        self.assertEqual(len([r for r in self.vault.requests if writes(r)]), 1)

    def test_without_the_right_to_patch_the_whole_is_written_with_the_other_keys(self):
        for knows in (True, False):
            with self.subTest(knows):
                self.vault.knows_patch = knows
                self.vault.put(AT, token="old", user="ci", nested={"a": [1, None, True]})
                self.deliver(self.vault.token(("secret/data/*", {"read", "create", "update"})))
                self.exits(0, "rotate", "push", "--reason", "try")
                data = self.vault.data(AT)
                self.assertEqual(data["token"], self.living("push")["secret"])
                self.assertEqual((data["user"], data["nested"]), ("ci", {"a": [1, None, True]}))

    def test_what_is_absent_or_deleted_is_created_anew(self):
        self.exits(0, "run")
        self.holds()
        self.vault.secrets[AT].versions[-1]["deleted"] = "2026-11-21T10:00:00Z"
        self.assertIn("created anew", self.exits(0, "explain", "push").out)
        self.exits(0, "rotate", "push", "--reason", "try")
        self.assertEqual(set(self.holds(generation=2)), {"token", "token_glrotate"})
        self.vault.secrets[AT].versions[-1]["destroyed"] = True
        self.exits(0, "rotate", "push", "--reason", "try")
        self.holds(generation=3)

    def test_check_and_plan_prove_the_right_and_change_nothing(self):
        self.vault.put(AT, token="old")
        self.assertRegex(self.exits(0, "check").out, f"vault http.* {AT} token.*new value")
        self.deliver(self.vault.token(("secret/data/*", {"read"})))
        self.assertIn("Vault said: 403", self.exits(3, "check").out)
        self.assertIn("cannot:", self.exits(3, "plan").out)
        self.assertEqual(self.vault.secrets[AT].current, 1)

    def test_a_new_place_is_filled_from_it(self):
        self.exits(0, "run")
        self.deliver(self.vault.token(), f"file: {self.host.path}/push")
        self.exits(0, "run")
        self.assertEqual((self.host.path / "push").read_text().strip(), self.holds()["token"])

    # --- as whom, and where ---

    def test_an_approle_logs_in_once_and_its_token_ends_with_the_run(self):
        role, secret_id = self.vault.approle(("team/secret/data/*", {"create", "read", "update", "patch"}))
        self.host.keep("secret-id", secret_id)
        self.deliver("unused", auth=f"approle: {{ role_id: {role}, secret_id: {self.host.path}/secret-id }}",
                     more=", namespace: team")
        self.exits(0, "run")
        self.holds("team/" + AT)
        self.assertEqual(len(self.vault.grants), 1)
        self.assertNotIn(self.vault.grants[0], self.vault.tokens)  # revoked
        self.host.keep("secret-id", "of-somebody-else")
        ended = self.exits(3, "check")
        self.assertIn("the AppRole login: Vault said: 400 invalid role or secret ID", ended.out)

    def test_what_opens_gitlab_or_the_journal_is_sent_to_nobody(self):
        self.exits(0, "run")
        asked, path = len(self.vault.requests), self.host.path
        os.link(path / "credential", path / "hard")
        (path / "way").symlink_to(".")
        self.host.keep("copy", ROOT)
        for file in (path / "hard", path / "way/credential", path / "copy", self.host.state / "key"):
            for auth in (f"token: {file}", f"approle: {{ role_id: r, secret_id: {file} }}"):
                self.deliver("unused", auth=auth)
                self.assertIn("which is glrotate's own", self.exits(3, "check").out)
        self.assertIn("which is glrotate's own", self.exits(3, "rotate", "push", "--reason", "try").err)
        self.assertEqual(len(self.vault.requests), asked)

    def test_a_mount_of_another_kind_is_named_before_anything_is_written(self):
        for mount, word in (("old", "KV version 1"), ("pki", "'pki'"), ("none", "whether 'none' is a KV version 2 mount")):
            with self.subTest(mount):
                self.deliver(self.vault.token(("*", {"create", "read", "update", "patch"})), path=mount + "/ci/registry")
                ended = self.exits(3, "run")
                self.assertIn(word, ended.err)
                self.assertIn("GLR-113", ended.err)
                self.assertFalse([r for r in self.vault.requests if r.method in ("POST", "PATCH")])
        self.living("push")
        self.assertFalse(self.asked("POST", "/rotate$"))

    # --- nobody's write is lost ---

    def test_a_write_of_somebody_else_meanwhile_is_kept(self):
        self.vault.put(AT, token="old", user="ci")
        self.vault.fault("hook", writes, call=lambda _: self.vault.put(AT, token="old", user="theirs"))
        self.exits(0, "run")
        self.assertEqual(self.holds()["user"], "theirs")

    def test_many_tokens_at_once_share_one_secret_and_one_role(self):
        role, secret_id = self.vault.approle()
        self.host.keep("secret-id", secret_id)
        auth = f"approle: {{ role_id: {role}, secret_id: {self.host.path}/secret-id }}"
        names = [f"n{i}" for i in range(MANY)]
        self.host.set_tokens("".join(
            f"  - token: project:shop/many:{name}\n"
            f"    deliver: [ {self.entry(auth=auth).replace('key: token', 'key: ' + name)} ]\n" for name in names))
        self.exits(0, "run")
        self.assertEqual({name: self.vault.data(AT)[name] for name in names},
                         {name: self.living(name)["secret"] for name in names})
        self.assertEqual([t for t in self.vault.grants if t in self.vault.tokens], [])  # all were revoked

    def test_another_agents_stamp_is_not_written_over(self):
        stamp = f"[glrotate #7 2026-11-20 g9 {'f' * 32}]"
        self.vault.put(AT, token="theirs", token_glrotate=stamp)
        self.needs_person(self.host.run("run"), "GLR-107")
        self.assertEqual(self.vault.data(AT), {"token": "theirs", "token_glrotate": stamp})
        self.assertFalse(self.asked("POST", "/rotate$"))

    def test_another_agent_that_came_after_the_preflight_is_not_written_over(self):
        theirs = {"token": "theirs", "token_glrotate": f"[glrotate #7 2026-11-20 g1 {'f' * 32}]"}
        self.vault.put(AT, token="old")
        self.vault.fault("hook", writes, call=lambda _: self.vault.put(AT, **theirs))
        self.needs_person(self.host.run("run"), "GLR-107")
        self.assertEqual(self.vault.data(AT), theirs)

    def test_an_old_journal_does_not_write_over_what_came_after_it(self):
        self.exits(0, "run")
        self.host.back_up()
        self.exits(0, "rotate", "push", "--reason", "try")
        self.host.restore()
        before = self.holds(generation=2)
        ended = self.host.run("rotate", "push", "--reason", "try")
        self.assertNotEqual(ended.code, 0, ended)
        self.assertEqual(self.vault.data(AT), before)

    # --- later ---

    def test_what_one_place_refuses_comes_with_the_same_secret_later(self):
        self.deliver(self.vault.token(), f"file: {self.host.path}/push")
        self.vault.put(AT, token="old")
        self.vault.fault("status", writes, times=9, status=403, body={"errors": ["permission denied"]})
        self.needs_person(self.host.run("run"), "GLR-113")
        secret = self.living("push")["secret"]
        self.assertEqual((self.host.path / "push").read_text().strip(), secret)
        self.assertIn(f"{AT} token", self.host.run("status").out)
        self.assertEqual(self.vault.data(AT)["token"], "old")
        self.vault.faults.clear()
        self.settles()
        self.assertEqual(self.holds()["token"], secret)
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)

    def test_an_answer_that_is_lost_is_found_by_reading(self):
        self.vault.put(AT, token="old")
        self.vault.fault("drop_after", writes)
        self.exits(0, "run")
        self.holds()
        self.assertEqual(self.vault.secrets[AT].current, 2)  # written once

    def test_a_sealed_or_limited_vault_holds_up_the_rotation_before_it_begins(self):
        for status, body, word in ((503, {"errors": ["Vault is sealed"]}, "sealed"), (473, {"errors": []}, "standby"),
                                   (429, {"errors": ["request rate limit"]}, "429")):
            with self.subTest(status):
                self.vault.fault("status", status=status, body=body)
                self.assertIn(word, self.exits(1, "run").err)
        self.vault.fault("drop_before")
        self.exits(1, "run")
        there, self.vault.url = self.vault.url, "http://127.0.0.1:1"
        self.deliver("unused", f"file: {self.host.path}/push")
        self.assertIn("cannot reach http://127.0.0.1:1", self.exits(1, "run").err)  # and not GitLab, which were 5
        self.vault.url = there
        self.deliver(self.vault.token())
        self.assertFalse(self.asked("POST", "/rotate$"))
        self.settles()
        self.holds()

    def test_answers_that_are_none_harm_nothing(self):
        elsewhere = VaultServer()
        self.addCleanup(elsewhere.close)
        for what, more in (("garbage", {}), ("huge", {}), ("redirect", {"to": elsewhere.url + "/v1/secret/data/ci/registry"}),
                           ("status", {"status": 200, "body": {"data": {"data": {"token": 7}, "metadata": {"version": 1}}}}),
                           ("status", {"status": 200, "body": {"data": {"data": {}, "metadata": {"version": "x"}}}})):
            with self.subTest(what):
                self.vault.fault(what, **more)
                self.assertIn(self.host.run("run").code, (1, 3))
        self.assertEqual(elsewhere.requests, [])
        self.assertFalse(self.asked("POST", "/rotate$"))

    def test_an_error_that_repeats_a_secret_is_not_repeated(self):
        self.vault.put(AT, token="old")
        self.vault.fault("status", writes, times=9, status=400, body=lambda r: {"errors": [f"bad body: {r.raw.decode()}"]})
        ended = self.exits(3, "run")
        self.assertIn("said: 400", ended.err)
        self.assertNotIn("bad body", ended.err)
        self.vault.faults.clear()
        self.vault.fault("status", writes, times=9, status=400,
                         body=lambda r: {"errors": [f"near '{json.loads(r.raw)['data']['token'][9:21]}'"]})
        ended = self.exits(3, "run")
        self.assertIn("near '***'", ended.err)

    def test_a_server_without_check_and_set_is_told(self):
        self.vault.put(AT, token="old", user="ci")
        self.vault.cas_is_kept = False
        self.assertIn("check-and-set", self.exits(3, "run").err)
        self.assertFalse(self.asked("POST", "/rotate$"))


if __name__ == "__main__":
    main()
