# SPDX-License-Identifier: Apache-2.0
"""The CloudEvents SDK (npm) and holdfast, over HTTP, each way: binary, structured, and batch where the SDK has it.

A node process sends events with the SDK's own emitter to a server here, which has `events` read them; and receives what
`events` wrote. Where the SDK leaves the specification, the test says so, and what becomes of it."""

import base64
import http.client
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest

import npm_peer

HERE = pathlib.Path(__file__).resolve().parent / "cloudevents_sdk"
BUILT = pathlib.Path(os.environ.get("HF_BINARY_DIR", "build/dev"), "tests/interop")
EVENTS, FOLDER = BUILT / "events", BUILT / "cloudevents_sdk"
PATIENCE = 20  # seconds; every wait here ends in milliseconds unless something is wrong
REQUIRED = {"specversion": "1.0", "id": "1234-1234-1234", "source": "/mycontext/subcontext",
            "type": "com.example.someevent"}
TIME = "2018-04-05T03:56:24.000Z"  # the SDK makes one where there is none, and always writes milliseconds


def events(*arguments, given):
    return subprocess.run([EVENTS, *arguments], input=given, stdout=subprocess.PIPE, check=True,
                          timeout=PATIENCE).stdout


def message(headers, body):
    fields = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in headers)
    return fields + b"\r\n" + body


