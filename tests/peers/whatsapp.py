"""The WhatsApp channel against pywa, a client that others wrote: the same deliveries are taken and refused, they are
read alike, and what the program sends is what pywa sends for the same content.

    python tests/peers/whatsapp.py

Starts the program and a stand-in of the Graph API. Ends with status 0 where all of it holds.
"""

import hashlib
import hmac
import json
import logging
import os
import queue
import re
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from pywa import WhatsApp, types
from pywa.types.templates import BodyText, TemplateLanguage

ROOT = Path(__file__).parents[2]
PHONE, TOKEN, SECRET, VERIFY = "106540352242922", "EAAG-a-token", "an-app-secret-0123456789abcdef01", "a-verify-token-0123456789abcdef0"
CUSTOMER = "4915112345678"
LIMIT_S = 30
DAY_S = 24 * 3600


class Graph(ThreadingHTTPServer):
    """Takes messages and keeps them apart by who sent them."""

    def __init__(self):
        self.ours, self.theirs = queue.Queue(), queue.Queue()
        super().__init__(("127.0.0.1", 0), GraphHandler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class GraphHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "type" in body:
            agent = self.headers["user-agent"]
            sent = {"path": self.path, "authorization": self.headers["authorization"], "body": body}
            (self.server.theirs if agent.startswith("PyWa") else self.server.ours).put(sent)
        to = body.get("to", "")
        self.answer({"messaging_product": "whatsapp", "contacts": [{"input": to, "wa_id": to}],
                     "messages": [{"id": "wamid.ours"}]})

    def do_GET(self):
        if self.path.startswith("/v24.0/"):
            name = self.path.split("/")[2].split("?")[0]
            self.answer({"messaging_product": "whatsapp", "url": f"{self.server.url}/kept/{name}",
                         "mime_type": "image/jpeg", "sha256": "0", "file_size": 9, "id": name})
        else:
            granted = self.headers["authorization"] == f"Bearer {TOKEN}"
            self.answer(b"a picture" if granted else b"", 200 if granted else 401)

    def answer(self, body, status=200):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json" if not isinstance(body, bytes) else "image/jpeg")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass


class Program:
    """`bellhop serve` with an account of WhatsApp."""

    def __init__(self, folder, graph):
        settings = Path(folder, "bellhop.toml")
        settings.write_text(f"""
[channels.shop]
kind = "whatsapp"
phone_number_id = "{PHONE}"
token = "{TOKEN}"
app_secrets = ["{SECRET}"]
verify_token = "{VERIFY}"
template = "reopen"
template_language = "en_GB"
base_url = "{graph.url}/v24.0"
""")
        binary = os.environ.get("BELLHOP", str(ROOT / "target/release/bellhop"))
        self.child = subprocess.Popen(
            [binary, "serve", "--config", str(settings), "--listen", "127.0.0.1:0",
             "--store", f"sqlite:{folder}/bellhop.db"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.url = self.code = None
        said = []
        while not (self.url and self.code):
            line = self.child.stdout.readline()
            assert line, "the program did not come up:\n" + "".join(said)
            said.append(line)
            self.url = self.url or find(r"http://127\.0\.0\.1:\d+", line)
            self.code = self.code or find(r"#code=([\w-]+)", line)
        threading.Thread(target=self.child.stdout.read, daemon=True).start()
        self.staff = self.call("POST", "/v1/desk/sign-in", {"code": self.code})["token"]

    def call(self, method, path, body=None):
        status, _, raw = self.ask(method, path, json.dumps(body).encode() if body is not None else None,
                                  {"content-type": "application/json",
                                   "authorization": f"Bearer {getattr(self, 'staff', '')}"})
        assert status < 300, (status, raw)
        return json.loads(raw) if raw else None

    def ask(self, method, path, body=None, headers=()):
        request = urllib.request.Request(self.url + path, body, dict(headers), method=method)
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def deliver(self, body, signature):
        headers = {"content-type": "application/json"}
        if signature:
            headers["x-hub-signature-256"] = signature
        return self.ask("POST", "/webhooks/messages/shop", body, headers)[0]


def find(pattern, text):
    found = re.search(pattern, text)
    return found and found.group(found.lastindex or 0)


def signed(body):
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def delivery(value):
    value = {"messaging_product": "whatsapp",
             "metadata": {"display_phone_number": "15550783881", "phone_number_id": PHONE}} | value
    change = {"field": "messages", "value": value}
    return json.dumps({"object": "whatsapp_business_account",
                       "entry": [{"id": "102290129340398", "changes": [change]}]}, ensure_ascii=False).encode()


def message(number, at=None, customer=CUSTOMER, **content):
    whole = {"from": customer, "from_user_id": f"DE.{customer}", "id": f"wamid.{customer}.{number}", "timestamp": str(at or int(time.time()))} | content
    return delivery({"contacts": [contact(customer)], "messages": [whole]})


def contact(customer):
    return {"profile": {"name": "Ana"}, "wa_id": customer, "user_id": f"DE.{customer}"}


def client(graph):
    """pywa, as its own users have it, but for where its requests go."""

    class Redirected(httpx.HTTPTransport):
        def handle_request(self, request):
            if request.url.host == "graph.facebook.com":
                here = httpx.URL(graph.url)
                request.url = request.url.copy_with(scheme=here.scheme, host=here.host, port=here.port)
            return super().handle_request(request)

    return WhatsApp(phone_id=PHONE, token=TOKEN, session=httpx.Client(transport=Redirected()), server=None,
                    verify_token=VERIFY, app_secret=SECRET, api_version=24.0, skip_duplicate_updates=False)


def check_signatures(program, pywa):
    body = message(0, customer="4915100000000", type="text", text={"body": "Grüße, ¿qué tal? 👋"})
    good = signed(body)
    for name, raw, signature in [
        ("good", body, good), ("altered", body + b" ", good), ("none", body, None),
        ("other", body, "sha256=" + "0" * 64),
    ]:
        theirs = pywa.webhook_update_validator(raw, signature) is None
        ours = program.deliver(raw, signature) == 200
        assert ours == theirs == (name == "good"), (name, ours, theirs)
    for token in [VERIFY, "wrong"]:
        theirs, status = pywa.webhook_challenge_handler(token, "1158201444")
        query = f"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}"
        got, _, raw = program.ask("GET", f"/webhooks/messages/shop?{query}")
        assert got == status, (token, got, status)
        assert got != 200 or raw.decode() == theirs, raw


def sends_alike(graph, pywa, sent):
    """Has pywa say what the program said, and compares the requests; gives the kind of the message."""
    body = sent["body"]
    common = {"to": body["to"], "tracker": body["biz_opaque_callback_data"]}
    kind = body["type"]
    if kind == "text":
        pywa.send_message(text=body["text"]["body"], preview_url=body["text"]["preview_url"], **common)
    elif kind == "template":
        values = [part["text"] for part in body["template"]["components"][0]["parameters"]]
        pywa.send_template(name=body["template"]["name"], language=TemplateLanguage(
            body["template"]["language"]["code"]), params=[BodyText.params(*values)], **common)
    else:
        said, kind = body["interactive"], body["interactive"]["type"]
        action = said["action"]
        if kind == "button":
            buttons = [types.Button(title=one["reply"]["title"], callback_data=one["reply"]["id"])
                       for one in action["buttons"]]
        else:
            buttons = types.SectionList(button_title=action["button"], sections=[
                types.Section(title=section["title"], rows=[
                    types.SectionRow(title=row["title"], callback_data=row["id"],
                                     description=row.get("description")) for row in section["rows"]])
                for section in action["sections"]])
        pywa.send_message(text=said["body"]["text"], buttons=buttons, **common)
    theirs = graph.theirs.get(timeout=LIMIT_S)
    # pywa writes these names in capitals, as they are in a template's definition; Meta's examples of sending don't.
    for part in theirs["body"].get("template", {}).get("components", []):
        part["type"] = part["type"].lower()
    assert theirs == sent, f"pywa sends\n{json.dumps(theirs, indent=1)}\nthe program sends\n{json.dumps(sent, indent=1)}"
    return kind


class Talk:
    """What one customer hears; all of it is compared with what pywa sends."""

    def __init__(self, graph, program, pywa, customer):
        self.graph, self.program, self.pywa, self.customer = graph, program, pywa, customer
        self.number, self.kinds = 0, set()

    def deliver(self, at=None, **content):
        self.number += 1
        body = message(self.number, at, self.customer, **content)
        assert self.program.deliver(body, signed(body)) == 200
        return body

    def say(self, text, at=None):
        return self.deliver(at, type="text", text={"body": text})

    def hear(self, pattern):
        heard = []
        while True:
            try:
                sent = self.graph.ours.get(timeout=LIMIT_S)
            except queue.Empty:
                raise AssertionError(f"{self.customer} did not hear {pattern}, but {heard}") from None
            heard.append(sent["body"])
            kind = sends_alike(self.graph, self.pywa, sent)
            if sent["body"]["to"] != self.customer:
                continue
            self.kinds.add(kind)
            if re.search(pattern, json.dumps(sent["body"], ensure_ascii=False)):
                return sent["body"]


def read_by(pywa):
    """What pywa makes of deliveries, in the words of our transcript."""
    read = []

    @pywa.on_message
    def _(_, said):
        if said.type == types.MessageType.LOCATION:
            place = said.location
            read.append((said.from_user.wa_id, place.name, f"{place.latitude},{place.longitude}"))
        elif said.media:
            name = getattr(said.media, "filename", None) or said.type.value
            read.append((said.from_user.wa_id, said.caption or name, said.media.id))
        else:
            read.append((said.from_user.wa_id, said.text, None))

    @pywa.on_callback_button
    def _(_, pressed):
        read.append((pressed.from_user.wa_id, pressed.title, pressed.data))

    @pywa.on_callback_selection
    def _(_, chosen):
        read.append((chosen.from_user.wa_id, chosen.title, chosen.data))

    @pywa.on_message_status
    def _(_, status):
        read.append((status.from_user.wa_id, status.status.value, status.tracker))

    return read


def check_reading(program, pywa, read, talk, handoff):
    """The same deliveries are read alike."""
    contents = [
        {"type": "text", "text": {"body": "Grüße, ¿qué tal? 👋\nzweite Zeile"}},
        {"type": "image", "image": {"id": "1037", "mime_type": "image/jpeg", "sha256": "x", "caption": "look"}},
        {"type": "document", "document": {"id": "1038", "mime_type": "application/pdf", "sha256": "x",
                                          "filename": "Rechnung.pdf"}},
        {"type": "audio", "audio": {"id": "1039", "mime_type": "audio/ogg; codecs=opus", "sha256": "x"}},
        {"type": "location", "location": {"latitude": 52.52, "longitude": 13.405, "name": "Alexanderplatz"}},
        {"type": "interactive", "interactive": {"type": "button_reply",
                                                "button_reply": {"id": "one", "title": "The first"}}},
    ]
    for content in contents:
        body = talk.deliver(**content)
        assert pywa.webhook_update_handler(body)[1] == 200
    items = program.call("GET", f"/v1/desk/handoffs/{handoff}")["envelope"]["transcript"]["items"]
    ours = [item for item in items if item["from"] == "customer"][-len(contents):]
    assert len(read) == len(contents), read
    for (customer, text, more), item in zip(read, ours):
        assert customer == CUSTOMER
        # A button that we never offered shows what it carries.
        assert item["text"] in (text, more), (text, more, item)
    for (_, _, media), item in list(zip(read, ours))[1:4]:
        theirs = pywa.get_media_bytes(url=pywa.get_media_url(media).url)
        status, headers, raw = program.ask("GET", item["meta"]["file_address"], None,
                                           {"authorization": f"Bearer {program.staff}"})
        assert (status, raw) == (200, theirs) and raw, (status, raw, theirs)


def check_status(program, pywa, read, handoff, sent):
    """pywa's tracker is our key: a status that it reads is one that the desk shows."""
    status = {"id": "wamid.ours", "status": "read", "timestamp": str(int(time.time())), "recipient_id": CUSTOMER,
              "biz_opaque_callback_data": sent["biz_opaque_callback_data"]}
    body = delivery({"contacts": [contact(CUSTOMER)], "statuses": [status]})
    assert pywa.webhook_update_handler(body)[1] == 200
    assert read[-1] == (CUSTOMER, "read", sent["biz_opaque_callback_data"]), read
    assert program.deliver(body, signed(body)) == 200
    items = program.call("GET", f"/v1/desk/handoffs/{handoff}")["envelope"]["transcript"]["items"]
    # Who says it stands before it.
    shown = [item["meta"]["delivery"] for item in items if item["from"] == "agent"
             and sent["text"]["body"].endswith(item["text"])]
    assert shown == ["read"], shown


def main():
    # What pywa refuses here is meant to be refused.
    logging.getLogger("pywa").setLevel(logging.ERROR)
    graph = Graph()
    pywa = client(graph)
    read = read_by(pywa)
    with tempfile.TemporaryDirectory() as folder:
        program = Program(folder, graph)
        try:
            check_signatures(program, pywa)
            print("signatures and the check of the address: alike")
            talk = Talk(graph, program, pywa, CUSTOMER)
            talk.say("I lost my card")
            for pattern, answer in [("customer number", "30552208"), ("PIN", "2580"), ("last 4 digits", "4812")]:
                talk.hear(pattern)
                talk.say(answer)
            if "Block the" not in str(talk.hear("Block the|stolen")):
                talk.say("lost")
                talk.hear("Block the")
            talk.say("I want to talk to a person")
            handoff = waiting(program)
            desk = f"/v1/desk/handoffs/{handoff}"
            program.call("POST", f"{desk}/accept", {})
            check_reading(program, pywa, read, talk, handoff)
            print("messages, presses, files and places: read alike")
            program.call("POST", f"{desk}/reply", {"client_msg_id": "a1", "text": "Hello Ana, https://bank.example/x"})
            check_status(program, pywa, read, handoff, talk.hear("Hello Ana"))
            print("statuses: read alike")
            program.call("POST", f"{desk}/wrap-up", {"note": "done", "resolved": True})
            talk.hear("How did|1 to 5")
            late = Talk(graph, program, pywa, "4915187654321")
            # The first is answered freely in any case: the program does not know yet how old it is.
            long_ago = int(time.time()) - 2 * DAY_S
            late.say("how much is the overdraft fee?", at=long_ago)
            late.hear("39.9%")
            late.kinds.clear()
            late.say("what are your opening hours on Saturday?", at=long_ago)
            late.hear("template")
            assert late.kinds == {"template"}, late.kinds
            kinds = talk.kinds | late.kinds
            assert kinds == {"text", "button", "list", "template"}, kinds
            print(f"sent as pywa sends it: {', '.join(sorted(kinds))}")
        finally:
            program.child.kill()


def waiting(program):
    limit = time.monotonic() + LIMIT_S
    while time.monotonic() < limit:
        rows = program.call("GET", "/v1/desk/queue")["waiting"]
        if rows:
            return rows[0]["handoff_id"]
    raise AssertionError("nobody is waiting")


if __name__ == "__main__":
    main()
