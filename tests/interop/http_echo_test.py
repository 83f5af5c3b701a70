# SPDX-License-Identifier: Apache-2.0
"""http_echo before strangers: whatever they send is answered in words, and the next one is served."""

import concurrent.futures
import json
import random
import re
import signal
import socket
import subprocess
import unittest

import echo_service

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
OK = HEAD + b"Content-Length: 2\r\n\r\n[]"
CODED = HEAD + b"Transfer-Encoding: "
CHUNKED = b"2\r\n[]\r\n0\r\n"
TRAILED = HEAD + b"Transfer-Encoding: Chunked\r\n\r\n" + CHUNKED  # the trailer is still to come


def with_body(body, *fields):
    lines = b"".join(field + b"\r\n" for field in fields)
    return HEAD + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body


# What is sent, the status of the answer, and a word of its reason.
REFUSED = [
    (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "POST"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "malformed"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version"),
    (b"POST /\r\nHost: a\r\n\r\n", 400, "malformed"),
    (b"POST / HTTP/1.1\nHost: a\n\n\r\n\r\n", 505, "version"),
    (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n[]", 400, "Host"),
    (HEAD + b"Host: b\r\nContent-Length: 2\r\n\r\n[]", 400, "Host"),
    (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]", 400, "malformed"),
    (HEAD + b"Content-Length: -1\r\n\r\n", 400, "malformed"),
    (HEAD + b"Content-Length: 99999999999999999999\r\n\r\n", 400, "malformed"),
    (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "malformed"),
    (CODED + b"gzip\r\nContent-Length: 2\r\n\r\n[]", 400, "both"),
    (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: identity\r\n\r\n[]", 400, "malformed"),
    (CODED + b"gzip\r\n\r\n" + OK, 501, "chunked alone"),
    (CODED + b"\r\n\r\n" + OK, 501, "chunked alone"),
    (CODED + b"identity\r\n\r\n" + OK, 501, "chunked alone"),
    (CODED + b"gzip, chunked\r\n\r\n" + CHUNKED + b"\r\n" + OK, 501, "chunked alone"),
    (CODED + b"chunked, gzip\r\n\r\n" + CHUNKED + b"\r\n" + OK, 501, "chunked alone"),
    (CODED + b"chunked\r\nTransfer-Encoding: gzip\r\n\r\n" + CHUNKED + b"\r\n" + OK, 400, "malformed"),
    (CODED + b"gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED + b"\r\n" + OK, 501, "chunked alone"),
    (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED + b"\r\n" + OK, 400, "HTTP/1.0"),
    (TRAILED + b"X: 1\r\n" * 300 + b"\r\n", 431, "200 fields"),
    (TRAILED + b"X: " + b"a" * 40_000 + b"\r\n\r\n", 431, "trailer"),
    (TRAILED + b"baggage: a=1\r\n" * 600_000 + b"\r\n", 431, "trailer"),
    (CODED + b"chunked\r\n\r\n1;" + b"a" * 40_000, 431, "chunk"),
    (TRAILED + b"Content-Length: 2\r\n\r\n", 400, "malformed"),
    (TRAILED + b"Transfer-Encoding: chunked\r\n\r\n", 400, "malformed"),
    (CODED + b"chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n", 400, "malformed"),
    (HEAD + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n[]", 400, "folded"),
    (HEAD + b"traceparent: 00-\r\n\tb\r\nContent-Length: 2\r\n\r\n[]", 400, "folded"),
    (HEAD + b"Na me: a\r\nContent-Length: 2\r\n\r\n[]", 400, "malformed"),
    (HEAD + b"Name : a\r\nContent-Length: 2\r\n\r\n[]", 400, "malformed"),
    (HEAD + b"X: a\0b\r\nContent-Length: 2\r\n\r\n[]", 400, "malformed"),
    (HEAD + b"X: " + b"a" * 40_000 + b"\r\n\r\n", 431, "32 KiB"),
    (HEAD + b"X: 1\r\n" * 300 + b"Content-Length: 2\r\n\r\n[]", 431, "200 fields"),
    (HEAD + b"X: 1\r\n" * 1_000_000, 431, "32 KiB"),
    (b"POST /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431, "32 KiB"),
    (HEAD + b"Content-Length: 1048577\r\n\r\n", 413, "1 MiB"),
    (HEAD + b"Content-Length: 5000000000\r\n\r\n" + b"a" * 3_000_000, 413, "1 MiB"),
    (CODED + b"chunked\r\n\r\n" + (b"10000\r\n" + b" " * 0x10000 + b"\r\n") * 17, 413, "1 MiB"),
    (with_body(b""), 400, "not JSON"),
    (with_body(b"["), 400, "not JSON"),
    (with_body(b"[1e999]"), 400, "not JSON"),
    (with_body(b'["\xff"]'), 400, "not JSON"),
    (with_body(b"[] []"), 400, "not JSON"),
    (with_body(b"[]\0"), 400, "not JSON"),
    (with_body(b"[]\0]"), 400, "not JSON"),
    (with_body(b"{}"), 400, "not a list"),
    (with_body(b"null"), 400, "not a list"),
    (with_body(b"[" * 500_000), 400, "deeper than 64"),
    (with_body(b'[{"url": "http://a/", "arguments": ' + b'{"a":' * 65 + b"1" + b"}" * 65 + b"}]"), 400, "deeper"),
    (with_body(json.dumps([{"url": "http://a/"}] * 65).encode()), 400, "longer than 64"),
    (with_body(b"[1]"), 400, "[0] is not an object"),
    (with_body(b'[{"arguments": []}]'), 400, "[0].url is not a string"),
    (with_body(b'[{"url": ["http://a/"]}]'), 400, "[0].url is not a string"),
]

BAD_URLS = [
    ("", "http://"), ("a", "http://"), ("https://a/", "http://"), ("//a/", "http://"), ("http:/a", "http://"),
    ("http://", "host"), ("http:///x", "host"), ("http://:80/", "host"), ("http://a:0/", "port"),
    ("http://a:65536/", "port"), ("http://a:+80/", "port"), ("http://a:/", "port"), ("http://a:80a/", "port"),
    ("http://me:pw@a/", "user information"), ("http://[::1/", "IPv6"), ("http://[g::1]/", "IPv6"),
    ("http://[]/", "IPv6"), ("http://[::1]x/", "IPv6"), ("http://a b/", "printable"), ("http://a/\r\nX: y", "printable"),
    ("http://a/ HTTP/1.1\r\n\r\n", "printable"), ("http://\u00e4/", "printable"), ("http://a\\b/", "host"),
    ("http://a/" + "b" * 9000, "8192"), ("http://" + "a" * 254 + "/", "host"),
]


class HttpEcho(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(echo_service.Service())
        cls.callbacks = cls.enterClassContext(echo_service.Callbacks())

    def assertServes(self):
        self.assertEqual(self.service.raw(OK)[0], 200)

    def test_what_is_wrong_is_said(self):
        for sent, status, word in REFUSED:
            with self.subTest(sent=sent[:80]):
                got, headers, body = self.service.raw(sent)
                self.assertEqual((got, headers["Content-Type"]), (status, "application/json"), body)
                self.assertIn(word, json.loads(body)["error"])
        self.assertServes()

    def test_nothing_is_read_after_a_refusal(self):
        for sent, status, _ in REFUSED:
            if sent.endswith(OK):
                with self.subTest(sent=sent[:80]), self.service.connect() as connection:
                    connection.sendall(sent)
                    answer = b"".join(iter(lambda: connection.recv(65536), b""))
                    self.assertEqual(re.findall(rb"HTTP/1\.. (\d+)", answer), [b"%d" % status])

    def test_a_trailer_is_not_believed(self):
        theirs = "00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01"
        plan = json.dumps([{"url": self.callbacks.url("/trailed")}]).encode()
        body = b"%x\r\n%s\r\n0\r\n" % (len(plan), plan)
        claims = (b"traceparent: 00-11111111111111111111111111111111-2222222222222222-01\r\nbaggage: evil=1\r\n"
                  b"tracestate: evil=1\r\nHost: b\r\nConnection: close\r\n\r\n")
        with self.service.connect() as connection:
            for header in (b"", b"traceparent: " + theirs.encode() + b"\r\n"):
                connection.sendall(HEAD + header + b"Transfer-Encoding: chunked\r\n\r\n" + body + claims)
                self.assertEqual(echo_service.read_answer(connection)[0], 200)
                (fields, _), = self.callbacks.seen.pop("/trailed")
                self.assertNotIn("evil", str(fields))
                parent, = echo_service.values(fields, "traceparent")
                self.assertNotEqual(parent[3:35], "1" * 32)
                self.assertEqual(parent[3:35] == theirs[3:35], header != b"")

    def test_a_wrong_url_is_named_and_nobody_is_called(self):
        for url, word in BAD_URLS:
            with self.subTest(url=url[:40]):
                plan = [{"url": self.callbacks.url("/untouched")}, {"url": url}]
                status, _, body = self.service.post(plan)
                self.assertEqual(status, 400, body)
                error = json.loads(body)["error"]
                self.assertTrue(error.startswith("[1].url ") and word in error, error)
        self.assertNotIn("/untouched", self.callbacks.seen)

    def test_whoever_does_not_answer_is_told_of(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            gone = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        with socket.create_server(("127.0.0.1", 0)) as rude:
            rude.settimeout(echo_service.PATIENCE)
            port = rude.getsockname()[1]
            with concurrent.futures.ThreadPoolExecutor() as pool:
                asked = pool.submit(self.service.post, [
                    {"url": gone}, {"url": f"http://127.0.0.1:{port}/"}, {"url": self.callbacks.url("/after")}])
                caller, _ = rude.accept()
                caller.recv(65536)
                caller.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
                caller.close()
                status, _, body = asked.result(echo_service.PATIENCE)
        self.assertEqual(status, 502)
        first, second, third = json.loads(body)
        self.assertIn("connect", first["error"])
        self.assertIn("receive", second["error"])
        self.assertEqual(third["status"], 200, "the others are called all the same")

    def test_arguments_arrive_as_they_were(self):
        arguments = [{"url": "x", "n": [1, -2, 2.5, 1e300, True, None, "\u00e4\U0001F680\" \\ \u0000"]}]
        self.callbacks.through(self.service, [], arguments=arguments)
        status, _, body = self.service.post([{"url": self.callbacks.url("/none")}])
        self.assertEqual((status, json.loads(body)[0]["status"]), (200, 200))
        self.assertEqual(self.callbacks.seen.pop("/none")[0][1], b"[]")

    def test_one_connection_serves_request_after_request(self):
        with self.service.connect() as connection:
            for _ in range(3):
                connection.sendall(OK)
                self.assertEqual(echo_service.read_answer(connection)[0], 200)
            connection.sendall(with_body(b"{}"))
            self.assertEqual(echo_service.read_answer(connection)[0], 400)
            connection.sendall(OK.replace(b"Host", b"Connection: close\r\nHost"))
            self.assertEqual(echo_service.read_answer(connection)[0], 200)
            self.assertEqual(connection.recv(1), b"", "closed as asked")

    def test_requests_may_come_in_any_pieces(self):
        whole = HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1;ext=1\r\n]\r\n0\r\nTrailer: x\r\n\r\n"
        for cut in range(0, len(whole), 7):
            self.assertEqual(self.service.raw(whole[:cut], whole[cut:])[0], 200)
        with self.service.connect() as connection:
            connection.sendall(OK * 3)
            stream = connection.makefile("rb").read
            text = b""
            while text.count(b"[]") < 3:
                text += stream(1)
            self.assertEqual(text.count(b"HTTP/1.1 200 OK"), 3)

    def test_expectation_is_met_before_the_body_comes(self):
        with self.service.connect() as connection:
            connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 100 "))
            connection.sendall(b"[]")
            self.assertEqual(echo_service.read_answer(connection)[0], 200)

    def test_an_old_client_is_told_nothing_before_its_answer(self):
        sent = b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n[]"
        with self.service.connect() as connection:
            connection.sendall(sent)
            self.assertTrue(connection.makefile("rb").readline().startswith(b"HTTP/1.0 200 "))

    def test_what_comes_before_an_answer_is_not_it(self):
        early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        for count, status in ((4, 200), (5, 502)):
            with socket.create_server(("127.0.0.1", 0)) as callee, concurrent.futures.ThreadPoolExecutor() as pool:
                callee.settimeout(echo_service.PATIENCE)
                url = f"http://127.0.0.1:{callee.getsockname()[1]}/"
                asked = pool.submit(self.service.post, [{"url": url}])
                caller, _ = callee.accept()
                with caller:
                    caller.recv(65536)
                    caller.sendall(early * count + b"HTTP/1.1 204 No Content\r\n\r\n")
                    got, _, body = asked.result(echo_service.PATIENCE)
                self.assertEqual(got, status, body)
                if status == 200:
                    self.assertEqual(json.loads(body)[0]["status"], 204)

    def test_slow_ones_hold_nobody_up(self):
        idle = [self.service.connect() for _ in range(100)]
        for number, connection in enumerate(idle):
            connection.sendall(OK[:number % len(OK)])
        self.assertServes()
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            jobs = [pool.submit(self.callbacks_once, n) for n in range(200)]
            self.assertEqual({job.result(echo_service.PATIENCE) for job in jobs}, {200})
        for connection in idle:
            connection.close()

    def callbacks_once(self, number):
        return self.service.post([{"url": self.callbacks.url(f"/many.{number}")}])[0]

    def test_one_too_many_is_told_so(self):
        crowd = []
        try:
            # 512 are served at once; the first to be refused is answered without having asked.
            for _ in range(513):
                crowd.append(self.service.connect())
            status, _, body = echo_service.read_answer(crowd[-1])
            self.assertEqual((status, json.loads(body)["error"]), (503, "too many connections"))
        finally:
            for connection in crowd:
                connection.close()
        # The service learns of the closed ones in its own time.
        for _ in range(1000):
            try:
                if self.service.raw(OK)[0] == 200:
                    return
            except OSError:
                continue  # closed on before our request was read: one too many still
        self.fail("the places never came back")

    def test_noise_harms_nobody(self):
        dice = random.Random(4)
        seeds = [sent for sent, _, _ in REFUSED if len(sent) < 2000] + [OK]
        for _ in range(400):
            noise = bytearray(dice.choice(seeds))
            for _ in range(dice.randrange(1, 6)):
                place = dice.randrange(len(noise))
                noise[place:place + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
            with self.service.connect() as connection:
                connection.sendall(noise)
                connection.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
                self.assertTrue(answer == b"" or re.match(rb"HTTP/1\.[01] [1-5]\d\d ", answer), answer[:80])
        self.assertServes()


class Process(unittest.TestCase):
    def test_stops_on_either_signal(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            service = echo_service.Service()
            idle = service.connect()
            idle.sendall(OK + OK[:5])
            self.assertEqual(echo_service.read_answer(idle)[0], 200)
            self.assertEqual(service.stop(number), (0, ""))
            idle.close()

    def test_ends_what_is_under_way(self):
        service = echo_service.Service()
        with socket.create_server(("127.0.0.1", 0)) as slow, concurrent.futures.ThreadPoolExecutor() as pool:
            slow.settimeout(echo_service.PATIENCE)
            asked = pool.submit(service.post, [{"url": f"http://127.0.0.1:{slow.getsockname()[1]}/"}])
            caller, _ = slow.accept()
            caller.recv(65536)
            service.process.send_signal(signal.SIGTERM)
            # It has closed its door, and still waits for us.
            while True:
                try:
                    service.connect().close()
                except ConnectionError:
                    break
            caller.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            status, headers, body = asked.result(echo_service.PATIENCE)
            caller.close()
        self.assertEqual((status, json.loads(body)[0]["status"], headers["Connection"]), (200, 204, "close"))
        service.process.communicate(timeout=echo_service.PATIENCE)
        self.assertEqual(service.process.returncode, 0)

    def test_says_what_is_wrong_with_its_flags(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            for flags, code, word in ((["--port", "65536"], 2, "65535"), (["--port", "x"], 2, "'x'"),
                                      (["--boundary", "moon"], 2, "ingress"), (["--formats", "w3c,"], 0, ""),
                                      (["--formats", "xray"], 2, "b3multi"), (["extra"], 2, "'extra'"),
                                      (["--nope"], 2, "--help"), (["--address", "nowhere"], 1, "nowhere"),
                                      (["--port", port], 1, port)):
                if code == 0:
                    with echo_service.Service(*flags):
                        continue
                done = subprocess.run([echo_service.BINARY, *flags], stdin=subprocess.DEVNULL, text=True,
                                      capture_output=True, timeout=echo_service.PATIENCE)
                self.assertEqual(done.returncode, code, done)
                self.assertIn(word, done.stderr)

    def test_logs_the_ids_of_a_request(self):
        service = echo_service.Service("--log")
        service.post([], [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01")])
        code, log = service.stop(signal.SIGTERM)
        self.assertEqual(code, 0)
        self.assertRegex(log, r"^correlation_id=\S+ trace_id=0af7651916cd43dd8448eb211c80319c "
                              r"span_id=b9c7c989f97918e1 request_id=\S+ status=200\n$")


if __name__ == "__main__":
    echo_service.require_binary()
    unittest.main()
