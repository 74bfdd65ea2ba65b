#!/usr/bin/env python3
"""Holds the conversations of a file with a fresh server and writes the transcripts, for people to judge turn by turn.

    tests/conversations.py target/release/bellhop tests/data/conversations_harbor_bank.yaml transcripts.txt

The server is the demo with its own back office. A turn is right (what a good clerk would have said), acceptable (no harm,
nothing ignored) or bad; the notes after `want:` are hints. Needs PyYAML.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import yaml


def call(base, method, path, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", **(headers or {})}
    request = urllib.request.Request(base + path, method=method, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


def words(reply):
    text = reply.get("text") or ""
    titles = [button.get("title", "") for button in reply.get("buttons") or []]
    return text + (f"  [{' | '.join(titles)}]" if titles else "")


def hold(base, conversation, out):
    language = conversation.get("language", "en")
    opened = call(base, "POST", "/v1/conversations",
                  {"channel": "web", "language": language if language in ("en", "es") else "en"})
    path = f"/v1/conversations/{opened['conversation_id']}/messages?wait=reply"
    headers = {"authorization": "Bearer " + opened["token"]}
    out.write(f"## {conversation['name']} ({conversation.get('kind', '')}, {language})\n")
    for at, turn in enumerate(conversation["turns"]):
        out.write(f"C: {turn['say']}\n")
        answer = call(base, "POST", path, {"client_msg_id": f"m{at}", "text": turn["say"]}, headers)
        replies = [words(reply) for reply in answer.get("replies", [])]
        for reply in [reply for reply in replies if reply] or ["(nothing)"]:
            out.write(f"B: {reply}\n")
        if turn.get("want"):
            out.write(f"   (want: {turn['want']})\n")
    out.write("\n")


def main():
    program, source, target = sys.argv[1:4]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp()
    many = "100000"
    limits = {"BELLHOP_LIMITS__CONVERSATIONS_PER_SECOND": many, "BELLHOP_LIMITS__MESSAGES_PER_SECOND": many}
    server = subprocess.Popen(
        [os.path.abspath(program), "serve", "--listen", f"127.0.0.1:{port}", "--store", f"sqlite:{folder}/store.db"],
        env={**os.environ, **limits}, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        while True:
            if server.poll() is not None:
                sys.exit("the server did not start; run it by hand to see why")
            try:
                urllib.request.urlopen(base + "/readyz", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        with open(source) as file, open(target, "w") as out:
            for conversation in yaml.safe_load(file)["conversations"]:
                hold(base, conversation, out)
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
