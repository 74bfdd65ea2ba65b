#!/usr/bin/env python3
"""Holds the conversations of a file with a fresh server and writes the transcripts, for people to judge turn by turn.

    tests/conversations.py target/release/bellhop tests/data/conversations_harbor_bank.yaml transcripts.txt

The server is the demo with its own back office. A turn is right (what a good clerk would have said), acceptable (no harm,
nothing ignored) or bad; the notes after `want:` are hints. Needs PyYAML.
"""
import contextlib
import itertools
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


def begin(base, language):
    """Begins a conversation; returns what says a message in it and answers with the bot's words."""
    opened = call(base, "POST", "/v1/conversations",
                  {"channel": "web", "language": language if language in ("en", "es") else "en"})
    path = f"/v1/conversations/{opened['conversation_id']}/messages?wait=reply"
    headers = {"authorization": "Bearer " + opened["token"]}
    count = itertools.count()

    def say(text):
        answer = call(base, "POST", path, {"client_msg_id": f"m{next(count)}", "text": text}, headers)
        replies = [words(reply) for reply in answer.get("replies", [])]
        return [reply for reply in replies if reply] or ["(nothing)"]

    return say


def hold(base, conversation, out):
    language = conversation.get("language", "en")
    say = begin(base, language)
    out.write(f"## {conversation['name']} ({conversation.get('kind', '')}, {language})\n")
    for turn in conversation["turns"]:
        out.write(f"C: {turn['say']}\n")
        for reply in say(turn["say"]):
            out.write(f"B: {reply}\n")
        if turn.get("want"):
            out.write(f"   (want: {turn['want']})\n")
    out.write("\n")


@contextlib.contextmanager
def served(program, *arguments):
    """The address of a fresh server, given these further arguments of `serve`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        many = "100000"
        limits = {"BELLHOP_LIMITS__CONVERSATIONS_PER_SECOND": many, "BELLHOP_LIMITS__MESSAGES_PER_SECOND": many}
        server = subprocess.Popen(
            [os.path.abspath(program), "serve", *arguments,
             "--listen", f"127.0.0.1:{port}", "--store", f"sqlite:{folder}/store.db"],
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
            yield base
        finally:
            server.terminate()
            server.wait()


def main():
    program, source, target = sys.argv[1:4]
    with served(program) as base, open(source) as file, open(target, "w") as out:
        for conversation in yaml.safe_load(file)["conversations"]:
            hold(base, conversation, out)


if __name__ == "__main__":
    main()
