"""Measures what a fresh TLS connection costs: bench_connect.py CONNECT GITLAB_SIM [COUNT].

The CA file is as large as the system's, plus the server's own certificate."""
import pathlib
import subprocess
import sys
import tempfile

SYSTEM = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")  # optional: what Debian's ca-certificates makes


def main(connect, simulator, count="100"):
    with tempfile.TemporaryDirectory() as folder:
        key, cert, bundle = (pathlib.Path(folder) / name for name in ("key.pem", "cert.pem", "ca.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
        bundle.write_bytes((SYSTEM.read_bytes() if SYSTEM.exists() else b"") + cert.read_bytes())
        server = subprocess.Popen([simulator, "--listen", "127.0.0.1:0", "--version", "18.11.5", "--root-token", "x",
                                   "--tls-cert", cert, "--tls-key", key], stdout=subprocess.PIPE, text=True)
        try:
            url = server.stdout.readline().split()[-1]
            return subprocess.run([connect, url, bundle, count], check=False).returncode
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
