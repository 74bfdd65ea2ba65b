"""The API against schemathesis, which asks every operation of the OpenAPI document what its schemas allow and what they don't: no
error of the program's own, no answer that the document does not know, nothing taken that it forbids.

    python tests/peers/api.py [EXAMPLES]

Starts the program with stubs, a conversation and a handoff that somebody has. Ends with status 0 where nothing is found. The seed is
fixed, so that what is found once is found again.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
SEED = 14
EXAMPLES = 40
# They never end, begin with another protocol, or end the session that everything else is asked with.
LEFT_OUT = ["/v1/desk/events", "/v1/desk/sign-out", "/v1/conversations/{id}/events", "/v1/conversations/{id}/socket"]
# What a schema allows may still be refused: which channels, flows and queues there are is the bot's matter.
NOT_JUDGED = "positive_data_acceptance"
LIMIT_S = 30


class Program:
    """`bellhop serve` with a store of its own."""

    def __init__(self, folder):
        binary = os.environ.get("BELLHOP", str(ROOT / "target/release/bellhop"))
        self.child = subprocess.Popen(
            [binary, "serve", "--stubs", "--listen", "127.0.0.1:0", "--store", f"sqlite:{folder}/bellhop.db"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.url = code = None
        said = []
        while not (self.url and code):
            line = self.child.stdout.readline()
            assert line, "the program did not come up:\n" + "".join(said)
            said.append(line)
            self.url = self.url or find(r"http://127\.0\.0\.1:\d+", line)
            code = code or find(r"#code=([\w-]+)", line)
        threading.Thread(target=self.child.stdout.read, daemon=True).start()
        self.staff = self.post("/v1/desk/sign-in", {"code": code})["token"]

    def post(self, path, body, token=""):
        headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return json.loads(answer.read() or "null")

    def handed_over(self):
        """A conversation with its token, and the handoff of it that we have taken."""
        opened = self.post("/v1/conversations", {})
        conversation, token = opened["conversation_id"], opened["token"]
        told = self.post(f"/v1/conversations/{conversation}/messages?wait=reply",
                         {"client_msg_id": "1", "payload": "/human"}, token)["replies"]
        handoff = next(event["handoff_id"] for event in told if event["type"] == "handoff")
        self.post(f"/v1/desk/handoffs/{handoff}/accept", {}, self.staff)
        return conversation, token, handoff


def find(pattern, text):
    found = re.search(pattern, text)
    return found and found.group(found.lastindex or 0)


def settings(program):
    conversation, token, handoff = program.handed_over()
    return f"""
headers = {{ Authorization = "Bearer {program.staff}" }}

[[operations]]
include-path-regex = "^/v1/conversations/"
parameters = {{ "path.id" = "{conversation}" }}

[[operations]]
include-path = "/v1/conversations/{{id}}/messages"
headers = {{ Authorization = "Bearer {token}" }}
parameters = {{ "path.id" = "{conversation}" }}

[[operations]]
include-path-regex = "^/v1/(desk/)?handoffs/"
parameters = {{ "path.id" = "{handoff}" }}
"""


def main():
    with tempfile.TemporaryDirectory() as folder:
        program = Program(folder)
        try:
            config = Path(folder, "schemathesis.toml")
            config.write_text(settings(program))
            command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config), "run",
                       f"{program.url}/openapi.json", "--seed", str(SEED), "--generation-database", "none",
                       "--max-examples", sys.argv[1] if len(sys.argv) > 1 else str(EXAMPLES),
                       "--phases", "examples,coverage,fuzzing", "--exclude-checks", NOT_JUDGED,
                       "--suppress-health-check", "filter_too_much", "--request-timeout", str(LIMIT_S),
                       "--continue-on-failure"]
            command += [word for path in LEFT_OUT for word in ("--exclude-path", path)]
            judged = subprocess.run(command, cwd=folder)
            assert program.child.poll() is None, "the program did not live through it"
            return judged.returncode
        finally:
            program.child.kill()
            program.child.wait()


if __name__ == "__main__":
    sys.exit(main())
