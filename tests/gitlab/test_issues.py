"""Issues: who opens, sees, comments and closes them."""
import sys
import unittest

from test_more import FORBIDDEN, NOT_FOUND, Case, pat

WORLD = {
    "users": [{"username": name, "tokens": [pat(name, name)]} for name in ("reporter", "guest", "other", "stranger")],
    "projects": [{"path": "platform/api", "id": 30, "visibility": "private", "members": [
        {"user": "reporter", "level": "reporter"}, {"user": "guest", "level": "guest"},
        {"user": "other", "level": "guest"}]}],
}
BASE = "/projects/30/issues"


class Issues(Case):
    world = WORLD

    def opened(self, who="reporter", **more):
        answer = self.ask("POST", BASE, {"title": "a token", "description": "mark glrotate0123 here", **more}, who)
        self.assertEqual(answer.status, 201, answer.text)
        return answer.json

    def test_roles(self):
        self.statuses("POST", BASE, {"title": "t"}, [("guest", 201), ("stranger", 404)])
        self.check(self.ask("POST", BASE, {}, "guest"), 400, {"error": "title is missing"})
        self.assertEqual(self.ask("POST", BASE, {"title": "x" * 256}, "guest").status, 400)
        issue = f"{BASE}/{self.opened()['iid']}"
        self.check(self.ask("PUT", issue, {"state_event": "close"}, "guest"), 403, FORBIDDEN)
        self.assertEqual(self.ask("PUT", issue, {}, "reporter").status, 400)
        self.assertEqual(self.ask("POST", issue + "/notes", {"body": "b"}, "guest").status, 201)
        closed = self.ask("PUT", issue, {"state_event": "close"}, "reporter").json
        self.assertEqual((closed["state"], closed["user_notes_count"]), ("closed", 1))
        self.assertEqual([n["body"] for n in self.ask("GET", issue + "/notes", token="guest").json], ["b"])

    def test_a_confidential_one_is_not_there_for_guests_but_its_author(self):
        issue = self.opened("guest", confidential=True, labels="a,b")
        self.assertEqual((issue["confidential"], issue["labels"]), (True, ["a", "b"]))
        at = f"{BASE}/{issue['iid']}"
        self.check(self.ask("GET", at, token="other"), 404, NOT_FOUND)
        for who, seen in (("guest", 1), ("reporter", 1), ("other", 0)):
            self.assertEqual(len(self.ask("GET", BASE, token=who).json), seen, who)

    def test_search_and_state(self):
        first, second = self.opened(), self.opened(description="another")
        self.assertEqual([i["iid"] for i in self.ask("GET", BASE, token="guest").json], [second["iid"], first["iid"]])
        for query, found in (("search=GLROTATE0123&in=description", 1), ("search=glrotate0123&in=title", 0),
                             ("search=token&in=title", 2), ("search=nothing", 0), ("state=closed", 0)):
            self.assertEqual(len(self.ask("GET", f"{BASE}?{query}", token="guest").json), found, query)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
