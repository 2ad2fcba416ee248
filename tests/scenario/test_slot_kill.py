"""The slot, when a run is killed at any of its requests and gone on with: no job loses its password."""
import shutil
import signal

from harness import main, until
from slots import SlotCase

MOST_REQUESTS = 150  # of one run


class Kill(SlotCase):
    """In each world a job runs that began before, and others start around every change."""
    choice = "oldest"
    lengths = ()

    def keep(self):
        self.sim.act("snapshot", name="before")
        shutil.copytree(self.host.state, self.host.path / "kept")

    def restore(self):
        self.sim.act("restore", name="before")
        self.sim.ask("DELETE", "/sim/acts")
        self.forget_requests()
        shutil.rmtree(self.host.state)
        shutil.copytree(self.host.path / "kept", self.host.state)
        self.running = {}
        self.note_jobs()
        self.jobs_between_requests()

    def kill_at(self, nth, fault):
        self.sim.fault(fault, path="*", nth=nth, ms=60)
        run = self.host.start("run")
        until(lambda: self.fault_was_hit() or run.poll() is not None, "the request, or the end")
        hit = self.fault_was_hit()
        run.send_signal(signal.SIGKILL)
        run.communicate()
        self.clear_faults()
        return hit

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
                if not self.kill_at(nth, fault):
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
