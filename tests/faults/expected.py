"""Cases that end otherwise than all the others, each with its reason. Nothing is waived that is not named here."""
import fnmatch

DEAD = ("each_destination_holds_a_living_secret", "one_token_of_a_name_lives")

# (pattern of names, rules that cannot hold, why)
BY_ITSELF = ("it_settles", "one_token_of_a_name_lives", "no_family_was_revoked",
             "each_destination_holds_a_living_secret", "an_idle_run_is_well")
EXPECTED = [
    ("own/request/*self.rotate/twice", BY_ITSELF,
     "a proxy that sends a token's own rotation twice presents a secret that the first has killed: GitLab revokes what the "
     "first one made, and nobody has a right to make another"),
    ("self*/request/*self.rotate/twice", BY_ITSELF, "the same"),
    ("order/call/*-*.push.glrotate-/*", ("nothing_half_done_is_left", "nothing_else_was_touched"),
     "an order that dies in its preflight left no row: the next writing to that place sweeps what the probe left, "
     "which holds no secret"),
]


def expected(name):
    """The rules that are waived for a case."""
    return tuple(rule for pattern, rules, _ in EXPECTED if fnmatch.fnmatch(name, pattern) for rule in rules)
