#!/usr/bin/env python3
"""Gives each reply of a table to the question it answers and writes what the bot says to it, for people to judge.

    tests/replies.py target/release/bellhop tests/data/replies.tsv out.tsv [--demo flows/demo/swift-parcel]

`right` in the table says how the reply ought to be read. Each reply has a conversation and a server of its own, so that
none sees a card blocked by another. The bot is Harbor Bank with its back office, or the one in the folder after `--demo`
with stubs; replies to questions for which replies_leads.yaml has no way to bring that bot there are left out.
"""
import argparse
import csv
import os
import re

import yaml

from conversations import begin, served

LEADS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "replies_leads.yaml")
# More messages than any lead takes.
MESSAGES = 12


def line(said):
    return " ".join(" / ".join(said).split())


def answer(said, answers, language):
    """What a customer answers to the bot's last words, if the leads have an answer."""
    for pattern, text in answers.items():
        if re.search(pattern, said[-1]):
            return text[language] if isinstance(text, dict) else text
    return None


def lead_on(say, said, answers, language, pattern):
    """Answers the bot's questions until it says the pattern, or asks what the leads don't know."""
    for _ in range(MESSAGES):
        text = answer(said, answers, language)
        if text is None or any(re.search(pattern, words) for words in said):
            break
        said = say(text)
    return said


def hold(base, lead, answers, row):
    say = begin(base, row["language"])
    answers = answers | lead.get("answers", {})
    asked = lead_on(say, say(lead["open"][row["language"]]), answers, row["language"], lead["asked"])
    said = say(row["reply"])
    later = said
    if "until" in lead and not re.search(lead["asked"], said[-1]):
        later = lead_on(say, said, answers, row["language"], lead["until"])
    return {**row, "asked": line(asked), "said": line(said), "later": "" if later == said else line(later)}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program")
    arguments.add_argument("replies")
    arguments.add_argument("out")
    arguments.add_argument("--demo", metavar="DIR")
    given = arguments.parse_args()
    bot = [os.path.abspath(given.demo), "--stubs"] if given.demo else []
    with open(LEADS) as file:
        leads = yaml.safe_load(file)[os.path.basename(bot[0]) if bot else "harbor-bank"]
    with open(given.replies) as file, open(given.out, "w") as out:
        columns = ["question", "language", "reply", "right", "asked", "said", "later"]
        table = csv.DictWriter(out, columns, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
        table.writeheader()
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            lead = leads["questions"].get(row["question"])
            if lead:
                with served(given.program, *bot) as base:
                    table.writerow(hold(base, lead, leads["answers"], row))


if __name__ == "__main__":
    main()
