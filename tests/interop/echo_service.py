# SPDX-License-Identifier: Apache-2.0
"""Both ends of http_echo for tests: the service in a process of its own, and a server it calls back.

Requests go out as the bytes they are given, because what matters here (tabs, doubled fields, odd letters)
is what client libraries tidy up."""

import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading

BINARY = pathlib.Path(os.environ.get("HF_BINARY_DIR", "build/dev"), "examples/example_http_echo")
PATIENCE = 20  # seconds; every wait here ends in milliseconds unless something is wrong


def require_binary():
    if not BINARY.exists():
        print(f"skipped: {BINARY} is not built (HOLDFAST_ASIO=OFF?)")
        sys.exit(77)


class Service:
    """http_echo on a free port, stopped and checked at the end of the block."""

    def __init__(self, *flags):
        self.process = subprocess.Popen([BINARY, "--port", "0", *flags], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)\n", line)
        if not match:
            raise RuntimeError(f"http_echo said {line!r}: {self.process.communicate(timeout=PATIENCE)}")
        self.port = int(match[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        code, errors = self.stop(signal.SIGTERM)
        if code != 0 or errors:
            raise AssertionError(f"http_echo ended with {code}:\n{errors}")

    def stop(self, number):
        self.process.send_signal(number)
        try:
            _, errors = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, errors

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def raw(self, *parts):
        """Sends the bytes, a part at a time, and reads one answer: (status, headers, body)."""
        with self.connect() as connection:
            for part in parts:
                try:
                    connection.sendall(part)
                except OSError:
                    break  # refused while sending: the answer says why
            return read_answer(connection)

    def post(self, plan, headers=()):
        """POSTs a plan with these header fields, bytes or str, in order and as they are."""
        body = plan if isinstance(plan, bytes) else json.dumps(plan).encode()
        lines = [b"POST /test HTTP/1.1", b"Host: service", b"Content-Type: application/json",
                 b"Content-Length: %d" % len(body)]
        for name, value in headers:
            lines.append(as_bytes(name) + b": " + as_bytes(value))
        return self.raw(b"\r\n".join(lines) + b"\r\n\r\n" + body)


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


def read_answer(connection):
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status, answer.headers, answer.read()


class Callbacks:
    """A server that keeps the header fields of each request, by its path."""

    def __init__(self):
        seen = self.seen = {}
        lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    seen.setdefault(self.path, []).append((list(self.headers.items()), body))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"null")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.number = 0

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def through(self, service, headers, count=1, arguments=()):
        """The header fields of each of `count` callbacks that a request with these fields led to."""
        self.number += 1
        paths = [f"/{self.number}.{index}" for index in range(count)]
        status, _, body = service.post(
            [{"url": self.url(path), "arguments": list(arguments)} for path in paths], headers)
        if status != 200:
            raise AssertionError(f"{status}: {body}")
        calls = [self.seen.pop(path) for path in paths]
        for call in calls:
            if len(call) != 1 or json.loads(call[0][1]) != list(arguments):
                raise AssertionError(f"not called once with its arguments: {call}")
        return [call[0][0] for call in calls]


def values(headers, name):
    return [value for key, value in headers if key.lower() == name]
