"""The rows of the matrix: whole rotations, each of a type and a strategy, with what must hold at their end.

A new strategy or type is a row more. `before` is run to the end first, then `verb` is disturbed."""
import dataclasses

from stage import ROOT

OLD = "glpat-push-old-00000000"  # what the destinations hold at the beginning
OLD_DEPLOY = "gldt-old-000000000000"
DUE = {"created": "-85d", "expires": "+5d"}
FAR = {"created": "-10d", "expires": "+80d"}


@dataclasses.dataclass
class Managed:
    owner: str  # as the simulator says it: a path or a username
    name: str
    variables: tuple = ()  # (owner, key, environment scope)
    files: tuple = ()


@dataclasses.dataclass
class Road:
    name: str
    world: dict
    policy: str
    managed: tuple
    verb: tuple = ("run",)
    before: tuple = ()  # verbs, and spans by which the clock is moved on
    afterwards: tuple = ()  # spans after which there is more to do
    version: str = "18.11.5"
    lifetimes: str = '[ { for: "*", max_lifetime: 90d } ]'
    credential: str = ROOT
    files: dict = dataclasses.field(default_factory=dict)  # that are there at the beginning
    gitlab: str = ""  # more lines of the gitlab section; `credential` of its own instead of the stage's


def variable(key, value="old-value-00000"):
    return {"key": key, "value": value}


def world(due=DUE, **more):
    """Every type of token once, and beside each what nobody may touch."""
    return {
        "users": [{"username": "alice", "id": 20, "tokens": [{"name": "laptop", "id": 53, **due},
                                                             {"name": "other", "id": 63, **DUE},
                                                             {"name": "robot", "id": 56, "impersonation": True, **due}]}],
        "service_accounts": [{"username": "deployer", "id": 30, "tokens": [{"name": "helm", "id": 54, **due},
                                                                           {"name": "other", "id": 64, **DUE}]}],
        "groups": [{"path": "shop", "tokens": [{"name": "ci", "id": 52, **due}, {"name": "other", "id": 62, **DUE}],
                    "variables": [variable("OTHER")],
                    "deploy_tokens": [{"name": "fetch", "username": "gitlab+deploy-token-98", "scopes": ["read_registry"],
                                       "expires": "+5d"}],
                    "service_accounts": [{"username": "bot", "tokens": [{"name": "sync", "id": 55, **due}]}]},
                   {"path": "mall", "tokens": [{"name": "ci", "id": 72, **DUE}]}],
        "projects": [{"path": "shop/api", "tokens": [{"name": "push", "id": 51, "secret": OLD, **due}, {"name": "other", "id": 61, **DUE}],
                      "variables": [variable("PUSH", OLD), variable("PULL", OLD_DEPLOY), variable("OTHER")],
                      "deploy_tokens": [{"name": "pull", "username": "gitlab+deploy-token-99", "secret": OLD_DEPLOY,
                                         "scopes": ["read_registry"], "expires": "+5d"}]},
                     {"path": "shop/web", "tokens": [{"name": "push", "id": 41, **DUE}], "variables": [variable("PUSH")]}],
        **more}


def entry(address, *deliver, more=""):
    return f"\n  - token: {address}\n    deliver: [ {', '.join(deliver)} ]\n" + "".join(
        f"    {line}\n" for line in more.split(";") if line)


def to_variable(key, more="project: shop/api"):
    return f"ci_variable: {{ key: {key}, {more} }}"


API = ("shop/api", "PUSH", "*")
PUSH = entry("project:shop/api:push", "ci_variable: PUSH", "file: OUT/push")
REPLACE = entry("project:shop/api:push", "ci_variable: PUSH", "file: OUT/push",
                more="strategy: replace;new_bot: accept;overlap: 1d")
DEPLOY = entry("project_deploy:shop/api:pull", "ci_variable: PULL", "file: OUT/pull", more="overlap: 1d")
NEW = "scopes: [ api ];access_level: developer"

KEPT = "glpat-kept-old-0000000"
RESCUE = "  rescue_credential: OUT/rescue\n"
KEEPER = world(FAR, users=[{"username": "keeper", "id": 20, "admin": True, "tokens": [
    {"name": "glrotate", "id": 53, "secret": KEPT, **DUE}, {"name": "rescue", "id": 63, "secret": "glpat-rescue-000000"}]}])
SLOT = world(projects=[{"path": "shop/api", "deploy_tokens": [
    {"name": "gitlab-deploy-token", "username": "u", "secret": OLD_DEPLOY, "scopes": ["read_registry"], "expires": "+5d"}]}])
SLOT_ENTRY = entry("project_deploy:shop/api:gitlab-deploy-token", "slot", more="overlap: 1d")
BY_ITSELF = "rotate_with: self;secret: OUT/{}"

