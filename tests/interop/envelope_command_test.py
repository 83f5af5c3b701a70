# SPDX-License-Identifier: Apache-2.0
"""`holdfast envelope decode` and `encode`: every form there and back, and what is no event."""

import base64
import json
import os
import pty
import subprocess
import unittest

import holdfast_command

FORMS = ("protobuf", "protobuf-batch", "json", "json-batch", "http", "http-json", "http-protobuf", "kafka", "amqp", "grpc")
EVENT = ["--id=1", "--source=/orders", "--type=com.acme.order.placed", "--attr=contractversion=1.2",
         "--attr=time=2026-01-02T03:04:05Z", "--attr=attempt=2", "--attr=note=a b% \u20ac",
         "--attr=datacontenttype=application/json", "--data=data.json"]
HTTP = ("POST /hook HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/json\r\nce-specversion: 1.0\r\n"
        "ce-id: 1\r\nce-source: /orders\r\nce-type: com.acme.order.placed\r\nce-note: a b 100%\r\n"
        "Content-Length: 12\r\n\r\n{\"total\": 5}\n")


class Envelope(holdfast_command.InFolder):
    noun = "envelope"

    def setUp(self):
        super().setUp()
        self.write("data.json", '{"total": 5}')

    def encode(self, form, *words, path=None, code=0):
        said = self.says(code, "encode", *(words or EVENT), f"--to={form}")
        if code == 0:
            self.write(path or f"event.{form}", said.bytes)
        return said.bytes

    def to_json(self, path, *words):
        return json.loads(self.says(0, "decode", path, "--to=json", *words).bytes)


class Forms(Envelope):
    def test_there_and_back(self):
        first = json.loads(self.encode("json"))
        self.assertEqual(first, {
            "specversion": "1.0", "id": "1", "source": "/orders", "type": "com.acme.order.placed",
            "contractversion": "1.2", "time": "2026-01-02T03:04:05Z", "attempt": 2, "note": "a b% \u20ac",
            "datacontenttype": "application/json", "data": {"total": 5}})
        for form in FORMS:
            with self.subTest(form):
                self.encode(form)
                # Of gRPC only the reader's word tells: its headers are HTTP's.
                words = ["--from=grpc"] if form == "grpc" else []
                self.assertEqual(self.to_json(f"event.{form}", *words), first)
                self.assertEqual(self.says(0, "encode", f"event.{form}", *words, f"--to={form}").bytes,
                                 (self.work / f"event.{form}").read_bytes())

    def test_the_wire(self):
        headers, body = self.encode("http").split(b"\r\n\r\n")
        self.assertEqual(body, b'{"total": 5}')
        self.assertIn(b"ce-note: a%20b%25%20%E2%82%AC", headers.split(b"\r\n"))
        self.assertIn(b"content-type: application/json", headers.lower().split(b"\r\n"))
        self.assertIn("ce_note: a b% \u20ac".encode(), self.encode("kafka").split(b"\r\n"))
        self.assertIn("cloudEvents_note: a b% \u20ac".encode(), self.encode("amqp").split(b"\r\n"))
        self.assertTrue(self.encode("http-json").startswith(b"content-type: application/cloudevents+json\r\n\r\n{"))

    def test_batches(self):
        one = json.loads(self.encode("json"))
        self.write("two.json", json.dumps([one, {**one, "id": "2"}]))
        self.write("two.binpb", self.says(0, "encode", "two.json", "--to=protobuf-batch").bytes)
        said = self.says(0, "decode", "two.binpb")
        self.assertIn("event 2 of 2", said.text)
        self.assertEqual(json.loads(self.says(0, "decode", "two.binpb", "--to=json-batch").bytes),
                         [one, {**one, "id": "2"}])
        self.assertIn("2 events", self.says(1, "decode", "two.binpb", "--to=http").errors)
        self.write("none.json", "[]")
        self.assertEqual(self.says(0, "decode", "none.json", "--to=json-batch").bytes.strip(), b"[]")

    def test_what_http_peers_do_wrong_is_counted(self):
        self.write("request", HTTP)
        said = self.says(0, "decode", "request")
        self.assertRegex(said.text, r"note +string +a b 100%\n")
        self.assertRegex(said.text, r"tolerated +raw_bytes +1\n")
        self.assertRegex(said.text, r"tolerated +lone_percents +1\n")
        seen = self.says(0, "decode", "request", "--json").json()
        self.assertEqual((seen["form"], seen["mode"]), ("http", "binary"))
        self.assertEqual(seen["tolerated"], {"raw_bytes": 1, "lone_percents": 1, "quoted": 0, "passed_over": 2})
        self.assertEqual(self.says(0, "decode", "request", "--to=data").bytes, b'{"total": 5}')

    def test_a_null_value_of_kafka(self):
        self.write("tombstone", "ce_specversion: 1.0\nce_id: 1\nce_source: /s\nce_type: t\n")
        self.assertRegex(self.says(0, "decode", "tombstone").text, r"data +none")
        self.assertNotIn(b"\r\n\r\n", self.says(0, "encode", "tombstone", "--to=kafka").bytes)
        self.write("empty", "ce_specversion: 1.0\nce_id: 1\nce_source: /s\nce_type: t\n\n")
        self.assertRegex(self.says(0, "decode", "empty").text, r"data +binary +0 bytes")

    def test_the_other_separator_of_amqp(self):
        self.write("message", "cloudEvents:specversion: 1.0\ncloudEvents:id: 1\ncloudEvents:source: /s\ncloudEvents:type: t\n\n")
        self.assertEqual(self.to_json("message")["id"], "1")

    def test_standard_input_and_output_file(self):
        self.encode("protobuf")
        event = (self.work / "event.protobuf").read_bytes()
        self.says(0, "decode", "-", "--to=json", "--output=out.json", input=event)
        self.assertEqual(self.to_json("out.json")["id"], "1")
        self.assertEqual(self.says(0, "encode", "--source=/s", "--type=t", "--data=-", "--to=protobuf", input=b"x").code, 0)


