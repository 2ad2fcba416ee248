"""Starts the simulator and runs a client against it: run_client.py COMMAND…; GITLAB_URL and GITLAB_TOKEN tell it where.

A command that ends with 77 had no client to try; that is the test's end too."""
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "gitlab"))
from sim_client import ROOT, Sim  # noqa: E402

if __name__ == "__main__":
    if not shutil.which(sys.argv[1]):
        print(f"skipped: {sys.argv[1]} is not installed")
        sys.exit(77)
    with Sim({}, "18.11.5") as sim:
        sys.exit(subprocess.run(sys.argv[1:], check=False, env={
            **os.environ, "GITLAB_URL": "http://" + sim.address, "GITLAB_TOKEN": ROOT}).returncode)
