# SPDX-License-Identifier: Apache-2.0
"""W3C Trace Context, levels 1 and 2, as a peer of http_echo sees it: all vectors of the W3C's own test
suite, and what that leaves out.

Each row is sent as raw header fields; http_echo calls back, and the row says what must arrive there."""

import re
import unittest

import echo_service
from echo_service import values

T = "12345678901234567890123456789012"
P = "1234567890123456"
V = f"00-{T}-{P}-01"
FUTURE = "what-the-future-will-be-like"
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")

NEW = "a trace of its own"
SAME = "the same trace"

KEY_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
VALUE_LETTERS = "".join(chr(c) for c in range(0x20, 0x7F) if chr(c) not in ",=") + "."


def bars(first, last):
    return [f"bar{n:02}={n:02}" for n in range(first, last + 1)]


# What came in as traceparent fields, (name, value) each, and which trace must go out.
TRACEPARENT_ROWS = [
    ([], NEW),
    ([("traceparent", V)], SAME),
    ([("traceparent", f"00-{T[:-1]}1-{P}-01"), ("traceparent", V)], NEW),
    ([("trace-parent", V)], NEW),
    ([("trace.parent", V)], NEW),
    ([("TraceParent", V)], SAME),
    ([("TrAcEpArEnT", V)], SAME),
    ([("TRACEPARENT", V)], SAME),
    ([("traceparent", V + ".")], NEW),
    ([("traceparent", f"{V}-{FUTURE}")], NEW),
    ([("traceparent", f"cc-{T}-{P}-01")], SAME),
    ([("traceparent", f"cc-{T}-{P}-01-{FUTURE}")], SAME),
    ([("traceparent", f"cc-{T}-{P}-01.{FUTURE}")], NEW),
    ([("traceparent", f"ff-{T}-{P}-01")], NEW),
    ([("traceparent", f".0-{T}-{P}-01")], NEW),
    ([("traceparent", f"0.-{T}-{P}-01")], NEW),
    ([("traceparent", f"000-{T}-{P}-01")], NEW),
    ([("traceparent", f"0000-{T}-{P}-01")], NEW),
    ([("traceparent", f"0-{T}-{P}-01")], NEW),
    ([("traceparent", f"00-{'0' * 32}-{P}-01")], NEW),
    ([("traceparent", f"00-.{T[1:]}-{P}-01")], NEW),
    ([("traceparent", f"00-{T[:-1]}.-{P}-01")], NEW),
    ([("traceparent", f"00-{T}3-{P}-01")], NEW),
    ([("traceparent", f"00-{T[:-1]}-{P}-01")], NEW),
    ([("traceparent", f"00-{T}-{'0' * 16}-01")], NEW),
    ([("traceparent", f"00-{T}-.{P[1:]}-01")], NEW),
    ([("traceparent", f"00-{T}-{P[:-1]}.-01")], NEW),
    ([("traceparent", f"00-{T}-{P}7-01")], NEW),
    ([("traceparent", f"00-{T}-{P[:-1]}-01")], NEW),
    ([("traceparent", f"00-{T}-{P}-.0")], NEW),
    ([("traceparent", f"00-{T}-{P}-0.")], NEW),
    ([("traceparent", f"00-{T}-{P}-001")], NEW),
    ([("traceparent", f"00-{T}-{P}-1")], NEW),
    ([("traceparent", f" {V}")], SAME),
    ([("traceparent", f"\t{V}")], SAME),
    ([("traceparent", f"{V} ")], SAME),
    ([("traceparent", f"{V}\t")], SAME),
    ([("traceparent", f"\t {V} \t")], SAME),
    # Not in the suite.
    ([("traceparent", V), ("traceparent", V)], NEW),
    ([("traceparent", V), ("TraceParent", V)], NEW),
    ([("traceparent", f"{V},{V}")], NEW),
    ([("traceparent", f"{V}, ")], NEW),
    ([("traceparent", f"00-{'abcdef12' * 4}-{P}-01".upper())], NEW),
    ([("traceparent", f"CC-{T}-{P}-01")], NEW),
    ([("traceparent", f"00-{T}-{P}-0A")], NEW),
    ([("traceparent", f"00 {T} {P} 01")], NEW),
    ([("traceparent", f"00--{P}-01")], NEW),
    ([("traceparent", f"00-{T}--01")], NEW),
    ([("traceparent", "")], NEW),
    ([("traceparent", "---")], NEW),
    ([("traceparent", "00-1-1-00")], NEW),
    ([("traceparent", V.replace("-", "\u2010".encode().decode("latin-1")))], NEW),
]

