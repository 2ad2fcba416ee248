"""What the tests of destinations on other servers share: a token that goes there, and who sees secrets on the way."""
import pathlib
import sys

from harness import Case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "contract"))

MANY = 6
DUE = {"created": "-85d", "expires": "+5d"}
FENCE = r"^\[glrotate #%d \d{4}-\d\d-\d\d g%d [0-9a-f]{32}\]$"


class RemoteCase(Case):
    """`start_server`, `entry` and `secrets_there` are a class's own; its credential stands in the file `remote`."""
    world = {"projects": [{"path": "shop/api", "tokens": [{"name": "push", **DUE}]},
                          {"path": "shop/many", "tokens": [{"name": f"n{i}", **DUE} for i in range(MANY)]}]}

    def setUp(self):
        super().setUp()
        self.server = self.start_server()
        self.addCleanup(self.server.close)
        self.addCleanup(lambda: self.assertEqual(self.server.violations, []))
        self.addCleanup(self.no_secret_is_seen)
        self.deliver(self.server.token())

    def deliver(self, token, *more, **entry):
        """To that server, with such a credential there, and to `more`."""
        self.host.keep("remote", token)
        places = "".join(f"      - {place}\n" for place in (self.entry(**entry), *more))
        self.host.set_tokens(f"  - token: project:shop/api:push\n    deliver:\n{places}")

    def no_secret_is_seen(self):
        """Rule 7: in bodies and headers, and nowhere else."""
        secrets = self.secrets_there() + list(self.secrets())
        for request in self.server.requests:
            self.assertEqual([s for s in secrets if s in request.line], [])
        state = b"".join(f.read_bytes() for f in self.host.state.rglob("*") if f.is_file())
        self.assertEqual([s for s in secrets if s.encode() in state], [])
