"""Who sees which keys of users, projects and groups, beyond what the recorded answers hold.

Rows follow GitLab's lib/api/entities: user.rb, user_public.rb, user_with_admin.rb, user_details_with_admin.rb,
basic_project_details.rb, project.rb, group.rb and group_detail.rb."""
import unittest

from sim_client import Sim

WORLD = {
    "users": [{"username": name, "tokens": [{"name": name, "secret": name + "-1"}]}
              for name in ("olga", "mary", "dora", "gus", "nora")],
    "groups": [{"path": "shop", "members": [{"user": "olga", "level": "owner"}]},
               {"path": "shop/deep", "description": "x < y & z"}],
    "projects": [{"path": "shop/api", "description": "<b>", "members": [
        {"user": "mary", "level": "maintainer"}, {"user": "dora", "level": "developer"},
        {"user": "gus", "level": "guest"}]},
        {"path": "shop/open", "visibility": "public"}]}
PROJECT, OPEN, GROUP, DEEP = "/projects/shop%2Fapi", "/projects/shop%2Fopen", "/groups/shop", "/groups/shop%2Fdeep"

# (release, whose token, path, keys that must be there, keys that must not)
ROWS = [
    ("18.11.5", "root-secret", "/users", "is_admin note email preferred_language", "sign_in_count skype"),
    ("18.11.5", "root-secret", "/users/3", "is_admin followers sign_in_count plan trial", "email_reset_offered_at"),
    ("18.11.5", "root-secret", "/users/1", "is_admin sign_in_count", "followers is_followed"),
    ("18.11.5", "root-secret", "/user", "is_admin using_license_seat", "followers sign_in_count"),
    ("18.11.5", "olga-1", "/users", "username public_email web_url", "created_at email"),
    ("18.11.5", "olga-1", "/users/3", "created_at github followers local_time", "email is_admin last_activity_on"),
    ("18.11.5", "olga-1", "/user", "email scim_identities identities", "is_admin note followers namespace_id"),
    ("17.11.7", "olga-1", "/user", "email skype", "is_admin github preferred_language"),
    ("17.11.7", "olga-1", "/users", "username", "public_email"),
    ("18.11.5", "root-secret", PROJECT, "repository_storage import_error permissions runners_token", ""),
    ("18.11.5", "olga-1", PROJECT, "import_error permissions runners_token", "repository_storage"),
    ("18.11.5", "mary-1", PROJECT, "import_url ci_default_git_depth build_timeout", "repository_storage"),
    ("18.11.5", "dora-1", PROJECT, "default_branch readme_url service_desk_address ci_config_path public_jobs",
     "import_url import_error runners_token ci_default_git_depth build_timeout"),
    ("18.11.5", "gus-1", PROJECT, "permissions issues_enabled web_url", "default_branch forks_count ci_config_path"),
    ("18.11.5", "nora-1", OPEN, "default_branch forks_count permissions", "import_url"),
    ("18.11.5", "mary-1", "/projects?membership=true", "permissions runners_token namespace", "import_error"),
    ("18.11.5", "mary-1", "/projects?simple=true&membership=true", "visibility namespace default_branch",
     "_links permissions"),
    ("17.11.7", "mary-1", "/projects?simple=true&membership=true", "namespace", "visibility _links"),
    ("18.11.5", "olga-1", GROUP + "/projects", "_links runners_token", "permissions import_error"),
    ("18.11.5", "olga-1", GROUP, "runners_token projects shared_projects enabled_git_access_protocol", ""),
    ("18.11.5", "olga-1", GROUP + "?with_projects=false", "membership_lock", "projects shared_projects"),
    ("18.11.5", "olga-1", DEEP, "runners_token projects", "enabled_git_access_protocol duo_namespace_access_rules"),
    ("18.11.5", "dora-1", GROUP, "projects membership_lock", "runners_token"),
    ("18.11.5", "olga-1", "/groups", "organization_id archived", "projects runners_token membership_lock"),
    ("17.11.7", "olga-1", "/groups", "organization_id ldap_access", "archived marked_for_deletion_on")]


class Keys(unittest.TestCase):
    def test_who_sees_what(self):
        for release, secret, path, there, absent in ROWS:
            with self.subTest(release=release, secret=secret, path=path), Sim(WORLD, release) as sim:
                answer = sim.ask("GET", path, token=secret)
                self.assertEqual(answer.status, 200, answer.text)
                row = answer.json[0] if isinstance(answer.json, list) else answer.json
                self.assertEqual(set(there.split()) - set(row), set())
                self.assertEqual(set(absent.split()) & set(row), set())

    def test_what_was_just_made(self):
        with Sim(WORLD) as sim:
            user = sim.ask("POST", "/users", {"username": "new", "name": "New", "email": "new@example.com"}).json
            self.assertTrue({"is_admin", "created_by", "followers"} <= set(user) and "sign_in_count" not in user)
            self.assertEqual((user["note"], user["created_by"]["username"]), ("", "root"))
            self.assertEqual((user["email"], user["commit_email"]), ("new@example.com",) * 2)
            again = sim.ask("POST", "/users", {"username": "other", "name": "Other", "email": "NEW@example.com"})
            self.assertEqual((again.status, again.json), (409, {"message": "Email has already been taken"}))
            group = sim.ask("POST", "/groups", {"name": "made", "path": "made"}, token="olga-1").json
            self.assertTrue({"runners_token", "membership_lock"} <= set(group) and "projects" not in group)
            project = sim.ask("POST", "/projects", {"name": "made", "namespace_id": group["id"]}, token="olga-1").json
            self.assertTrue({"import_error", "runners_token"} <= set(project) and "permissions" not in project)

    def test_values_that_are_made_of_the_row(self):
        with Sim(WORLD) as sim:
            seen = sim.ask("GET", PROJECT, token="mary-1").json
            self.assertEqual(seen["permissions"], {"project_access": {"access_level": 40, "notification_level": 3},
                                                   "group_access": None})
            self.assertEqual(seen["description_html"],
                             '<p data-sourcepos="1:1-1:3" dir="auto">&lt;b&gt;</p>')
            self.assertTrue(seen["can_create_merge_request_in"])
            self.assertFalse(sim.ask("GET", PROJECT, token="gus-1").json["can_create_merge_request_in"])
            self.assertEqual([project["path"] for project in sim.ask("GET", GROUP, token="mary-1").json["projects"]],
                             ["api", "open"])
            self.assertEqual(sim.ask("GET", "/metadata").json["kas"]["version"], "18.11.5")

    def test_a_group_shows_no_more_than_a_hundred_projects(self):
        with Sim({"projects": [{"path": f"many/p{number}"} for number in range(120)]}) as sim:
            self.assertEqual(len(sim.ask("GET", "/groups/many").json["projects"]), 100)

    def test_what_a_token_reaches(self):
        with Sim(WORLD) as sim:
            found = sim.ask("GET", "/personal_access_tokens/self/associations", token="olga-1").json
            self.assertEqual(list(found["groups"][0]), ["id", "web_url", "name", "parent_id", "organization_id",
                                                        "access_levels", "visibility"])
            self.assertEqual(found["projects"][0]["access_levels"],
                             {"project_access_level": None, "group_access_level": 50})


if __name__ == "__main__":
    unittest.main(argv=["test_keys.py"])
