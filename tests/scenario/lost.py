"""What the tests of lost answers share: all the ways in which an answer can fail, and what must hold afterwards."""
from harness import Case

# Whether GitLab did it, as the fault says.
FAULTS = [
    ("drop_before_commit", {}), ("drop_after_commit", {}), ("cut_body", {}), ("garbage", {}),
    ("wrong_content_type", {}), ("status", {"status": 500, "commit": True}), ("status", {"status": 500}),
    ("status", {"status": 502, "body": "<html>bad gateway</html>", "content_type": "text/html"}),
    ("status", {"status": 502, "body": "<html>bad gateway</html>", "content_type": "text/html", "commit": True}),
    ("status", {"status": 503}), ("status", {"status": 409, "content_type": "application/json",
                 "body": '{"message":"409 Conflict: Resource lock"}'}),
    ("too_many", {"retry_after": 1}), ("too_many", {}), ("too_many", {"commit": True}),
    ("redirect", {"location": "https://elsewhere.example.com/"}),
]


class LostCase(Case):
    """Each row of a table gets a fresh world."""

    def is_whole(self, name="push", key="PUSH", owner="shop/api"):
        token = self.living(name)
        self.assertEqual(self.variable(owner, key)["value"], token["secret"])
        self.assertTrue(self.opens(token["secret"]))
        self.no_family_is_harmed()

    def posts_match_intents(self):
        """Rule 2: each intent sends one request, once."""
        posts = self.asked("POST", "access_tokens")
        intents = [e for e in self.host.events() if e == "rotation.intended"]
        self.assertEqual(len(posts), len(intents))