# What came in as tracestate fields beside V, and the members that must go out, in order.
TRACESTATE_ROWS = [
    ([("tracestate", "foo=1,bar=2")], ["foo=1", "bar=2"]),
    ([("trace-state", "foo=1")], []),
    ([("trace.state", "foo=1")], []),
    ([("TraceState", "foo=1")], ["foo=1"]),
    ([("TrAcEsTaTe", "foo=1")], ["foo=1"]),
    ([("TRACESTATE", "foo=1")], ["foo=1"]),
    ([("tracestate", "")], []),
    ([("tracestate", "foo=1"), ("tracestate", "")], ["foo=1"]),
    ([("tracestate", ""), ("tracestate", "foo=1")], ["foo=1"]),
    ([("tracestate", "foo=1,bar=2"), ("tracestate", "rojo=1,congo=2"), ("tracestate", "baz=3")],
     ["foo=1", "bar=2", "rojo=1", "congo=2", "baz=3"]),
    ([("tracestate", "foo=1,foo=1")], ["foo=1"]),
    ([("tracestate", "foo=1,foo=2")], ["foo=1"]),
    ([("tracestate", "foo=1"), ("tracestate", "foo=1")], ["foo=1"]),
    ([("tracestate", "foo=1"), ("tracestate", "foo=2")], ["foo=1"]),
    ([("tracestate", f"{KEY_LETTERS}=1")], [f"{KEY_LETTERS}=1"]),
    ([("tracestate", f"{KEY_LETTERS}@{KEY_LETTERS}=1")], [f"{KEY_LETTERS}@{KEY_LETTERS}=1"]),
    ([("tracestate", f"foo={VALUE_LETTERS}")], [f"foo={VALUE_LETTERS}"]),
    ([("tracestate", "foo=1 \t , \t bar=2, \t baz=3")], ["foo=1", "bar=2", "baz=3"]),
    ([("tracestate", "foo=1\t \t,\t \tbar=2,\t \tbaz=3")], ["foo=1", "bar=2", "baz=3"]),
    ([("tracestate", " foo=1")], ["foo=1"]),
    ([("tracestate", "\tfoo=1")], ["foo=1"]),
    ([("tracestate", "foo=1 ")], ["foo=1"]),
    ([("tracestate", "foo=1\t")], ["foo=1"]),
    ([("tracestate", "\t foo=1 \t")], ["foo=1"]),
    ([("tracestate", "foo =1")], []),
    ([("tracestate", "FOO=1")], []),
    ([("tracestate", "foo.bar=1")], []),
    ([("tracestate", "foo@=1,bar=2")], ["foo@=1", "bar=2"]),
    ([("tracestate", "@foo=1,bar=2")], []),
    ([("tracestate", "foo@@bar=1,bar=2")], ["foo@@bar=1", "bar=2"]),
    ([("tracestate", "foo@bar@baz=1,bar=2")], ["foo@bar@baz=1", "bar=2"]),
    ([("tracestate", ",".join(bars(*r))) for r in ((1, 10), (11, 20), (21, 30), (31, 32))], bars(1, 32)),
    ([("tracestate", ",".join(bars(*r))) for r in ((1, 10), (11, 20), (21, 30), (31, 33))], []),
    ([("tracestate", f"foo=1,{'z' * 256}=1")], ["foo=1", f"{'z' * 256}=1"]),
    ([("tracestate", f"foo=1,{'z' * 257}=1")], []),
    ([("tracestate", f"foo=1,{'t' * 241}@{'v' * 14}=1")], ["foo=1", f"{'t' * 241}@{'v' * 14}=1"]),
    ([("tracestate", f"foo=1,{'t' * 242}@v=1")], ["foo=1", f"{'t' * 242}@v=1"]),
    ([("tracestate", f"foo=1,t@{'v' * 15}=1")], ["foo=1", f"t@{'v' * 15}=1"]),
    ([("tracestate", "foo=bar=baz")], []),
    ([("tracestate", "foo=,bar=3")], []),
    # Not in the suite.
    ([("tracestate", "foo=  two spaces,bar=2")], ["foo=  two spaces", "bar=2"]),
    ([("tracestate", f"foo={'v' * 256},bar={'w' * 256},baz={'x' * 100}")],
     [f"foo={'v' * 256}", f"bar={'w' * 256}", f"baz={'x' * 100}"]),
    ([("tracestate", f"foo={'v' * 257}")], []),
    ([("tracestate", ",,foo=1,, ,bar=2,")], ["foo=1", "bar=2"]),
    ([("tracestate", "foo=\x80")], []),
    ([("tracestate", "1a-2f@foo=bar1,a*/foo-_/bar=bar4")], ["1a-2f@foo=bar1", "a*/foo-_/bar=bar4"]),
    ([("tracestate", "foo=1,nothing")], []),
]


