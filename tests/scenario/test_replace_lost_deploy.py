"""The same as test_replace_lost.py says, of deploy tokens, where only the second of their end tells whose they are."""
import test_replace_lost
from harness import main
from replaced import DeployCase


class DeployLost(DeployCase, test_replace_lost.Lost):
    namesakes = ({}, {"expires_at": "2027-02-19T00:00:00Z"}, {"username": "gitlab+deploy-token-99"},
                 {"username": "gitlab+deploy-token-99", "expires_at": "2027-02-19T00:00:00Z"})

    def test_what_cannot_be_told_apart_is_not_touched(self):
        """With our user name and our day, and another second: by a GitLab, perhaps, that keeps no seconds."""
        made, code = self.make_theirs_in_between("drop_before_commit", {}, username=self.username,
                                                 expires_at="2027-02-18T00:00:00Z")
        self.assertEqual(code, 3)
        self.needs_person(self.host.run("run"), "GLR-118")
        self.assertEqual([t["id"] for t in self.alive_now()], [self.old()[0]["id"], made])
        self.assertEqual(self.asked("DELETE"), [])
        # Once a person has looked, and ended it, it goes on.
        self.sim.ask("DELETE", f"/projects/shop%2Fapi/deploy_tokens/{made}?by=tests")
        self.finishes()


if __name__ == "__main__":
    main()