class Ours:
    """A server that answers with what `events` reads, and keeps the messages as they came."""

    def __init__(self):
        self.messages = messages = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                length = self.headers["Content-Length"]
                body = self.rfile.read(int(length)) if length else self.chunks()
                messages.append((dict(self.headers.items()), body))
                answer = events("read", given=message(self.headers.items(), body))
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def chunks(self):
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Peer(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.peer = subprocess.Popen(["node", "peer.mjs"], cwd=FOLDER, text=True, stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE)
        cls.addClassCleanup(cls.peer.communicate, timeout=PATIENCE)  # ends its input, and so it
        cls.port = int(cls.peer.stdout.readline())
        cls.ours = cls.enterClassContext(Ours())

    def post(self, path, headers, body):
        """(status, answer) of the peer; headers are bytes, and go out as they are."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.putrequest("POST", path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        status, text = answer.status, answer.read()
        connection.close()
        return status, json.loads(text)

    def sent(self, mode, **event):
        """What `events` reads of an event that the SDK sent, and the message on the wire."""
        order = {"to": self.ours.url, "mode": mode, "event": {**REQUIRED, "time": TIME, **event}}
        status, read = self.post("/send", [], json.dumps(order).encode())
        self.assertEqual(status, 200, read)
        self.assertNotIn("error", read)
        self.assertEqual(read["mode"], mode)
        self.assertEqual(len(read["events"]), 1)
        return read["events"][0], self.ours.messages.pop(), read.get("report")

    def received(self, mode, *descriptions):
        """What the SDK makes of what `events` writes: its events, or the error."""
        given = json.dumps({"events": descriptions}).encode()
        fields, _, body = events("write", mode, given=given).partition(b"\r\n\r\n")
        headers = [line.split(b": ", 1) for line in fields.split(b"\r\n")]
        self.wire = dict(headers), body
        return self.post("/receive", headers, body)[1]


def attributes(**more):
    known = {"id": ["String", REQUIRED["id"]], "source": ["URI-reference", REQUIRED["source"]],
             "type": ["String", REQUIRED["type"]], "time": ["Timestamp", "2018-04-05T03:56:24Z"]}
    return {**known, **more}


def data(text, kind="binary"):
    bytes_ = text if isinstance(text, bytes) else text.encode()
    return {"kind": kind, "base64": base64.b64encode(bytes_).decode()}


JSON = ["String", "application/json"]


class FromTheSdk(Peer):
    def test_binary(self):
        read, (headers, body), report = self.sent(
            "binary", subject="larger-context", dataschema="https://acme.example/schema", datacontenttype="application/json",
            data={"message": "Hello World!"}, tenant="acme", sampledrate=30, deprecated=True, other="5")
        self.assertEqual(headers["ce-id"], REQUIRED["id"])
        self.assertEqual(body, b'{"message":"Hello World!"}')
        self.assertEqual(read["attributes"], attributes(
            subject=["String", "larger-context"], dataschema=["URI", "https://acme.example/schema"], datacontenttype=JSON,
            tenant=["String", "acme"], sampledrate=["Integer", "30"], deprecated=["Boolean", "true"],
            other=["String", "5"]))
        self.assertEqual(read["data"], data('{"message":"Hello World!"}'))
        self.assertEqual(report, {"raw_bytes": 0, "lone_percents": 0, "quoted": 0})

    def test_structured(self):
        read, (headers, body), _ = self.sent(
            "structured", subject="Euro \u20ac \U0001F600", datacontenttype="application/json", data={"z": 1, "a": [1.5, None]},
            tenant="acme", sampledrate=30, deprecated=True, flag=False, count=-5)
        self.assertEqual(headers["content-type"], "application/cloudevents+json; charset=utf-8")
        self.assertEqual(read["attributes"], attributes(
            subject=["String", "Euro \u20ac \U0001F600"], datacontenttype=JSON, tenant=["String", "acme"],
            sampledrate=["Integer", "30"], deprecated=["Boolean", "true"], flag=["Boolean", "false"],
            count=["Integer", "-5"]))
        self.assertEqual(read["data"], data('{"z":1,"a":[1.5,null]}'))
        self.assertIn(b'"data":{"z":1,"a":[1.5,null]}', body)

    def test_structured_without_a_media_type(self):
        # Which means application/json; a string stays one, in its quotation marks.
        for value, text in (({"a": 1}, '{"a":1}'), ("I'm just a string", '"I\'m just a string"'), (5, "5")):
            read, _, _ = self.sent("structured", data=value)
            self.assertEqual((read["attributes"]["datacontenttype"], read["data"]), (JSON, data(text)))

    def test_text(self):
        for mode, kind in (("binary", "binary"), ("structured", "text")):
            read, _, _ = self.sent(mode, datacontenttype="text/plain; charset=utf-8", data="Hello, \U0001F30E!")
            self.assertEqual(read["attributes"]["datacontenttype"], ["String", "text/plain; charset=utf-8"])
            self.assertEqual(read["data"], data("Hello, \U0001F30E!", kind))

    def test_bytes(self):
        for mode in ("binary", "structured"):
            read, _, _ = self.sent(mode, datacontenttype="application/octet-stream",
                                   data_base64=base64.b64encode(bytes(range(256))).decode())
            self.assertEqual(read["data"], data(bytes(range(256))))

    def test_no_data(self):
        read, _, _ = self.sent("structured")
        self.assertEqual((read["attributes"], read["data"]), (attributes(), None))


class ToTheSdk(Peer):
    def assertUnderstood(self, read, **members):
        self.assertEqual(read, {**REQUIRED, "time": TIME, **members})

    def test_binary(self):
        read = self.received("binary", {"attributes": attributes(
            subject=["String", "larger-context"], datacontenttype=JSON, dataschema=["URI", "https://acme.example/schema"],
            tenant=["String", "acme"], sampledrate=["Integer", "30"], deprecated=["Boolean", "true"]),
            "data": data('{"message":"Hello World!"}')})
        # Headers have no types: the SDK leaves an extension a string.
        self.assertUnderstood(read[0], subject="larger-context", datacontenttype="application/json", tenant="acme",
                              dataschema="https://acme.example/schema", sampledrate="30", deprecated="true",
                              data={"message": "Hello World!"})

    def test_structured(self):
        read = self.received("structured", {"attributes": attributes(
            subject=["String", "Euro \u20ac \U0001F600 \"\\"], datacontenttype=JSON, sampledrate=["Integer", "-5"],
            deprecated=["Boolean", "true"], raw=["Binary", "AP8="]), "data": data('{"z":1.50,"a":[null]}')})
        self.assertUnderstood(read[0], subject="Euro \u20ac \U0001F600 \"\\", datacontenttype="application/json",
                              sampledrate=-5, deprecated=True, raw="AP8=", data={"z": 1.5, "a": [None]})
        self.assertIn(b'"data":{"z":1.50,"a":[null]}', self.wire[1])

    def test_text(self):
        for mode in ("binary", "structured"):
            read = self.received(mode, {"attributes": attributes(datacontenttype=["String", "text/plain"]),
                                        "data": data("Hello, \U0001F30E!", "text")})
            self.assertUnderstood(read[0], datacontenttype="text/plain", data="Hello, \U0001F30E!")

    def test_bytes(self):
        everything = bytes(range(256))
        read = self.received("structured", {"attributes": attributes(datacontenttype=["String", "image/x"]),
                                            "data": data(everything)})
        self.assertUnderstood(read[0], datacontenttype="image/x", data_base64=base64.b64encode(everything).decode())

    def test_no_data(self):
        self.assertUnderstood(self.received("structured", {"attributes": attributes(), "data": None})[0])

    def test_batch(self):
        one = {"attributes": attributes(datacontenttype=JSON), "data": data("[1]")}
        two = {"attributes": attributes(id=["String", "2"]), "data": None}
        read = self.received("batch", one, two)
        self.assertEqual(len(read), 2)
        # Of a batch the SDK leaves the time as it came.
        self.assertUnderstood(read[0], time="2018-04-05T03:56:24Z", datacontenttype="application/json", data=[1])
        self.assertEqual(read[1]["id"], "2")
        self.assertEqual(self.wire[0][b"Content-Type"], b"application/cloudevents-batch+json")


class Deviations(Peer):
    """Where the SDK (JavaScript, 10.0) and the specification differ. Our wire is as the specification says."""

    def test_it_does_not_percent_encode(self):
        # HTTP binding 3.1.3.2: a space and a percent sign are encoded. Its are read as what they say, and counted.
        read, (headers, _), report = self.sent("binary", subject="a b", other="100%", third="50%25", data={})
        self.assertEqual((headers["ce-subject"], headers["ce-other"]), ("a b", "100%"))
        self.assertEqual(read["attributes"]["subject"], ["String", "a b"])
        self.assertEqual(read["attributes"]["other"], ["String", "100%"])
        self.assertEqual((report["raw_bytes"], report["lone_percents"]), (1, 1))
        # What looks like an escape is taken for one: nobody can tell.
        self.assertEqual(read["attributes"]["third"], ["String", "50%"])

    def test_it_does_not_percent_decode(self):
        text = "Euro \u20ac \U0001F600"
        event = {"attributes": attributes(subject=["String", text]), "data": data("1")}
        read = self.received("binary", event)
        self.assertEqual(self.wire[0][b"ce-subject"], b"Euro%20%E2%82%AC%20%F0%9F%98%80")
        self.assertEqual(read[0]["subject"], "Euro%20%E2%82%AC%20%F0%9F%98%80")
        # Structured mode has no such rule: what has letters beyond ASCII arrives there.
        self.assertEqual(self.received("structured", event)[0]["subject"], text)

    def test_it_cannot_send_letters_beyond_latin_1_in_headers(self):
        order = {"to": self.ours.url, "mode": "binary", "event": {**REQUIRED, "subject": "\u20ac", "data": {}}}
        status, answer = self.post("/send", [], json.dumps(order).encode())
        self.assertEqual(status, 400)
        self.assertIn("Invalid character in header content", answer["error"])

    def test_it_sends_latin_1(self):
        # Not UTF-8, as the bytes of a value must be: refused, and the attribute is named.
        order = {"to": self.ours.url, "mode": "binary", "event": {**REQUIRED, "subject": "caf\u00e9", "data": {}}}
        _, read = self.post("/send", [], json.dumps(order).encode())
        self.assertEqual(self.ours.messages.pop()[0]["ce-subject"], "caf\u00e9")
        self.assertIn("subject", read["error"])

    def test_it_cannot_send_an_event_without_data(self):
        # In binary mode that is an empty body; its transport wants one.
        order = {"to": self.ours.url, "mode": "binary", "event": REQUIRED}
        status, answer = self.post("/send", [], json.dumps(order).encode())
        self.assertEqual(status, 400)
        self.assertIn("must be of type string", answer["error"])

    def test_it_declares_json_where_nothing_is_declared(self):
        # Its binary mode has a Content-Type always, and leaves a string as it is.
        read, (headers, body), _ = self.sent("binary", data="Hello")
        self.assertEqual((headers["content-type"], body), ("application/json; charset=utf-8", b"Hello"))
        self.assertEqual(read["attributes"]["datacontenttype"], ["String", "application/json; charset=utf-8"])

    def test_it_takes_numbers_for_strings(self):
        # JSON that begins with neither a bracket nor a quotation mark is put into quotation marks first.
        for text, value in (("5", "5"), ("true", "true"), ("null", "null")):
            read = self.received("binary", {"attributes": attributes(datacontenttype=JSON), "data": data(text)})
            self.assertEqual(read[0]["data"], value)

    def test_it_reads_numbers_as_doubles(self):
        read = self.received("structured", {"attributes": attributes(datacontenttype=JSON),
                                            "data": data("[12345678901234567890]")})
        self.assertEqual(read[0]["data"], [12345678901234567000])
        self.assertIn(b"[12345678901234567890]", self.wire[1])

    def test_it_drops_null(self):
        # `data: null` is a payload; the SDK takes it for none.
        read = self.received("structured", {"attributes": attributes(datacontenttype=JSON), "data": data("null")})
        self.assertIn(b'"data":null', self.wire[1])
        self.assertNotIn("data", read[0])

    def test_it_knows_json_by_its_exact_media_type(self):
        # The specification: any subtype json or +json, whatever the parameters.
        for media_type in ("application/vnd.acme+json", "application/json; charset=UTF-8"):
            read = self.received("binary", {"attributes": attributes(datacontenttype=["String", media_type]),
                                            "data": data('{"a":1}')})
            self.assertEqual(read[0]["data"], '{"a":1}')


if __name__ == "__main__":
    if not EVENTS.exists():
        print(f"skipped: {EVENTS} is not built (HOLDFAST_JSON=OFF?)")
        sys.exit(77)
    npm_peer.install(HERE, FOLDER, "peer.mjs")
    unittest.main()
