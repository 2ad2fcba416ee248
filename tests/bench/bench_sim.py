"""Measures the simulator with wrk, against python's own server in the same run: bench_sim.py GITLAB_SIM [SECONDS]."""
import http.server
import json
import multiprocessing
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

TOKENS = 100000


class Constant(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one write: else the acknowledgement is waited for

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # wrk goes without a word


def rate(url, seconds):
    """Requests a second over eight connections that are kept."""
    done = subprocess.run(["wrk", "-t1", "-c8", f"-d{seconds}s", "-H", "PRIVATE-TOKEN: root-secret", url],
                          capture_output=True, text=True, check=True)
    return float(re.search(r"Requests/sec: +([\d.]+)", done.stdout).group(1))


def kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))


def main(simulator, seconds="5"):
    if not shutil.which("wrk"):
        print("skipped: wrk is not installed")
        return 77
    constant = Server(("127.0.0.1", 0), Constant)
    other = multiprocessing.Process(target=constant.serve_forever, daemon=True)
    other.start()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as world:
        json.dump({"projects": [{"path": "a/b", "tokens": [{"name": "ci", "count": TOKENS}]}]}, world)
        world.flush()
        begun = time.monotonic()
        server = subprocess.Popen([simulator, "--listen", "127.0.0.1:0", "--version", "18.11.5", "--root-token",
                                   "root-secret", "--world", world.name], stdout=subprocess.PIPE, text=True)
        url = server.stdout.readline().split()[-1]
        loaded = time.monotonic() - begun
    try:
        ask = url + "/api/v4/personal_access_tokens/self"
        first, before = rate(ask, seconds), kib(server.pid)
        second, after = rate(ask, seconds), kib(server.pid)
        base = rate(f"http://127.0.0.1:{constant.server_port}/", seconds)
        print(f"{TOKENS} tokens in {loaded:.2f} s; {first:.0f} and {second:.0f} requests a second, "
              f"{second / base:.0f} times python's own server ({base:.0f}); {before} and {after} KiB; "
              f"{os.cpu_count()} cores")
    finally:
        server.terminate()
        server.wait()
        other.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
