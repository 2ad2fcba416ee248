"""What can go wrong: with an answer of GitLab, and with a call of the program."""
JSON = {"content_type": "application/json"}
REVOKED = {"body": '{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from '
                   'the user."}', **JSON}
# Name: what the simulator is told. All that it knows to do to an answer.
FAULTS = {
    "drop_before_commit": {}, "drop_after_commit": {}, "reset_before_commit": {}, "reset_after_commit": {},
    "reset_body": {}, "cut_body": {}, "garbage": {}, "wrong_content_type": {}, "twice": {},
    "commit_later": {"lag": "2s"}, "delay": {"ms": 20}, "delay_after": {"ms": 20},
    "too_many": {}, "too_many+retry": {"retry_after": 40}, "exhausted": {"retry_after": 40}, "too_many+commit": {"commit": True},
    "redirect": {"location": "https://elsewhere.example.com/"},
    "redirect+commit": {"location": "https://elsewhere.example.com/", "commit": True},
    "html+nginx": {"status": 502, "by": "nginx"}, "html+nginx+commit": {"status": 504, "by": "nginx", "commit": True},
    "html+haproxy": {"status": 503, "by": "haproxy"}, "html+gitlab+commit": {"status": 500, "by": "gitlab", "commit": True},
    "status+500": {"status": 500}, "status+500+commit": {"status": 500, "commit": True},
    "status+503": {"status": 503}, "status+409": {"status": 409, "body": '{"message":"409 Conflict: Resource lock"}', **JSON},
    "status+400": {"status": 400, "body": '{"message":"400 Bad request"}', **JSON},
    "status+403": {"status": 403, "body": '{"message":"403 Forbidden"}', **JSON},
    "status+404": {"status": 404, "body": '{"message":"404 Not Found"}', **JSON},
    "status+401": {"status": 401, "body": '{"message":"401 Unauthorized"}', **JSON},
    "status+401+revoked": {"status": 401, **REVOKED},
    "status+200+empty": {"status": 200, "body": "", **JSON},
    "status+200+list": {"status": 200, "body": "[]", **JSON},
    "status+200+object": {"status": 200, "body": "{}", **JSON},
}
# From a request on, until the run is over.
OUTAGES = {"drop_before_commit": {}, "drop_after_commit": {}, "status+503": {"status": 503},
           "status+401+revoked": {"status": 401, **REVOKED}, "too_many+retry": {"retry_after": 1},
           "status+403": {"status": 403, "body": '{"message":"403 Forbidden"}', **JSON}}
# What may happen to a call. With `:0` it goes on to the end of the run.
EFFECTS = {
    "pwrite": ("kill", "torn", "cut", "eio", "enospc", "enospc:0", "eio:0", "short"),
    "write": ("kill", "torn", "cut", "eio", "enospc", "enospc:0", "short"),
    "fdatasync": ("kill", "after", "cut", "eio", "eio:0"),
    "fsync": ("kill", "after", "cut", "eio", "eio:0"),
    "ftruncate": ("kill", "cut", "eio"),
    "rename": ("kill", "after", "cut", "eio", "enospc"),
    "create": ("kill", "after", "eio", "enospc", "enospc:0"),
    "unlink": ("kill", "after", "eio"),
    "setxattr": ("kill", "after", "eio", "enospc"),
    "send": ("kill", "after", "cut", "eio", "enospc:0", "enospc:40"),
    "recv": ("kill", "cut"),
}


def simulator_fault(name, **more):
    return {"fault": name.split("+")[0], "path": "*", **more}
