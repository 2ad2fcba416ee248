"""What must be true whatever happened: one function a rule, which yields a sentence for each breach.

The numbers are those of the rules that nothing may break; what is to be true on the way there stands in order.py. `end` is what there is after the last run."""
import base64
import json
import re

from order import (a_credential_is_proven_before_it_walks, doubt_is_settled_by_reading,  # noqa: F401
                   each_place_is_read_before_the_old_one_is_retired, each_place_is_written_before_the_old_one_dies,
                   what_never_happened_is_believed_late)
from stage import killed, seconds, told

STAMP = re.compile(r"\[glrotate #(\d+) \S+ g(\d+) ([0-9a-f]{32})\]")
LABELS = ("What happened:", "Still works:", "Why:", "What to do:", "Risk:", "More:")
CODES = {0, 1, 3, 5}
DAY = 86400


def is_managed(stage, token):
    return any(is_of(stage, token, m) for m in stage.road.managed)


def is_of(stage, token, managed):
    return token["name"] == managed.name and token["owner"] in (managed.owner, stage.renamed.get(managed.owner))


def living(stage, end, managed):
    return [t for t in end.tokens.values() if t["alive"] and is_of(stage, t, managed)]


def is_by_hand(stage, place, found):
    """Whoever writes or deletes a variable in the middle means it; only what we write later has to hold."""
    for act, _ in stage.acts:
        if (act.get("owner"), act.get("key")) == place[:2] and (
                act["act"] == "delete_variable" and not found or found and found["value"] == act.get("value")):
            return True
    return False


def made_by_acts(stage):
    """Ids of what other hands made."""
    return {done["id"] for _, done in stage.acts if isinstance(done, dict) and isinstance(done.get("id"), int)}


# --- 6: nobody holds a dead secret, nothing of ours lives unknown ---

def dead_places(stage, end, all_managed):
    for managed in all_managed:
        secrets = {t["secret"] for t in living(stage, end, managed)}
        for place in managed.variables:
            now = (stage.renamed.get(place[0], place[0]), *place[1:])
            found = end.variables.get(now) or end.variables.get(place)
            if not (found and found["value"] in secrets) and not is_by_hand(stage, place, found):
                yield f"the variable {place} does not hold a living secret of {managed.name}: {told(found)}"
        for name in managed.files:
            if end.files.get(name, "").strip() not in secrets:
                yield f"the file {name} does not hold a living secret of {managed.name}"


def each_destination_holds_a_living_secret(stage, end):
    if not stage.also_good or list(dead_places(stage, end, stage.also_good)):
        yield from dead_places(stage, end, stage.road.managed)


def what_lives_through_us_is_in_the_journal(stage, end):
    known = {row["token_id"] for row in stage.rows("SELECT token_id FROM tokens")}
    for row in stage.rows("SELECT new_id, frozen FROM rotations WHERE closed_at IS NULL"):
        known |= {row["new_id"]} | {orphan["id"] for orphan in json.loads(row["frozen"]).get("orphans", [])}
    others = made_by_acts(stage)
    # What is made twice in a slot is ended with the old one, by what it is known by; until then a job may have it.
    overlaps = stage.rows("SELECT 1 FROM rotations WHERE closed_at IS NULL AND retire_after > 0")
    for key, token in end.tokens.items():
        if overlaps and token["name"] == "gitlab-deploy-token":
            continue
        if token["alive"] and token["id"] not in known | others and key not in stage.baseline.tokens:
            yield f"#{token['id']} lives, made by us, and the journal knows nothing of it"


def one_token_of_a_name_lives(stage, end):
    others = made_by_acts(stage)
    for managed in stage.road.managed:
        found = [t["id"] for t in living(stage, end, managed) if t["id"] not in others]
        if len(found) != 1:
            yield f"{managed.name} has {len(found)} living tokens: {found}"


def no_family_was_revoked(stage, end):
    for request in end.requests:
        if request["path"].endswith("/rotate") and request["credential"] in ("revoked", "expired"):
            yield f"a dead credential on a rotate path: {told(request)}"


