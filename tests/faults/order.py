"""What must be true of the order in which GitLab was asked, as the simulator recorded it.

A true end says nothing of the way there: of two guards one may be gone, and the other holds. So each is looked for by itself."""
import re
from urllib.parse import parse_qs

from stage import SETTLE, seconds, told

PROVEN = 30  # seconds
PREFLIGHTED = 60
GRAIN = 3  # the program counts whole seconds, of a header in whole seconds; and so is what it naps told
ROTATED = re.compile(r"/(\d+|self)/rotate$")
TOKENS = re.compile(r"/(?:personal_access|access|impersonation|deploy)_tokens$")
TOKEN = re.compile(r"(.*/(?:personal_access|access|impersonation|deploy)_tokens)/(\d+|self)(?:/rotate)?$")
VARIABLE = re.compile(r"/variables(?:/([^/]+))?$")
HONEST = {None, "delay", "delay_after", "twice", "exhausted", "stale_reads"}  # what these do to an answer leaves it whole
REFUSED = {400, 401, 403, 409, 422, 429}  # GitLab says so before it does anything; of a 503 its body tells


def is_told(request):
    """It was answered with what it came to."""
    return request["fault"] in HONEST and request["status"] is not None


def is_done(request):
    return request["outcome"] is not None and request["outcome"] < 300


def is_lost(request):
    """Whether a change was made cannot be seen from its answer."""
    return not is_told(request) and not (request["status"] in REFUSED and request["fault"] in ("status", "too_many")) \
        and not (request["fault"], request["status"]) == ("status", 503)


class Family:
    """What was asked of the tokens of one name."""

    def __init__(self, stage, end, managed):
        self.stage, self.managed = stage, managed
        owners = (managed.owner, stage.renamed.get(managed.owner))
        self.tokens = {key for all_tokens in (stage.baseline.tokens, end.tokens) for key, token in all_tokens.items()
                       if token["name"] == managed.name and token["owner"] in owners}
        self.known = stage.baseline.tokens.keys() | end.tokens.keys()
        self.requests = [r for r in end.requests if r["method"] != "GET" and self.is_change(r) or self.is_reading(r)]

    def token_of(self, request):
        """The key of the token that the path means."""
        path = TOKEN.match(request["path"])
        if not path:
            return None
        number = request["token_id"] if path.group(2) == "self" else int(path.group(2))
        return f"deploy {number}" if path.group(1).endswith("/deploy_tokens") else number

    def is_change(self, request):
        if request["method"] == "DELETE" or ROTATED.search(request["path"]):
            token = self.token_of(request)
            # A deploy token that was deleted is known to nobody; then it is one of ours.
            return token in self.tokens or (str(token).startswith("deploy") and token not in self.known)
        return request["method"] == "POST" and TOKENS.search(request["path"]) is not None and \
            (request["body"] or {}).get("name") == self.managed.name

    def is_reading(self, request):
        """Of the token itself, or of any list in which it may stand. A dead secret is read by being refused."""
        if request["method"] != "GET" or not is_told(request):
            return False
        if request["path"].endswith("/self"):
            return request["token_id"] in self.tokens
        return request["status"] == 200 and (TOKENS.search(request["path"]) is not None or
                                             self.token_of(request) in self.tokens)

    def successive_changes(self):
        """(a change, what was read since, the next change)"""
        last, read = None, []
        for request in self.requests:
            if request["method"] == "GET":
                read.append(request)
                continue
            if last:
                yield last, read, request
            last, read = request, []

    def run_of(self, request):
        return self.stage.run_at(seconds(request["at"]))


def families(stage, end):
    return [Family(stage, end, managed) for managed in stage.road.managed]


# --- 3: doubt is settled by reading ---

def is_again(last, request):
    return request["method"] == "POST" and (request["method"], request["path"]) == (last["method"], last["path"])


