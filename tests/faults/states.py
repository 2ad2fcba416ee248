"""What is done to a host while a run is dead in the middle: to its policy, its key, its journal; and who else runs on it."""
import dataclasses
import os
import shutil
import signal

from roads import REPLACE, Managed, entry


@dataclasses.dataclass
class Edit:
    name: str
    do: object  # (stage), between the run that died and the next
    why: str = ""  # it may end so, and these rules cannot hold
    ends: tuple = (0,)
    waived: tuple = ()


def must(condition, what):
    if not condition:
        raise AssertionError(what)


def removed(stage):
    stage.edit(policy="  []")


def removed_and_put_back(stage):
    stage.edit(policy="  []")
    stage.run("run")
    stage.edit(policy=stage.road.policy)


def moved(stage):
    """What is begun goes where it was to go; all else goes to the new place."""
    stage.edit(policy=entry("project:shop/api:push", "ci_variable: MOVED"))
    stage.also_good = (Managed("shop/api", "push", (("shop/api", "MOVED", "*"),)),)


def strategy_changed(stage):
    """What is begun is finished as it was begun; what was not yet is replaced."""
    stage.edit(policy=REPLACE)


def broken(stage):
    stage.edit(policy="  - token: [")
    ran = stage.runs[-1] if stage.run("run").code == 2 else None
    must(ran, f"a broken policy: {stage.runs[-1]}")
    stage.runs.pop()  # 2 is right, here alone
    stage.edit(policy=stage.road.policy)


def shortened(stage):
    stage.edit(lifetimes='[ { for: "*", max_lifetime: 20d } ]')


def refused_untouched(stage, what):
    """Nothing is asked, and a person is told."""
    before = len(stage.look().requests)
    ran = stage.run("run")
    must(ran.code == 3, f"{what}: {ran}")
    must(len(stage.look().requests) == before, f"{what}: GitLab was asked")


def key_is_gone(stage):
    key, aside = stage.host.state / "key", stage.host.path / "aside"
    if not key.exists() or not (stage.host.state / "journal.db").exists():
        return
    key.rename(aside)
    refused_untouched(stage, "without the key")
    key.write_text("00" * 32 + "\n")
    key.chmod(0o600)
    refused_untouched(stage, "with another key")
    aside.rename(key)


def journal_is_damaged(stage):
    file, aside = stage.host.state / "journal.db", stage.host.path / "aside"
    rollback = stage.host.state / "journal.db-journal"
    if not file.exists() or (rollback.exists() and rollback.read_bytes()[:8].strip(b"\0")):
        return  # a hot rollback journal mends what is written here
    shutil.copy(file, aside)
    os.truncate(file, 8192)
    refused_untouched(stage, "with half a journal")
    shutil.copy(aside, file)


def second_agent(stage):
    """Another state directory on the same credential and policy. Whoever comes second stands back."""
    other = stage.host.path / "other"
    other.mkdir(mode=0o700)
    stage.run("run", state=other)
    stage.run("run")
    stage.run("run", state=other)


# What our journal does not know of, it cannot tell.
FORGOTTEN = ("each_request_has_its_intent", "what_lives_through_us_is_in_the_journal", "nothing_rotates_twice_a_day",
             "nothing_half_done_is_left", "what_never_happened_is_believed_late")

EDITS = [
    Edit("entry-removed", removed),
    Edit("entry-removed-and-put-back", removed_and_put_back),
    Edit("destination-moved", moved),
    Edit("strategy-changed", strategy_changed, "the old one lives on until its overlap is over",
         waived=("one_token_of_a_name_lives",)),
    Edit("policy-broken", broken),
    Edit("lifetime-shortened", shortened),
    Edit("key-gone", key_is_gone),
    Edit("journal-damaged", journal_is_damaged),
    Edit("second-agent", second_agent, "the other one rotated it, or holds it", (0, 3), FORGOTTEN),
]


def rolled_back(commit, orders):
    """The state directory of that commit is put back when all is done, and perhaps more than that."""
    def disturb(stage):
        stage.run(*stage.road.verb, fault=f"{commit}:after")
        hit = stage.shim_hit()
        kept = stage.host.path / "kept"
        shutil.copytree(stage.host.state, kept)
        stage.run("run")
        stage.run("run")
        for _ in range(orders):
            stage.run("rotate", "push", "--reason", "after the backup")
        shutil.rmtree(stage.host.state)
        kept.rename(stage.host.state)
        stage.host.state.chmod(0o700)
        return hit
    return disturb


def stopped(stage, call):
    """A run that stands still before that call of its, if it comes so far."""
    first = stage.start(*stage.road.verb, fault=f"{call.number}:stop")
    os.waitid(os.P_PID, first.pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
    return first, stage.shim_hit()


def second_run(call):
    """By hand, beside the timer: it says so at once, and asks nothing."""
    def disturb(stage):
        first, hit = stopped(stage, call)
        ran = stage.run("run")
        stage.runs.pop()  # 4 is right, here alone
        first.send_signal(signal.SIGCONT)
        stage.finish(stage.road.verb, first)
        must(not hit or ran.code == 4, f"beside another run: {ran}")
        must(stage.runs[-1].code == 0, f"the run that had the lock: {stage.runs[-1]}")
        return hit
    return disturb


def stopped_reader(number, nth_read):
    """Somebody's `history` is stopped while it copies the journal, and a run wants to write there."""
    def disturb(stage):
        stage.run("plan")
        stage.sim.fault("delay", path="*", nth=number, ms=100)
        first = stage.start(*stage.road.verb)
        while not stage.faults_hit() and first.poll() is None:
            pass
        reader = stage.start("history", fault=f"{nth_read}:stop", naps=True)  # for what the run holds is held in real time
        os.waitid(os.P_PID, reader.pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
        hit = stage.shim_hit()
        stage.finish(stage.road.verb, first)
        reader.send_signal(signal.SIGCONT)
        stage.finish(("history",), reader)
        must(reader.returncode == 0, f"the reader: {stage.runs[-1]}")
        return hit
    return disturb


def killed_twice(first, second):
    def disturb(stage):
        stage.run(*stage.road.verb, fault=f"{first}:kill")
        hit = stage.shim_hit()
        stage.run("run", fault=f"{second}:kill")
        return hit and stage.shim_hit()
    return disturb