def is_pin(end, place):
    """It stands as long as two tokens live in the slot, and no longer."""
    slot = [t for t in end.tokens.values() if t["alive"] and t["name"] == "gitlab-deploy-token"]
    return place[1] == "CI_DEPLOY_PASSWORD" and (len(slot) > 1) == (place in end.variables)


def nothing_else_was_touched(stage, end):
    touched = {str(value) for act, _ in stage.acts for value in act.values()} | set(stage.renamed)
    for number, before in stage.baseline.tokens.items():
        now = end.tokens.get(number)
        if is_managed(stage, before) or str(number) in touched or before["name"] in touched:
            continue
        keys = ("secret", "expires_at", "revoked", "scopes")
        if not now or any(now[key] != before[key] for key in keys):
            yield f"a token that is nobody's business changed: {told(before)} → {told(now)}"
    ours = {place for managed in (*stage.road.managed, *stage.also_good) for place in managed.variables}
    for place, before in stage.baseline.variables.items():
        if place not in ours and not touched & set(place) and end.variables.get(place) != before and not is_pin(end, place):
            yield f"a variable that is nobody's business changed: {place}"
    for place in end.variables:
        if place not in ours and place not in stage.baseline.variables and place[0] not in stage.renamed.values() \
                and not is_pin(end, place):
            yield f"a variable that nobody asked for: {place}"
    known = {name for managed in stage.road.managed for name in managed.files} | set(stage.road.files)
    for name in end.files:
        if name not in known:
            yield f"a file that nobody asked for: {name}"


# --- 1, 2: one request for each intent, and the intent is there ---

def each_request_has_its_intent(stage, end):
    intents = {}
    for row in stage.rows("SELECT text FROM events WHERE name = 'rotation.intended' ORDER BY id"):
        target = re.match(r"rotate #(\d+)", row["text"])
        key = int(target.group(1)) if target else 0
        intents[key] = intents.get(key, 0) + 1
    for request in end.requests:
        rotated = re.search(r"/(\d+|self)/rotate$", request["path"])
        if request["method"] != "POST" or not (rotated or re.search(r"(access|deploy)_tokens$", request["path"])):
            continue
        key = 0
        if rotated:
            key = request["token_id"] if rotated.group(1) == "self" else int(rotated.group(1))
        intents[key] = intents.get(key, 0) - 1
        if intents[key] < 0:
            yield f"sent without an intent of its own: {told(request)}"


def no_more_is_rotated_than_was_lost(stage, end):
    """A clean rotation is one request; each disturbance costs one more at the most."""
    most = stage.disturbed + len(stage.acts) + 1 + sum(killed(ran) or ran.verb[0] == "rotate" for ran in stage.runs)
    for managed in stage.road.managed:
        made = [t for key, t in end.tokens.items() if is_of(stage, t, managed)
                and key not in stage.baseline.tokens and t["id"] not in made_by_acts(stage)]
        if len(made) > most:
            yield f"{len(made)} new tokens of {managed.name}, and {most} at the most were to be expected"


def nothing_rotates_twice_a_day(stage, end):
    last = {}
    for row in stage.rows("SELECT token, opened_at FROM rotations WHERE reason = '' AND generation > 0 AND state IN"
                          " (SELECT r.state FROM rotations r JOIN events e ON e.rotation = r.id WHERE e.name ="
                          " 'rotation.closed') ORDER BY id"):
        if row["opened_at"] - last.get(row["token"], -DAY) < DAY:
            yield f"token {row['token']} was rotated twice within a day, unordered"
        last[row["token"]] = row["opened_at"]


def each_date_is_asked_for(stage, end):
    for request in end.requests:
        if request["method"] == "POST" and re.search(r"(access|deploy)_tokens(/\w+/rotate)?$", request["path"]) and \
                request["outcome"] is not None and "expires_at" not in (request["body"] or {}):
            yield f"no date asked for: {told(request)}"


# --- 8: our credential ---