ROADS = [
    Road("project", world(), PUSH, (Managed("shop/api", "push", (API,), ("push",)),), files={"push": OLD}),
    Road("order", world(FAR), PUSH, (Managed("shop/api", "push", (API,), ("push",)),),
         verb=("rotate", "push", "--reason", "test"), before=(("run",),), files={"push": OLD}),
    Road("create", world(), entry("project:shop/api:made", "ci_variable: MADE", "file: OUT/made", more=NEW),
         (Managed("shop/api", "made", (("shop/api", "MADE", "*"),), ("made",)),)),
    Road("group", world(), entry("group:shop:ci", to_variable("CI", "group: shop, environment_scope: [ live, test ]")),
         (Managed("shop", "ci", (("shop", "CI", "live"), ("shop", "CI", "test"))),)),
    Road("personal", world(), entry("personal:alice:laptop", to_variable("ALICE"), "file: OUT/alice"),
         (Managed("alice", "laptop", (("shop/api", "ALICE", "*"),), ("alice",)),)),
    Road("service", world(), entry("service_account:deployer:helm", to_variable("HELM")),
         (Managed("deployer", "helm", (("shop/api", "HELM", "*"),)),)),
    Road("group-service", world(), entry("service_account:shop/bot:sync", to_variable("SYNC")),
         (Managed("bot", "sync", (("shop/api", "SYNC", "*"),)),)),
    Road("create-group", world(), entry("group:shop:made", to_variable("MADE"), more=NEW),
         (Managed("shop", "made", (("shop/api", "MADE", "*"),)),)),
    Road("create-personal", world(), entry("personal:alice:made", to_variable("MADE"), more="scopes: [ api ]"),
         (Managed("alice", "made", (("shop/api", "MADE", "*"),)),)),
    Road("hidden", world(), entry("project:shop/api:push", "ci_variable: { key: HIDDEN, visibility: hidden }"),
         (Managed("shop/api", "push", (("shop/api", "HIDDEN", "*"),)),)),
    Road("old-gitlab", world(), PUSH, (Managed("shop/api", "push", (API,), ("push",)),), version="16.0.8"),
    Road("own", KEEPER, "  []", (Managed("keeper", "glrotate", files=("own",)),), credential=KEPT,
         gitlab="  credential: OUT/own\n  rotate: yes\n" + RESCUE, files={"own": KEPT, "rescue": "glpat-rescue-000000"}),
    Road("self", world(), entry("project:shop/api:push", "file: OUT/push", more=BY_ITSELF.format("push")),
         (Managed("shop/api", "push", files=("push",)),), files={"push": OLD}),
    Road("self-personal", KEEPER, entry("personal:keeper:glrotate", "file: OUT/kept", to_variable("KEPT"),
                                        more=BY_ITSELF.format("first")),
         (Managed("keeper", "glrotate", (("shop/api", "KEPT", "*"),), ("kept",)),), credential="glpat-rescue-000000",
         files={"first": KEPT}),
    Road("replace", world(), REPLACE, (Managed("shop/api", "push", (API,), ("push",)),), files={"push": OLD},
         afterwards=("25h",)),
    Road("retire", world(), REPLACE, (Managed("shop/api", "push", (API,), ("push",)),), files={"push": OLD},
         before=(("run",), "25h"), afterwards=("25h",)),
    Road("deploy", world(), DEPLOY, (Managed("shop/api", "pull", (("shop/api", "PULL", "*"),), ("pull",)),),
         files={"pull": OLD_DEPLOY}, afterwards=("25h",)),
    Road("retire-deploy", world(), DEPLOY, (Managed("shop/api", "pull", (("shop/api", "PULL", "*"),), ("pull",)),),
         files={"pull": OLD_DEPLOY}, before=(("run",), "25h"), afterwards=("25h",)),
    Road("slot", SLOT, SLOT_ENTRY, (Managed("shop/api", "gitlab-deploy-token"),), afterwards=("25h",)),
    Road("retire-slot", SLOT, SLOT_ENTRY, (Managed("shop/api", "gitlab-deploy-token"),), before=(("run",), "25h"),
         afterwards=("25h",)),
    Road("deploy-group", world(), entry("group_deploy:shop:fetch", to_variable("FETCH"), more="overlap: 1d"),
         (Managed("shop", "fetch", (("shop/api", "FETCH", "*"),)),), afterwards=("25h",)),
    Road("impersonation", world(), entry("impersonation:alice:robot", to_variable("ROBOT")),
         (Managed("alice", "robot", (("shop/api", "ROBOT", "*"),)),)),
    Road("replace-group", world(), entry("group:shop:ci", to_variable("CI"), more="strategy: replace;new_bot: accept"),
         (Managed("shop", "ci", (("shop/api", "CI", "*"),)),), afterwards=("25h",)),
    Road("replace-service", world(), entry("service_account:deployer:helm", to_variable("HELM"), more="strategy: replace"),
         (Managed("deployer", "helm", (("shop/api", "HELM", "*"),)),), afterwards=("25h",)),
    Road("replace-personal", world(), entry("personal:alice:laptop", to_variable("ALICE"), more="strategy: replace"),
         (Managed("alice", "laptop", (("shop/api", "ALICE", "*"),)),), afterwards=("25h",)),
    Road("takeover", world(), entry("project:shop/api:push", "ci_variable: PUSH", "file: OUT/push",
                                    more="on_foreign_rotation: takeover;on_loss: recreate"),
         (Managed("shop/api", "push", (API,), ("push",)),), files={"push": OLD}),
    Road("several", world(), PUSH + entry("group:shop:ci", to_variable("CI")) +
         entry("personal:alice:laptop", to_variable("ALICE")),
         (Managed("shop/api", "push", (API,), ("push",)), Managed("shop", "ci", (("shop/api", "CI", "*"),)),
          Managed("alice", "laptop", (("shop/api", "ALICE", "*"),)))),
]
