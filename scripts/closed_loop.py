"""The whole loop on a running server: corrections in, other answers out, and back again.

Asks questions and paraphrases of them, corrects the answers to the questions through the API, approves
that, makes a dataset of the corrections and of questions to go on being good at, trains what answers
further, holds the adapter to a fixed test set, promotes it where it is not worse, asks the paraphrases
again, rolls back and asks once more. The server is not restarted.

CORRECTIONS.jsonl has a line for each: {"question", "paraphrase", "answer", "quote"}. The quote is what the
library's papers say; the answer is taught with the number of the note that holds it, so a question whose
notes do not hold it is passed over.

usage: closed_loop.py URL TOKEN CORRECTIONS.jsonl LECTERN DATA_DIR --test DATASET --import FILE...
           [--set KEY=VALUE...] [--limit QUESTIONS]
prints one JSON object.
"""

import argparse
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request


class Api:
    def __init__(self, url, token):
        self.url, self.token = url.rstrip("/"), token

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request) as response:
                return response.read().decode()
        except urllib.error.HTTPError as error:
            sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")

    def json(self, method, path, body=None):
        return json.loads(self.call(method, path, body))

    def ask(self, question):
        stream = self.call("POST", "/api/v1/ask", {"question": question})
        return json.loads(stream.split("event: answer\ndata: ")[1].split("\n\n")[0])

    def until(self, path, is_over):
        while True:
            found = self.json("GET", path)
            if is_over(found):
                return found
            time.sleep(2)


def words(text):
    return "".join(c if c.isalnum() else " " for c in text.lower()).split()


def note_with(answer, quote):
    """The number of the note that holds the quote, or most of its words."""
    wanted = set(words(quote))
    best = (0.0, None)
    for number, note in enumerate(answer["evidence"], 1):
        held = len(wanted & set(words(note["text"]))) / max(1, len(wanted))
        best = max(best, (held, number), key=lambda pair: pair[0])
    return best[1] if best[0] >= 0.7 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["url", "token", "corrections", "lectern", "data_dir"]:
        parser.add_argument(name)
    parser.add_argument("--test", required=True)
    parser.add_argument("--import", dest="files", nargs="*", default=[])
    parser.add_argument("--set", dest="settings", nargs="*", default=[])
    parser.add_argument("--limit", type=int, default=0)
    asked = parser.parse_args()
    api = Api(asked.url, asked.token)
    stamp = time.strftime("%H%M%S")

    with open(asked.corrections, encoding="utf-8") as lines:
        corrections = [json.loads(line) for line in lines if line.strip()]
    loop, taught = [], 0
    for one in corrections:
        before = api.ask(one["question"])
        number = note_with(before, one["quote"])
        entry = {**one, "before": before["answer"], "paraphrase before": api.ask(one["paraphrase"])["answer"]}
        loop.append(entry)
        if number is None:
            entry["taught"] = None
            continue
        correction = f"{one['answer']} [{number}]"
        path = f"/api/v1/answers/{before['id']}/feedback"
        given = api.json("POST", path, {"thumbs": "down", "tags": ["wrong"], "correction": correction})
        api.json("POST", f"/api/v1/feedback/{given['id']}/approve", {})
        entry["taught"] = correction
        taught += 1

    dataset = f"corrections-{stamp}"
    command = [asked.lectern, "--data-dir", asked.data_dir, "finetune", "prepare", "--name", dataset, "--feedback"]
    subprocess.run(command + (["--import", *asked.files] if asked.files else []), check=True, stdout=subprocess.DEVNULL)
    settings = dict(pair.split("=", 1) for pair in asked.settings)
    wanted = {"dataset": dataset, "name": dataset, "settings": {key: json.loads(value) for key, value in settings.items()}}
    run = api.json("POST", "/api/v1/training/runs", wanted)
    run = api.until(f"/api/v1/training/runs/{run['name']}", lambda found: found["state"] != "running")
    if run["state"] != "finished":
        sys.exit(f"the run {run['name']} is {run['state']}")

    body = {"dataset": asked.test, "limit": asked.limit}
    adapter = api.json("POST", f"/api/v1/adapters/{run['name']}/evaluate", body)
    place = f"/api/v1/adapters/{adapter['id']}"
    details = api.until(place, lambda found: found["evaluating"] is None or found["evaluating"]["failed"])
    found = details["evaluation"]
    gate = {key: found[key] for key in ["n", "verdict", "not_worse", "reasons"]}
    gate["f1"], gate["f1 of what answered"] = found["metrics"]["f1"], found["against"]["metrics"]["f1"]
    report = {"taught": taught, "started from": adapter["started_from"], "gate": gate, "corrections": loop}
    if not found["not_worse"]:
        print(json.dumps(report, indent=1))
        return 1
    api.json("POST", f"{place}/promote", {"tolerant": True})
    for entry in loop:
        after = api.ask(entry["paraphrase"])
        entry["paraphrase after"] = after["answer"]
        entry["by the adapter"] = after["model"]["adapter"] == adapter["id"]
    api.json("POST", "/api/v1/adapters/rollback", {"reason": "closed_loop.py"})
    for entry in loop:
        entry["rolled back to the same"] = api.ask(entry["paraphrase"])["answer"] == entry["paraphrase before"]
    changed = [entry for entry in loop if entry["paraphrase after"] != entry["paraphrase before"]]
    report["paraphrases with another answer"] = len(changed)
    report["rolled back"] = all(entry["rolled back to the same"] for entry in loop)
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
