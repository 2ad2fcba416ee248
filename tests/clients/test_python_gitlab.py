"""Debian's python3-gitlab, unmodified, on a whole tour of the simulator."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "gitlab"))
from sim_client import ROOT, Sim  # noqa: E402

try:
    import gitlab
except ImportError:
    print("skipped: python3-gitlab is not installed")
    sys.exit(77)


class Tour(unittest.TestCase):
    def setUp(self):
        self.sim = Sim({}, "18.11.5")
        self.addCleanup(self.sim.close)
        self.gl = gitlab.Gitlab("http://" + self.sim.address, private_token=ROOT)
        self.addCleanup(self.gl.session.close)
        self.gl.auth()

    def place(self):
        group = self.gl.groups.create({"name": "shop", "path": "shop"})
        project = self.gl.projects.create({"name": "api", "path": "api", "namespace_id": group.id})
        return group, project

    def test_it_knows_who_it_is(self):
        self.assertEqual(self.gl.user.username, "root")
        self.assertEqual(self.gl.version()[0], "18.11.5-ee")

    def test_users(self):
        user = self.gl.users.create({"username": "alice", "name": "Alice", "email": "alice@example.com",
                                     "reset_password": True})
        self.assertEqual(self.gl.users.list(username="alice")[0].id, user.id)
        self.assertEqual(self.gl.users.get(user.id).state, "active")
        user.block()
        self.assertEqual(self.gl.users.get(user.id).state, "blocked")
        user.unblock()
        self.gl.users.delete(user.id)
        self.assertEqual(self.gl.users.list(username="alice"), [])

    def test_projects_groups_and_members(self):
        group, project = self.place()
        user = self.gl.users.create({"username": "bob", "name": "Bob", "email": "bob@example.com", "reset_password": True})
        self.assertEqual(self.gl.projects.get("shop/api").id, project.id)
        self.assertEqual([p.id for p in group.projects.list(get_all=True)], [project.id])
        project.members.create({"user_id": user.id, "access_level": gitlab.const.AccessLevel.DEVELOPER})
        member = project.members.get(user.id)
        member.access_level = gitlab.const.AccessLevel.MAINTAINER
        member.save()
        self.assertEqual(project.members_all.get(user.id).access_level, 40)
        project.members.delete(user.id)
        with self.assertRaises(gitlab.exceptions.GitlabGetError):
            project.members.get(user.id)
        project.delete()
        with self.assertRaises(gitlab.exceptions.GitlabGetError):
            self.gl.projects.get("shop/api")
        self.gl.projects.create({"name": "web", "path": "web", "namespace_id": group.id})
        group.delete()
        self.assertEqual((self.gl.groups.list(), self.gl.projects.list()), ([], []))

    def test_tokens_of_projects_and_groups(self):
        for owner in self.place():
            token = owner.access_tokens.create({"name": "ci", "scopes": ["api"], "access_level": 30,
                                                "expires_at": "2026-12-24"})
            self.assertTrue(token.token.startswith("glpat-"))
            self.assertEqual([t.id for t in owner.access_tokens.list()], [token.id])
            new = self.gl.http_post(f"{owner.access_tokens.path}/{token.id}/rotate", post_data={"expires_at": "2026-12-31"})
            self.assertEqual((new["name"], new["expires_at"]), ("ci", "2026-12-31"))
            self.assertTrue(self.gl.http_get(f"{owner.access_tokens.path}/{token.id}")["revoked"])
            bot = gitlab.Gitlab(self.gl.url, private_token=new["token"])
            self.addCleanup(bot.session.close)
            self.assertEqual(bot.http_get("/personal_access_tokens/self")["id"], new["id"])
            owner.access_tokens.delete(new["id"])
            with self.assertRaises(gitlab.exceptions.GitlabAuthenticationError):
                bot.http_get("/personal_access_tokens/self")

    def test_personal_tokens_page_by_page(self):
        user = self.gl.users.create({"username": "carol", "name": "Carol", "email": "c@example.com", "reset_password": True})
        for number in range(25):
            user.personal_access_tokens.create({"name": f"t{number}", "scopes": ["read_api"]})
        found = self.gl.personal_access_tokens.list(user_id=user.id, get_all=True)
        self.assertEqual(len(found), 25)
        self.assertEqual(len(self.gl.personal_access_tokens.list(user_id=user.id, page=2, per_page=10)), 10)
        found[0].delete()
        self.assertTrue(self.gl.http_get(f"/personal_access_tokens/{found[0].id}")["revoked"])

    def test_deploy_tokens(self):
        for owner in self.place():
            token = owner.deploytokens.create({"name": "deploy", "scopes": ["read_registry"], "expires_at": "2026-12-24"})
            self.assertTrue(token.token.startswith("gldt-"))
            self.assertEqual(token.username, f"gitlab+deploy-token-{token.id}")
            self.assertEqual([t.id for t in owner.deploytokens.list()], [token.id])
            token.delete()
            self.assertEqual(owner.deploytokens.list(), [])

    def test_variables(self):
        for owner in self.place():
            owner.variables.create({"key": "KEY", "value": "value-0000", "masked": True})
            variable = owner.variables.get("KEY")
            variable.value = "value-1111"
            variable.save()
            self.assertEqual(owner.variables.get("KEY").value, "value-1111")
            owner.variables.create({"key": "KEY", "value": "value-2222", "environment_scope": "production"})
            with self.assertRaises(gitlab.exceptions.GitlabGetError) as caught:
                owner.variables.get("KEY")
            self.assertEqual(caught.exception.response_code, 409)
            owner.variables.update("KEY", {"value": "value-3333", "filter": {"environment_scope": "production"}})
            self.assertEqual(owner.variables.get("KEY", filter={"environment_scope": "production"}).value, "value-3333")
            hidden = owner.variables.create({"key": "HIDDEN", "value": "value-4444", "masked_and_hidden": True})
            self.assertIsNone(hidden.value)
            owner.variables.delete("HIDDEN")
        self.gl.variables.create({"key": "INSTANCE", "value": "value-5555"})
        self.assertEqual(self.gl.variables.list()[0].value, "value-5555")

    def test_triggers(self):
        _, project = self.place()
        trigger = project.triggers.create({"description": "nightly"})
        trigger.description = "daily"
        trigger.save()
        self.assertEqual(project.triggers.list()[0].description, "daily")
        trigger.delete()

    def test_its_errors_are_the_clients_own(self):
        nobody = gitlab.Gitlab(self.gl.url, private_token="glpat-nobody")
        with self.assertRaises(gitlab.exceptions.GitlabAuthenticationError):
            nobody.auth()
        with self.assertRaises(gitlab.exceptions.GitlabGetError) as caught:
            self.gl.projects.get("not/there")
        self.assertEqual(caught.exception.error_message, "404 Project Not Found")


if __name__ == "__main__":
    unittest.main()