class Shown(Envelope):
    def test_kinds_contract_limits_and_data(self):
        self.encode("protobuf")
        said = self.says(0, "decode", "event.protobuf")
        for row in (r"form +protobuf", r"contract +com\.acme\.order\.placed 1\.2", r"source +uri-reference +/orders",
                    r"time +timestamp +2026-01-02T03:04:05Z", r"attempt +integer +2", r"of 1048576 bytes",
                    r"5 of 64 attributes", r"data +binary +12 bytes, JSON\n  \{\"total\": 5\}"):
            self.assertRegex(said.text, row)

    def test_data_stay_unseen_where_that_is_asked(self):
        self.encode("protobuf")
        for words in ([], ["--json"]):
            said = self.says(0, "decode", "event.protobuf", "--no-data", *words)
            self.assertNotIn("total", said.text)
            self.assertNotIn(base64.b64encode(b'{"total": 5}').decode(), said.text)
            self.assertIn("12", said.text)

    def test_binary_data_as_hex(self):
        self.write("data.json", bytes(range(200)))
        self.encode("protobuf", *EVENT[:-2], EVENT[-1])
        said = self.says(0, "decode", "event.protobuf")
        self.assertIn("00000010  10 11 12", said.text)
        self.assertEqual(self.says(0, "decode", "event.protobuf", "--json").json()["events"][0]["data"],
                         {"kind": "binary", "bytes": 200, "type": "",
                          "base64": base64.b64encode(bytes(range(200))).decode()})

    def test_long_data_are_cut(self):
        self.write("data.json", "x" * 5000)
        self.encode("protobuf", *EVENT[:-2], EVENT[-1])
        self.assertIn("904 bytes more", self.says(0, "decode", "event.protobuf").text)
        self.assertEqual(len(self.says(0, "decode", "event.protobuf", "--to=data").bytes), 5000)

    def test_text_is_shown_as_it_is_and_a_lone_carriage_return_is_no_text(self):
        self.write("data.json", b'{"a":\r\n"x\\"y"}')
        self.encode("protobuf")
        self.assertIn('  {"a":\n  "x\\"y"}\n', self.says(0, "decode", "event.protobuf").text)
        self.write("data.json", b"hidden\rshown")
        self.encode("protobuf", *EVENT[:-2], EVENT[-1])
        self.assertIn("68 69 64 64 65 6e 0d", self.says(0, "decode", "event.protobuf").text)
        self.write("data.json", "x" * 4095 + "\u20ac" * 2)
        self.encode("protobuf", *EVENT[:-2], EVENT[-1])
        self.assertIn("x\n  ... and 6 bytes more", self.says(0, "decode", "event.protobuf").text)

    def test_text_and_protobuf_data(self):
        self.encode("protobuf", *EVENT[:-2], "--data=data.json", "--data-kind=text", path="text")
        self.assertRegex(self.says(0, "decode", "text").text, r"data +text +12 bytes")
        self.encode("protobuf", *EVENT[:-2], "--data=data.json", "--data-kind=type.googleapis.com/acme.Order", path="any")
        self.assertIn("type.googleapis.com/acme.Order", self.says(0, "decode", "any").text)

    def test_nothing_reaches_the_terminal_as_an_order(self):
        self.write("data.json", b"\x1b[31mred \xc2\x9b31m")
        self.encode("http", *EVENT[:-2], EVENT[-1], "--attr=note=\u202eturned about")
        for words in ([], ["--json"]):
            said = self.says(0, "decode", "event.http", *words)
            for order in (b"\x1b", b"\xc2\x9b", "\u202e".encode()):
                self.assertNotIn(order, said.bytes)

    def test_bytes_go_to_files_and_not_to_terminals(self):
        self.encode("protobuf")
        for form, code in (("protobuf", 1), ("json", 0)):
            ours, theirs = pty.openpty()
            with open(ours, "rb", buffering=0) as screen, open(theirs, "wb", buffering=0) as terminal:
                done = subprocess.run([holdfast_command.BINARY, "envelope", "decode", "event.protobuf", f"--to={form}"],
                                      cwd=self.work, stdin=subprocess.DEVNULL, stdout=terminal,
                                      stderr=subprocess.PIPE, timeout=holdfast_command.PATIENCE)
                terminal.write(b".")
                seen = os.read(screen.fileno(), 65536)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual(b"specversion" in seen, code == 0)
            self.assertNotIn(b"\x0a\x01", seen)


