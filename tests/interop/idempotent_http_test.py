# SPDX-License-Identifier: Apache-2.0
"""A payment API asked twice, at once, with another body, and across a crash: never two charges of one key."""

import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BINARY = pathlib.Path(os.environ.get("HF_BINARY_DIR", "build/dev"), "examples/example_idempotent_http")
PATIENCE = 20  # seconds; every wait here ends in milliseconds unless something is wrong


class Api:
    """The example on a free port, over a file that outlives it."""

    def __init__(self, db, *flags):
        self.process = subprocess.Popen([BINARY, "--db", db, *flags], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)\n", line)
        if not match:
            raise RuntimeError(f"it said {line!r}: {self.process.communicate(timeout=PATIENCE)}")
        self.port = int(match[1])

    def stop(self, number=signal.SIGTERM):
        """The charges that it made since the last line that was read."""
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=PATIENCE)
        return output.count("charged ")

    def pay(self, order, *keys, method="POST", target="/payments"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.putrequest(method, target)
        body = order if isinstance(order, bytes) else json.dumps(order).encode()
        for key in keys:
            connection.putheader("Idempotency-Key", key)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer, text

    def wait_for_charge(self):
        line = self.process.stdout.readline()
        assert line.startswith("charged "), line


class IdempotentHttp(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="holdfast-http-")
        self.addCleanup(self.folder.cleanup)
        self.db = str(pathlib.Path(self.folder.name, "payments.db"))
        self.api = self.start()

    def start(self, *flags):
        api = Api(self.db, *flags)
        self.addCleanup(lambda: api.process.poll() is None and api.stop(signal.SIGKILL))
        return api

    def assert_problem(self, answer, text, status, reason):
        self.assertEqual(answer.status, status, text)
        self.assertEqual(answer.getheader("Content-Type"), "application/problem+json")
        problem = json.loads(text)
        self.assertEqual((problem["status"], problem["reason"]), (status, reason))
        self.assertIn(problem["type"], answer.getheader("Link"))

    def test_duplicate_gets_the_first_answer(self):
        first, text = self.api.pay({"amount": 40}, '"order-17"')
        self.assertEqual(first.status, 201)
        self.assertIsNone(first.getheader("Idempotency-Replayed"))
        again, same = self.api.pay({"amount": 40}, '"order-17"')
        self.assertEqual((again.status, same), (201, text))
        self.assertEqual(again.getheader("Location"), first.getheader("Location"))
        self.assertEqual(again.getheader("Idempotency-Replayed"), "true")
        bare, same = self.api.pay({"amount": 40}, "order-17")  # as many clients write it
        self.assertEqual((bare.status, same), (201, text))
        self.assertEqual(self.api.stop(), 1)

    def test_missing_and_malformed_keys_are_400(self):
        self.assert_problem(*self.api.pay({"amount": 1}), 400, "key_missing")
        self.assert_problem(*self.api.pay({"amount": 1}, '"open'), 400, "malformed")
        self.assert_problem(*self.api.pay({"amount": 1}, '"a"', '"b"'), 400, "malformed")
        self.assert_problem(*self.api.pay({"amount": 1}, "k" * 1025), 400, "key_oversize")
        self.assertEqual(self.api.stop(), 0)

    def test_other_request_under_the_key_is_422(self):
        self.api.pay({"amount": 40}, '"k"')
        answer, text = self.api.pay({"amount": 41}, '"k"')
        self.assert_problem(answer, text, 422, "idem_mismatch")
        self.assertNotIn(b"40", text)
        self.assertEqual(self.api.stop(), 1)

    def test_refusal_is_a_result_too(self):
        first, text = self.api.pay(b"no JSON", '"k"')
        again, same = self.api.pay(b"no JSON", '"k"')
        self.assertEqual((first.status, again.status, same), (400, 400, text))
        self.assertEqual(again.getheader("Idempotency-Replayed"), "true")

    def test_twenty_at_once_are_one_charge(self):
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(
                lambda _: self.api.pay({"amount": 40, "hold_ms": 300}, '"k"'), range(20)))
        self.assertEqual({answer.status for answer, _ in answers} - {201, 409}, set())
        made = [text for answer, text in answers if answer.status == 201]
        self.assertEqual(len(set(made)), 1)
        for answer, text in answers:
            if answer.status == 409:
                self.assert_problem(answer, text, 409, "idem_busy")
                self.assertRegex(answer.getheader("Retry-After"), r"^[1-9]\d*$")
        self.assertEqual(self.api.stop(), 1)

    def test_restart_remembers(self):
        _, text = self.api.pay({"amount": 40}, '"k"')
        self.assertEqual(self.api.stop(), 1)
        self.api = self.start()
        again, same = self.api.pay({"amount": 40}, '"k"')
        self.assertEqual((again.getheader("Idempotency-Replayed"), same), ("true", text))
        self.assertEqual(self.api.stop(), 0)

    def test_crash_in_the_middle_of_a_payment_is_in_doubt_and_not_charged_again(self):
        self.api.stop()
        self.api = self.start("--lease-ms", "500")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            lost = pool.submit(self.api.pay, {"amount": 40, "hold_ms": 30000}, '"k"')
            self.api.wait_for_charge()
            self.api.stop(signal.SIGKILL)
            self.assertIsNotNone(lost.exception(PATIENCE))
        self.api = self.start()
        deadline = time.monotonic() + PATIENCE
        answer, text = self.api.pay({"amount": 40, "hold_ms": 30000}, '"k"')
        while answer.status == 409 and time.monotonic() < deadline:  # until the dead one's lease is over
            answer, text = self.api.pay({"amount": 40, "hold_ms": 30000}, '"k"')
        self.assert_problem(answer, text, 500, "idem_in_doubt")
        self.assertIsNone(answer.getheader("Retry-After"))
        self.assertEqual(self.api.stop(), 0)

    def test_the_rest_of_http_is_as_usual(self):
        self.assertEqual(self.api.pay({}, method="GET")[0].status, 405)
        self.assertEqual(self.api.pay({}, target="/refunds")[0].status, 404)
        self.assertEqual(self.api.pay(b"x" * 70000, '"k"')[0].status, 413)


if __name__ == "__main__":
    if not BINARY.exists():
        print(f"skipped: {BINARY} is not built (HOLDFAST_ASIO=OFF or HOLDFAST_SQLITE=OFF?)")
        sys.exit(77)
    unittest.main()