def few_authentications_fail(stage, end):
    failed = []
    for request in end.requests:
        if request["status"] == 401:
            at = seconds(request["at"])
            failed = [other for other in failed if at - other < 180] + [at]
            if len(failed) > 10:
                yield f"refused more than ten times in three minutes: {told(request)}"


# --- 7: secrets ---

def disguises(secret):
    plain = secret.encode()
    yield plain
    yield plain.hex().encode()
    yield plain.hex().upper().encode()
    yield "".join(f"%{byte:02x}" for byte in plain).encode()
    for shift in range(3):  # a base64 text may begin anywhere in what was encoded
        yield base64.b64encode(b"x" * shift + plain)[4 if shift else 0:-4].rstrip(b"=")


def no_secret_is_left_lying_about(stage, end):
    texts = {f"what '{' '.join(ran.verb)}' said": (ran.out + ran.err).encode() for ran in stage.runs}
    allowed = {stage.host.path / "credential"} | {stage.out / name for m in stage.road.managed for name in m.files}
    allowed |= {stage.out / name for name in stage.road.files}
    for file in stage.host.path.rglob("*"):
        if file.is_file() and file not in allowed:
            texts[str(file.relative_to(stage.host.path))] = file.read_bytes()
    for request in end.requests:
        texts[f"the address of request {request['n']}"] = (request["path"] + (request["query"] or "")).encode()
    everything = b"\0".join(texts.values())
    for secret in end.secrets(stage.road):
        for disguise in disguises(secret):
            if disguise in everything:
                yield from (f"a secret stands in {where}" for where, text in texts.items() if disguise in text)


def nothing_half_done_is_left(stage, end):
    for folder in (stage.host.state, stage.out):
        for file in folder.iterdir():
            if re.search(r"\.glrotate-|\.new|\.cut$", file.name):
                yield f"left behind: {file.name}"
    # A token that rotates itself needs its present secret; of one before it nothing is left.
    for row in stage.rows("SELECT id FROM rotations WHERE closed_at IS NOT NULL AND sealed IS NOT NULL AND"
                          " (frozen NOT LIKE '%\"secret\":%' OR id < (SELECT max(id) FROM rotations AS other WHERE"
                          " other.token = rotations.token AND other.closed_at IS NOT NULL AND other.sealed IS NOT NULL))"):
        yield f"the closed row {row['id']} still has its secret"


# --- the fence ---

def no_stamp_goes_backwards(stage, end):
    last = {}
    for request in end.requests:
        stamp = STAMP.search(str((request["body"] or {}).get("description") or ""))
        if request["method"] not in ("PUT", "POST") or not stamp or (request["outcome"] or 500) >= 300:
            continue
        place = (re.sub(r"/variables$", f"/variables/{request['body'].get('key')}", request["path"]), request["query"])
        key = place + (stamp.group(3),)
        if int(stamp.group(2)) < last.get(key, 0):
            yield f"generation {last[key]} was overwritten: {told(request)}"
        last[key] = int(stamp.group(2))


# --- the program's own word ---

def each_run_ends_well(stage, end):
    for ran in stage.runs:
        if "Sanitizer" in ran.err or "runtime error" in ran.err or "it hung" in ran.err:
            yield f"it broke down: {ran}"
        if not killed(ran) and ran.code not in CODES:
            yield f"ended with {ran.code}: {ran}"
        if ran.code == 3 and not all(label in ran.err for label in LABELS):
            yield f"a person is needed, and is not told in six lines: {ran}"


def the_chain_is_whole(stage, end):
    ran = stage.run("history", "--verify")
    if ran.code or "whole" not in ran.out:
        yield f"the events' chain: {ran}"


RULES = [rule for name, rule in list(globals().items())
         if callable(rule) and getattr(rule, "__code__", None)
         and rule.__code__.co_varnames[:rule.__code__.co_argcount] == ("stage", "end")]


def breaches(stage, waived=()):
    """[(rule, sentence)] of all that was broken; `waived` are the names of rules that cannot hold in this case."""
    end = stage.look()
    return [(rule.__name__, text) for rule in RULES if rule.__name__ not in waived for text in rule(stage, end)]
