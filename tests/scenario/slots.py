"""What the tests of the slot share: jobs that start and end while a token is replaced, and what each of them holds."""
from harness import Case

NAME = "gitlab-deploy-token"
PASSWORD = "CI_DEPLOY_PASSWORD"
OLD = "gldt-old-000000000000"
USER = "gitlab+deploy-token-99"
WORST = ("oldest", "newest", "by_turns")  # which of two tokens GitLab may hand to a job


def slot(**more):
    return {"name": NAME, "username": USER, "secret": OLD, "scopes": ["read_registry"], "expires": "+5d", **more}


class SlotCase(Case):
    address = f"project_deploy:shop/api:{NAME}"
    owner = "shop/api"
    more = "overlap: 30m"
    deliver = "[ slot ]"
    choice = "by_turns"
    world = {"projects": [{"path": "shop/api", "deploy_tokens": [slot()]}]}
    jobs_in = ("shop/api",)
    lengths = (4, 25, 120)  # minutes
    every = 6  # minutes between two jobs
    may_have_none = False  # no slot at all is no pair that dies

    @property
    def tokens(self):
        return self.entry()

    def entry(self, more=None, deliver=None, address=None):
        return (f"\n  - token: {address or self.address}\n    {self.more if more is None else more}\n"
                f"    deliver: {deliver or self.deliver}\n")

    def setUp(self):
        super().setUp()
        self.sim.act("set_settings", settings={"deploy_token_choice": self.choice})
        self.running, self.minute, self.started = {}, 0, 0

    # --- what GitLab has ---

    def all_tokens(self, owner=None):
        return sorted(self.sim.ask("GET", f"/sim/deploy_tokens?owner={owner or self.owner}&name={NAME}").json,
                      key=lambda t: t["id"])

    def alive_now(self, owner=None):
        return [t for t in self.all_tokens(owner) if t["alive"]]

    def pins(self):
        """Where the password of our replacement stands: project → value."""
        return {v["owner"]: v["value"] for v in self.sim.ask("GET", f"/sim/variables?key={PASSWORD}").json}

    def secrets(self):
        return super().secrets() | {t["secret"] for t in self.sim.ask("GET", "/sim/deploy_tokens").json}

    # --- jobs ---

    def start(self, project=None, length=10 ** 6, **more):
        job = self.sim.act("start_job", project=project or self.jobs_in[0], **more)
        given = job["variables"]
        self.running[job["id"]] = (self.minute + length, given.get("CI_DEPLOY_USER"), given.get(PASSWORD), job["project"])
        return job

    def jobs_between_requests(self):
        """One starts right before, and one right after, everything that is changed in GitLab."""
        for project in self.jobs_in:
            for method in ("POST", "PUT", "DELETE"):
                for when in ("before", "after"):
                    self.sim.act("start_job", project=project, **{when: {"method": method, "path": "*", "times": 0}})

    def note_jobs(self):
        """Those that started while glrotate ran."""
        for job in self.sim.ask("GET", "/sim/jobs?status=running").json:
            given = job["variables"]
            self.running.setdefault(job["id"], (self.minute + 45, given.get("CI_DEPLOY_USER"), given.get(PASSWORD),
                                                job["project"]))

    def finish(self, job):
        self.sim.act("finish_job", job=job)
        del self.running[job]

    def nobody_lost_it(self):
        """Each job that runs holds a pair that opens the door now."""
        alive = {(t["username"], t["secret"]) for t in self.sim.ask("GET", "/sim/deploy_tokens").json if t["alive"]}
        for job, (_, user, password, project) in self.running.items():
            if (user, password) not in alive and (user or password or not self.may_have_none):
                self.fail(f"minute {self.minute}: job {job} of {project} holds {user}, {password}, "
                          f"and alive are {sorted(alive)}; tokens {self.all_tokens()}")

    def minutes(self, count, starts=True):
        """Time goes on; jobs end when their time has come, and new ones start."""
        for _ in range(count):
            self.advance("1m")
            self.minute += 1
            for job in [j for j, (ends, *_) in self.running.items() if ends <= self.minute]:
                self.finish(job)
            if starts and self.minute % self.every == 0:
                for project in self.jobs_in:
                    self.start(project, self.lengths[self.started % len(self.lengths)])
                    self.started += 1
            self.nobody_lost_it()

    def hours(self, count, codes=(0, 1)):
        """A run every twenty minutes."""
        ended = None
        for _ in range(3 * count):
            ended = self.host.run("run")
            self.assertIn(ended.code, codes, ended)
            self.note_jobs()
            self.nobody_lost_it()
            self.minutes(20)
        return ended

    def is_done(self, owner=None, others=0):
        """One token is in the slot, another than before, with its user name; no pin stands."""
        living = self.alive_now(owner)
        self.assertEqual(len(living), 1 + others, self.all_tokens(owner))
        self.assertNotEqual(living[-1]["secret"], OLD)
        self.assertEqual(living[-1]["username"], USER)
        self.assertEqual(self.pins(), {})
        self.no_family_is_harmed()

    def states(self):
        return [e.split(".")[1] for e in self.host.events() if e.startswith("rotation.")]