class W3cTraceContext(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(echo_service.Service())
        cls.callbacks = cls.enterClassContext(echo_service.Callbacks())

    def traces(self, headers, count=1):
        """(trace id, parent id, flags, tracestate members) of each callback."""
        found = []
        for fields in self.callbacks.through(self.service, headers, count):
            parents = values(fields, "traceparent")
            self.assertEqual(len(parents), 1, fields)
            match = TRACEPARENT.fullmatch(parents[0])
            self.assertTrue(match, parents)
            self.assertNotIn(match[1], ("0" * 32,))
            self.assertNotIn(match[2], ("0" * 16,))
            states = values(fields, "tracestate")
            self.assertLessEqual(len(states), 1, "one field is enough for a list")
            found.append((*match.groups(), ",".join(states).split(",") if states else []))
        return found

    def test_traceparent(self):
        for headers, expected in TRACEPARENT_ROWS:
            with self.subTest(headers=headers):
                (trace, parent, flags, state), = self.traces([*headers, ("tracestate", "foo=1")])
                if expected is SAME:
                    self.assertEqual((trace, flags, state), (T, "01", ["foo=1"]))
                    self.assertNotEqual(parent, P)
                else:
                    self.assertEqual(state, [], "a list goes with its trace")
                    sent = "".join(value.lower() for _, value in headers)
                    self.assertNotIn(trace, sent, "not even a part of what was refused")
                    self.assertNotIn(parent, sent)

    def test_tracestate(self):
        for headers, expected in TRACESTATE_ROWS:
            with self.subTest(headers=headers):
                (trace, _, _, state), = self.traces([("traceparent", V), *headers])
                self.assertEqual(trace, T, "a bad list never harms the trace")
                self.assertEqual(state, expected)

    def test_tracestate_without_traceparent_is_dropped(self):
        for value in ("foo=1", "foo=1,bar=2"):
            (_, _, _, state), = self.traces([("tracestate", value)])
            self.assertEqual(state, [])

    def test_tracestate_before_traceparent_is_kept(self):
        (trace, _, _, state), = self.traces([("tracestate", "foo=1"), ("traceparent", V)])
        self.assertEqual((trace, state), (T, ["foo=1"]))

    def test_not_sampled_stays_so_and_keeps_its_list(self):
        (trace, _, flags, state), = self.traces([("traceparent", f"00-{T}-{P}-00"),
                                                 ("tracestate", "foo=1,bar=2")])
        self.assertEqual((trace, flags, state), (T, "00", ["foo=1", "bar=2"]))

    def test_several_calls_are_several_steps_of_one_trace(self):
        for headers, same in (([("traceparent", V)], True), ([], False),
                              ([("traceparent", f"00-{'0' * 32}-{P}-01")], False)):
            with self.subTest(headers=headers):
                calls = self.traces(headers, count=3)
                self.assertEqual(len({trace for trace, *_ in calls}), 1)
                self.assertEqual(calls[0][0] == T, same)
                parents = {parent for _, parent, *_ in calls}
                self.assertEqual(len(parents - {P}), 3, "each call is a step of its own")

    def test_level_2_random_flag(self):
        for sent, expected in (("02", "02"), ("03", "03"), ("01", "01"), ("00", "00")):
            (trace, _, flags, _), = self.traces([("traceparent", f"00-{T}-{P}-{sent}")])
            self.assertEqual((trace, flags), (T, expected))

    def test_reserved_flags_are_sent_as_zero(self):
        for version in ("00", "cc"):
            (trace, _, flags, _), = self.traces([("traceparent", f"{version}-{T}-{P}-ff")])
            self.assertEqual((trace, flags), (T, "03"))

    def test_level_2_a_trace_begun_here_has_a_random_id(self):
        traces = [self.traces([])[0] for _ in range(8)]
        self.assertEqual(len({trace[8:] for trace, *_ in traces}), 8)
        self.assertEqual({flags for _, _, flags, _ in traces}, {"02"})


if __name__ == "__main__":
    echo_service.require_binary()
    unittest.main()
