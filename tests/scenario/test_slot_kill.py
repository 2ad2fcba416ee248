"""The slot, when a run is killed at any of its requests and gone on with: no job loses its password."""
from harness import main
from slots import SlotCase

MOST_REQUESTS = 150  # of one run


class Kill(SlotCase):
    """In each world a job runs that began before, and others start around every change."""
    choice = "oldest"
    lengths = ()

    def keep(self):
        self.sim.act("snapshot", name="before")
        self.host.back_up()

    def restore(self):
        self.sim.act("restore", name="before")
        self.sim.ask("DELETE", "/sim/acts")
        self.forget_requests()
        self.host.restore()
        self.running = {}
        self.note_jobs()
        self.jobs_between_requests()

    def ends_well(self):
        self.note_jobs()
        self.nobody_lost_it()
        for _ in range(4):
            self.host.run("run")
            self.note_jobs()
            self.nobody_lost_it()
            if len(self.alive_now()) == 1:
                break
            for job in list(self.running):
                self.finish(job)
            self.advance("31m")
        self.settles()
        self.is_done()

    def kill_everywhere(self, fault, first=1):
        self.keep()
        for nth in range(first, MOST_REQUESTS):
            with self.subTest(fault=fault, request=nth):
                self.restore()
                if not self.kill_at(nth, fault, ms=60):
                    break
                self.ends_well()
        self.assertIn(nth, range(15, MOST_REQUESTS - 1))

    def test_while_it_makes_and_pins_the_new_one(self):
        self.start()
        self.kill_everywhere("delay_after", first=10)  # before that everything is read

    def test_while_it_ends_the_old_one_and_unpins(self):
        self.exits(0, "run")
        self.advance("31m")
        self.kill_everywhere("delay_after")


if __name__ == "__main__":
    main()
