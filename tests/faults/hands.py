"""Other hands in the middle of a run, before each of its requests; what is mended afterwards, and how it ends then."""
import dataclasses

ROOT_ID = 1
SECOND = "glpat-second-root-0000"


@dataclasses.dataclass
class Hand:
    name: str
    acts: list
    why: str  # it may end so, and these rules cannot hold
    ends: tuple = (0,)
    waived: tuple = ()
    mend: object = None  # (stage), when the disturbed run is over
    before: list = dataclasses.field(default_factory=list)  # acts before the run begins


def acts(*orders):
    def mend(stage):
        for order in orders:
            stage.act(**order)
    return mend


def by_order(stage):
    stage.run("rotate", "push", "--reason", "taken over")


def new_credential(stage):
    stage.act("create_token", kind="personal", owner="root", name="second", secret=SECOND, scopes=["api", "admin_mode"])
    stage.host.set_credential(SECOND)


# What a person took cannot be held by our destinations.
TAKEN = ("each_destination_holds_a_living_secret", "one_token_of_a_name_lives")
STAMP = "[glrotate #51 2026-01-01 g9 00000000000000000000000000000000]"
PUSH = {"owner": "shop/api", "key": "PUSH"}

HANDS = [
    Hand("rotates", [{"act": "rotate", "token": "push"}], "who rotated has the secret; before it is adopted, that is the one",
         (0, 3), TAKEN),
    Hand("rotates-and-we-are-told-to-take-over", [{"act": "rotate", "token": "push"}], "", mend=by_order),
    Hand("revokes", [{"act": "revoke", "token": "push"}], "what a person revoked is not made anew", (3,), TAKEN),
    Hand("creates-a-namesake", [{"act": "create_namesake", "token": "push", "expires": "+20d"}],
         "which of two is meant is asked, unless it was adopted before", (0, 3), ("what_lives_through_us_is_in_the_journal",)),
    Hand("writes-the-variable", [{"act": "set_variable", **PUSH, "value": "by-hand-000000"}], ""),
    Hand("describes-the-variable", [{"act": "set_variable", **PUSH, "description": "for deployments"}], ""),
    Hand("forges-the-stamp", [{"act": "set_variable", **PUSH, "description": STAMP}],
         "another agent's place is not written; a secret that is held waits, one that is not stays alive", (0, 3),
         ("each_destination_holds_a_living_secret",)),
    Hand("forges-the-stamp-and-mends-it", [{"act": "set_variable", **PUSH, "description": STAMP}], "",
         mend=acts({"act": "set_variable", **PUSH, "description": ""})),
    Hand("deletes-the-variable", [{"act": "delete_variable", **PUSH}], ""),
    Hand("reuses-the-path", [{"act": "several", "acts": [
        {"act": "rename_project", "path": "shop/api", "to": "shop/old"}, {"act": "create_project", "path": "shop/api"}]}],
        "whose the path is now has to be said, when there is something to change", (0, 3), ("each_destination_holds_a_living_secret",)),
    Hand("renames", [{"act": "rename_project", "path": "shop/api", "to": "shop/old"}],
         "what was never adopted is not found under its old path", (0, 3)),
    Hand("archives", [{"act": "archive_project", "path": "shop/api"}], "",
         mend=acts({"act": "unarchive_project", "path": "shop/api"})),
    Hand("asks-for-admin-mode", [{"act": "set_settings", "settings": {"admin_mode": True}}], "",
         mend=acts({"act": "set_settings", "settings": {"admin_mode": False}})),
    Hand("demotes-us", [{"act": "demote_root"}], "", mend=acts({"act": "set_admin", "user": "root", "admin": True})),
    Hand("blocks-us", [{"act": "block_user", "user": "root"}], "", mend=acts({"act": "unblock_user", "user": "root"})),
    Hand("revokes-our-credential", [{"act": "revoke", "token": ROOT_ID}],
         "it was proven a moment before; its family has nobody else", waived=("no_family_was_revoked",),
         mend=new_credential),
    Hand("lowers-the-lifetime", [{"act": "set_settings", "settings": {"max_personal_access_token_lifetime": 30}}],
         "GitLab refuses the date that the policy wants, and is asked again in each run", (0, 3),
         ("an_idle_run_changes_nothing",)),
    Hand("lowers-the-lifetime-and-the-policy-follows",
         [{"act": "set_settings", "settings": {"max_personal_access_token_lifetime": 30}}], "",
         mend=lambda stage: stage.edit(lifetimes='[ { for: "*", max_lifetime: 29d } ]')),
    Hand("purges-the-bot", [{"act": "purge_bot", "token": "push"}], "what was purged is not made anew", (3,), TAKEN),
    Hand("restores-a-backup", [{"act": "restore", "name": "before"}],
         "after a restored backup nothing is believed by itself; a token of ours that it does not know is gone with it",
         (0, 3), ("each_destination_holds_a_living_secret", "each_request_has_its_intent", "nothing_rotates_twice_a_day"),
         before=[{"act": "snapshot", "name": "before"}]),
]