class Refused(Envelope):
    def test_what_is_no_event(self):
        self.encode("protobuf")
        event = (self.work / "event.protobuf").read_bytes()
        rows = [("cut", event[:100], "byte 100"), ("garbage", b"\xff\xfe\xfd", "byte"), ("empty", b"", "protobuf"),
                ("json", b'{"specversion":"1.0","id":1}', "id"), ("twice", b'{"id":"1","id":"2"}', "byte"),
                ("bad.json", b'{"specversion":"1.0",', "byte"),
                ("http", HTTP.replace("ce-id: 1\r\n", "").encode(), "id"),
                ("both", HTTP.replace("ce-note", "ce-id").encode(), "id"),
                ("folded", HTTP.replace("ce-note:", " ").encode(), "line 8"),
                ("nothing", HTTP.replace("ce-note:", "nothing").encode(), "line 8"),
                ("short", HTTP.replace("Length: 12", "Length: 99").encode(), "content-length"),
                ("utf8", HTTP.replace("a b 100%", "%C0%A0").encode(), "note")]
        for name, content, word in rows:
            with self.subTest(name):
                self.write(name, content)
                said = self.says(3, "decode", name)
                self.assertIn(name, said.errors)
                self.assertIn(word, said.errors)
                self.assertNotIn("total", said.errors, "a payload is in no error")
        self.assertIn("No such file", self.says(3, "decode", "gone").errors)
        self.assertIn("folder", self.says(3, "decode", ".").errors)

    def test_every_cut_of_every_form(self):
        for form in ("protobuf", "json", "http", "kafka"):
            whole = self.encode(form)
            for size in range(0, len(whole), 7):
                said = self.run_words("decode", "-", f"--from={form}", input=whole[:size])
                self.assertIn(said.code, (0, 3), said)

    def test_limits(self):
        self.write("data.json", "x" * (1 << 20))
        self.encode("protobuf", "--source=/s", "--type=t", "--data=data.json", code=2)
        self.encode("protobuf", "--source=/s", "--type=t", "--data=data.json", "--max-size=2000000", path="large")
        self.says(3, "decode", "large")
        self.says(0, "decode", "large", "--max-size=2000000", "--no-data")

    def test_mistakes_of_the_command_line(self):
        rows = [["decode"], ["decode", "x", "--from=xml"], ["decode", "x", "--to=json", "--json"],
                ["decode", "x", "--to=json", "--no-data"], ["encode", "--source=/s"], ["encode", "--type=t"],
                ["encode", "--source=/s", "--type=t", "--attr=Upper=1"], ["encode", "--source=/s", "--type=t", "--attr=x"],
                ["encode", "--source=/s", "--type=t", "--attr=attempt=many"],
                ["encode", "--source=/s", "--type=t", "--attr=time=today"],
                ["encode", "--source=/s", "--type=t", "--attr=id=2"],
                ["encode", "--source=/s", "--type=t", "--data=data.json", "--data-kind=what"],
                ["encode", "-", "--data=-"], ["encode", "--source=/s", "--type=t", "--to=text"]]
        for words in rows:
            with self.subTest(words):
                self.says(2, *words)
        self.says(3, "encode", "--source=/s", "--type=t", "--data=gone")


if __name__ == "__main__":
    holdfast_command.require_binary("envelope")
    unittest.main()
