# SPDX-License-Identifier: Apache-2.0
"""OpenTelemetry's own propagators (npm) and http_echo, over HTTP, each way.

A node process injects a context into a request to http_echo, which reads it, goes a step on, and writes it
into a call back to node, where OpenTelemetry reads it. Where OpenTelemetry leaves the W3C's rules, the test
says so, and holds the bytes on the wire to the W3C's."""

import json
import os
import pathlib
import subprocess
import unittest
import urllib.request

import echo_service
import npm_peer

HERE = pathlib.Path(__file__).resolve().parent / "opentelemetry"
FOLDER = pathlib.Path(os.environ.get("HF_BINARY_DIR", "build/dev"), "tests/interop/opentelemetry")
T = "0af7651916cd43dd8448eb211c80319c"
P = "b9c7c989f97918e1"
UNTOLD = {"traceId": T, "spanId": P, "traceFlags": 0}
SAMPLED = {**UNTOLD, "traceFlags": 1}


class Peer(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.peer = subprocess.Popen(["node", "peer.mjs"], cwd=FOLDER, text=True, stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE)
        cls.addClassCleanup(cls.peer.communicate, timeout=echo_service.PATIENCE)  # ends its input, and so it
        cls.port = int(cls.peer.stdout.readline())
        cls.service = cls.enterClassContext(echo_service.Service())

    def through(self, service=None, format="w3c", **order):
        """{sent, wire, read}: what OpenTelemetry sent, what arrived, and what it made of that."""
        order.update(service=f"http://127.0.0.1:{(service or self.service).port}/", format=format)
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/send", json.dumps(order).encode())
        with urllib.request.urlopen(request, timeout=echo_service.PATIENCE) as answer:
            return json.load(answer)

    def assertOneStepOn(self, read, sent, **changes):
        """The same trace, seen from a new step of it."""
        self.assertNotEqual(read["trace"]["spanId"], sent["spanId"])
        self.assertEqual({**read["trace"], "spanId": None}, {"traceState": "", **sent, "spanId": None, **changes})


class OpenTelemetry(Peer):
    def test_trace_context(self):
        for flags in (0, 1, 2, 3):
            sent = {**UNTOLD, "traceFlags": flags}
            self.assertOneStepOn(self.through(trace=sent)["read"], sent)

    def test_tracestate(self):
        sent = {**SAMPLED, "traceState": "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE,vendor@system= a b"}
        result = self.through(trace=sent)
        self.assertOneStepOn(result["read"], sent)
        self.assertEqual(result["wire"]["tracestate"], [sent["traceState"]])

    def test_a_trace_that_begins_here(self):
        result = self.through()
        self.assertEqual(result["sent"], {})
        self.assertTrue(result["read"]["trace"], "OpenTelemetry takes it for a valid one")
        self.assertEqual(result["read"]["trace"]["traceFlags"], 2, "not sampled, and all of the id is random")
        self.assertEqual(result["read"]["baggage"], [])

    def test_baggage(self):
        sent = [
            ["userId", "Am\u00e9lie"], ["serverNode", "DF 28"], ["isProduction", "false"],
            ["note", "\u65e5\u672c\u8a9e \U0001F680, ; = \\ \" % + / ?"], ["tab", "\t\r\n\0"],
            ["plus", "a+b"], ["twice", "50%25"], ["key with \u00e4", "escaped by OpenTelemetry"],
        ]
        result = self.through(trace=SAMPLED, baggage=sent)
        self.assertEqual(result["read"]["baggage"], sent)
        self.assertEqual(len(result["wire"]["baggage"]), 1)
        self.assertIn("userId=Am%C3%A9lie", result["wire"]["baggage"][0].split(","))

    def test_baggage_properties(self):
        sent = [["a", "1", "bare"], ["b", "2", "k=v"], ["c", "3", "bare;k=v;k=w;other"], ["d", "4"]]
        self.assertEqual(self.through(baggage=sent)["read"]["baggage"], sent)
        # OpenTelemetry hands them on as they are; on our wire there are no spaces around them.
        result = self.through(baggage=[["a", "1", " bare ; k = v "]])
        self.assertEqual(result["wire"]["baggage"], ["a=1;bare;k=v"])
        self.assertEqual(result["read"]["baggage"], [["a", "1", "bare;k=v"]])

    def test_baggage_without_a_trace_and_as_much_as_there_may_be(self):
        many = [[f"key{n:03}", f"value{n:03}"] for n in range(180)]
        self.assertEqual(self.through(baggage=many)["read"]["baggage"], many)
        long = [["a", "0123456789" * 400], ["b", "0123456789" * 400]]
        self.assertEqual(self.through(baggage=long)["read"]["baggage"], long)

    def test_what_is_added_here_is_read_there(self):
        note = "Zo\u00eb: 50 % & \"more\"; \u65e5\u672c, a+b=c"
        with echo_service.Service("--baggage", f"note={note}", "--tracestate", "hf=new one") as service:
            sent = {**SAMPLED, "traceState": "rojo=1,congo=2"}
            result = self.through(service, trace=sent, baggage=[["first", "1", "p=q"], ["note", "old"]])
            self.assertOneStepOn(result["read"], sent, traceState="hf=new one,rojo=1,congo=2")
            self.assertEqual(result["read"]["baggage"], [["first", "1", "p=q"], ["note", note]])
            self.assertEqual(self.through(service)["read"]["baggage"], [["note", note]])

    def test_a_stranger_is_not_believed(self):
        with echo_service.Service("--boundary", "ingress") as service:
            sent = {**SAMPLED, "traceState": "rojo=1"}
            result = self.through(service, trace=sent, baggage=[["a", "1"]])
            self.assertOneStepOn(result["read"], sent, traceState="")
            self.assertEqual(result["read"]["baggage"], [])

    def test_b3(self):
        for format in ("b3", "b3multi"):
            with self.subTest(format), echo_service.Service("--formats", format) as service:
                for sent in (UNTOLD, SAMPLED):
                    result = self.through(service, format, trace=sent, baggage=[["a", "1"]])
                    self.assertOneStepOn(result["read"], sent)
                    self.assertEqual(result["read"]["baggage"], [["a", "1"]])
                    self.assertNotIn("traceparent", result["wire"])
                    self.assertEqual("b3" in result["wire"], format == "b3")
                self.assertTrue(self.through(service, format)["read"]["trace"])

    def test_b3_of_64_bits_and_debug(self):
        short, padded = T[:16], "0" * 16 + T[:16]
        multi = [["X-B3-TraceId", short], ["X-B3-SpanId", P]]
        rows = [("b3", [["b3", f"{short}-{P}-1"]], 1), ("b3", [["b3", f"{short}-{P}-d-{P}"]], 1),
                ("b3", [["b3", f"{short}-{P}"]], 0), ("b3multi", [*multi, ["X-B3-Sampled", "0"]], 0),
                ("b3multi", [*multi, ["X-B3-Sampled", "true"]], 1), ("b3multi", [*multi, ["X-B3-Flags", "1"]], 1)]
        for format, headers, flags in rows:
            with self.subTest(headers=headers), echo_service.Service("--formats", format) as service:
                read = self.through(service, format, headers=headers)["read"]
                self.assertOneStepOn(read, {"traceId": padded, "spanId": P, "traceFlags": flags})

    def test_from_one_format_to_another(self):
        with echo_service.Service("--formats", "w3c,b3,b3multi") as service:
            for format in ("w3c", "b3", "b3multi"):
                result = self.through(service, format, trace=SAMPLED)
                self.assertOneStepOn(result["read"], SAMPLED)
                self.assertLessEqual({"traceparent", "b3", "x-b3-traceid"}, result["wire"].keys())


class Deviations(Peer):
    """Where OpenTelemetry (JavaScript, 2.12) and the W3C differ. The wire is as the W3C says."""

    def row(self, baggage, wire, read):
        result = self.through(headers=[["baggage", value] for value in baggage])
        self.assertEqual((result["wire"].get("baggage"), result["read"]["baggage"]), (wire, read))

    def test_it_decodes_keys(self):
        # W3C: a key is never decoded. A member of key `a%41` stays one; OpenTelemetry takes it for `aA`.
        self.row(["a%41=1"], ["a%41=1"], [["aA", "1"]])

    def test_it_drops_what_is_not_utf_8(self):
        # W3C: U+FFFD for it. Sent as such, OpenTelemetry reads what it would have dropped.
        self.row(["k=%C3,l=1"], ["k=%EF%BF%BD,l=1"], [["k", "\ufffd"], ["l", "1"]])

    def test_it_drops_empty_values(self):
        self.row(["a=,b=2"], ["a=,b=2"], [["b", "2"]])

    def test_it_keeps_one_member_of_a_key(self):
        # W3C: keys may come twice, order kept. OpenTelemetry keeps the last.
        self.row(["a=1,b=2", "a=3"], ["a=1,b=2,a=3"], [["a", "3"], ["b", "2"]])

    def test_it_reads_512_bytes_of_tracestate(self):
        # W3C: at least 512 must be propagated. All of it is on our wire; OpenTelemetry reads what fits.
        members = [f"k{n}={'v' * 200}" for n in range(4)]
        result = self.through(headers=[["traceparent", f"00-{T}-{P}-01"], ["tracestate", ",".join(members)]])
        self.assertEqual(result["wire"]["tracestate"], [",".join(members)])
        self.assertEqual(result["read"]["trace"]["traceState"], ",".join(members[:2]))

    def test_it_knows_the_keys_of_level_1(self):
        result = self.through(headers=[["traceparent", f"00-{T}-{P}-01"], ["tracestate", "1a=1,a@@b=2,c=3"]])
        self.assertEqual(result["wire"]["tracestate"], ["1a=1,a@@b=2,c=3"])
        self.assertEqual(result["read"]["trace"]["traceState"], "c=3")

    def test_it_writes_three_digits_of_flags(self):
        # Flags above 15 make its header one byte too long, which begins a new trace at whoever reads it.
        result = self.through(trace={**UNTOLD, "traceFlags": 0x11})
        self.assertEqual(result["sent"]["traceparent"], f"00-{T}-{P}-011")
        self.assertNotEqual(result["read"]["trace"]["traceId"], T)

    def test_it_takes_the_first_of_two_traceparents(self):
        # W3C: invalid. Two lead to a trace of our own, whatever OpenTelemetry would have made of them.
        two = [["traceparent", f"00-{T}-{P}-01"], ["traceparent", f"00-{T[::-1]}-{P}-01"]]
        self.assertNotIn(self.through(headers=two)["read"]["trace"]["traceId"], (T, T[::-1]))


if __name__ == "__main__":
    echo_service.require_binary()
    npm_peer.install(HERE, FOLDER, "peer.mjs")
    unittest.main()