def doubt_is_settled_by_reading(stage, end):
    for family in families(stage, end):
        for last, read, request in family.successive_changes():
            read = [r for r in read if r["path"].endswith("/self") or family.run_of(r) == family.run_of(request)] \
                if family.run_of(last) != family.run_of(request) else read
            if not read and (is_lost(last) or family.run_of(last) != family.run_of(request)):
                yield f"nothing was read between {told(last)} and {told(request)}"


def orphans_kept(stage):
    """What a lost answer made in a slot was found, and is not ended before the old one, for a job may have it."""
    return len(stage.rows("SELECT 1 FROM events WHERE name = 'orphan.kept'"))


def what_never_happened_is_believed_late(stage, end):
    """The same request again: only after `settle` since the first, and by two readings of all that there is."""
    for family in families(stage, end):
        kept = orphans_kept(stage)
        for last, read, request in family.successive_changes():
            if not is_lost(last) or not is_again(last, request):
                continue
            if kept and is_done(last) and read:
                kept -= 1
                continue
            at = [seconds(r["at"]) for r in read if not family.token_of(r) or r["path"].endswith("/self")]
            if len(at) < 2 or at[-1] - seconds(last["at"]) < SETTLE - GRAIN:
                yield f"believed too soon: {told(last)}, {told(request)}, read at {[r['at'] for r in read]}"


# --- 4: a credential is proven before it walks a rotate path ---

def a_credential_is_proven_before_it_walks(stage, end):
    proven = {}
    for request in end.requests:
        at = seconds(request["at"])
        if request["path"].endswith("/personal_access_tokens/self") and request["status"] == 200 and is_told(request):
            proven[request["token_id"]] = at
        if request["path"].endswith("/rotate") and request["token_id"] and \
                at - proven.get(request["token_id"], 0) >= PROVEN:
            yield f"unproven on a rotate path: {told(request)}"


# --- 5: every destination passes before the old secret dies ---

def place_of(request):
    """(key, environment scope) of the variable that a request means."""
    path = VARIABLE.search(request["path"])
    if not path:
        return None
    if path.group(1):
        scope = parse_qs(request["query"] or "").get("filter[environment_scope]", ["*"])[0]
        return path.group(1), scope
    return (request["body"] or {}).get("key"), (request["body"] or {}).get("environment_scope", "*")


def is_written(request, place):
    return request["method"] in ("PUT", "POST") and is_told(request) and is_done(request) and place_of(request) == place


def is_read(request, place):
    return request["method"] == "GET" and is_told(request) and request["status"] == 200 and place_of(request) == place


def each_place_is_written_before_the_old_one_dies(stage, end):
    for managed in stage.road.managed:
        family = Family(stage, end, managed)
        others = [other.variables for other in stage.also_good]
        for request in end.requests:
            if not (ROTATED.search(request["path"]) and is_done(request) and family.is_change(request)):
                continue
            at = seconds(request["at"])
            before = [r for r in end.requests if r["n"] < request["n"] and at - seconds(r["at"]) < PREFLIGHTED]
            for places in (managed.variables, *others):
                missing = [place for place in places if not any(is_written(r, place[1:]) for r in before)]
                if not missing:
                    break
            else:
                yield f"no write preflight of {missing} in the minute before {told(request)}"


def each_place_is_read_before_the_old_one_is_retired(stage, end):
    for managed in stage.road.managed:
        family = Family(stage, end, managed)
        for request in end.requests:
            if request["method"] != "DELETE" or not is_done(request) or not family.is_change(request) or \
                    family.token_of(request) not in stage.baseline.tokens:
                continue
            here = [r for r in end.requests if r["n"] < request["n"] and family.run_of(r) == family.run_of(request)]
            for place in managed.variables:
                read = max((r["n"] for r in here if is_read(r, place[1:])), default=0)
                written = max((r["n"] for r in here if is_written(r, place[1:])), default=0)
                if not read or read < written:
                    yield f"{place} was not read back in the run of {told(request)}"
