"""Plays the whole loop on a library, as people would go round it, and prints what came of it.

Questions are asked and their answers corrected and approved over HTTP; a dataset is made of the
corrections and of question files; a run goes on from what answers; its adapter is held to a fixed set,
promoted if it is not worse there, asked paraphrases that nobody trained on, and rolled back.

usage: closed_loop.py LECTERN DATA_DIR CORRECTIONS.jsonl FIXED [--mix FILE...] [--set KEY=VALUE...] [--refusals SHARE] [--limit N]
CORRECTIONS.jsonl: {"question", "paraphrase", "correction", "source", "holds"} a line; the correction
cites the source whose quote holds the text `source`, and an answer is right where it holds `holds`, in the
short answer above it where "in" is "short".
FIXED: a dataset of the library, on whose test side nothing is worse afterwards.
prints lines as it goes on, and one JSON object last; the library keeps feedback, dataset, run and adapter.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

ADDRESS = "127.0.0.1:4799"
NAME = "closed-loop"

# Given out by the server, and wanted with whatever changes something.
token = ""


def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "x-csrf-token": token}
    request = urllib.request.Request(f"http://{ADDRESS}{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=600) as response:
            return response.read().decode()
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")


def get(path):
    return json.loads(call("GET", path))


def post(path, body):
    return json.loads(call("POST", path, body))


def ask(question):
    stream = call("POST", "/api/v1/ask", {"question": question})
    return json.loads(stream.split("event: answer\ndata: ")[1].split("\n\n")[0])


def served(lectern, data_dir):
    global token
    log = open("/dev/null", "w")
    command = [lectern, "--data-dir", data_dir, "serve", "--addr", ADDRESS]
    server = subprocess.Popen(command, stdout=log, stderr=log)
    for _ in range(200):
        try:
            token = get("/api/v1/session")["csrf_token"]
            return server
        except urllib.error.URLError:
            time.sleep(0.3)
    sys.exit("the server does not answer")


def corrected(rows):
    """Corrects and approves; returns the rows whose source was among those of the answer."""
    taken = []
    for row in rows:
        answer = ask(row["question"])
        found = [one["key"] for one in answer["citations"] if row["source"].lower() in one["quote"].lower()]
        print("asked:", row["question"], "=>", answer["answer"][:160], "" if found else "(not corrected: no source)")
        if not found:
            continue
        told = {
            "thumbs": "down",
            "tags": ["wrong"],
            "correction": f"{row['correction'].rstrip('.')} [{found[0]}].",
            "by": "Ann",
        }
        feedback = post(f"/api/v1/answers/{answer['id']}/feedback", told)
        post(f"/api/v1/feedback/{feedback['id']}/approve", {"by": "Bo"})
        taken.append(row)
    return taken


def paraphrased(rows, when):
    answers = []
    for row in rows:
        answer = ask(row["paraphrase"])
        short = (answer["short"] or {}).get("text", "")
        told = short if row.get("in") == "short" else answer["answer"]
        right = row["holds"].lower() in told.lower()
        adapter = answer["model"]["adapter"]
        print(f"{when}, {'right' if right else '-----'}, {answer['origin']} ({adapter}): [{short}]", answer["answer"][:160])
        answers.append({"right": right, "answer": [short, answer["answer"]], "origin": answer["origin"], "adapter": adapter})
    return answers


def trained(settings):
    wanted = {"dataset": NAME, "name": NAME, "settings": settings}
    run = post("/api/v1/training/runs", wanted)["name"]
    print("run:", run)
    while (state := get(f"/api/v1/training/runs/{run}")["state"]) == "running":
        time.sleep(2)
    if state != "finished":
        sys.exit(f"the run is {state}")
    return run


def evaluated(run, fixed, limit):
    wanted = {"dataset": fixed} | ({"limit": limit} if limit else {})
    adapter = post(f"/api/v1/adapters/{run}/evaluate", wanted)["id"]
    while (found := get(f"/api/v1/adapters/{adapter}"))["evaluating"]:
        if failed := found["evaluating"].get("failed"):
            sys.exit(f"the evaluation failed: {failed}")
        time.sleep(2)
    return adapter, found["evaluation"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lectern")
    parser.add_argument("data_dir")
    parser.add_argument("corrections")
    parser.add_argument("fixed")
    parser.add_argument("--mix", nargs="*", default=[])
    parser.add_argument("--set", nargs="*", default=[], dest="settings")
    parser.add_argument("--refusals", type=float, help="share of the examples that decline; as prepare does where not given")
    parser.add_argument("--limit", type=int)
    asked = parser.parse_args()
    with open(asked.corrections) as file:
        rows = [json.loads(line) for line in file if line.strip()]
    settings = {}
    for one in asked.settings:
        key, _, value = one.partition("=")
        settings[key] = json.loads(value)

    server = served(asked.lectern, asked.data_dir)
    try:
        rows = corrected(rows)
        before = paraphrased(rows, "before")
        prepare = [asked.lectern, "--data-dir", asked.data_dir, "finetune", "prepare", "--name", NAME]
        imports = ["--import", *asked.mix] if asked.mix else []
        refusals = [] if asked.refusals is None else ["--refusals", str(asked.refusals)]
        subprocess.run([*prepare, "--feedback", *imports, *refusals], check=True, stdout=subprocess.DEVNULL)
        run = trained(settings)
        adapter, evaluation = evaluated(run, asked.fixed, asked.limit)
        print("gate:", evaluation["verdict"], evaluation["reasons"])
        after = back = None
        if evaluation["not_worse"] or evaluation["verdict"] == "better":
            post(f"/api/v1/adapters/{adapter}/promote", {"tolerant": True, "by": "Cy"})
            after = paraphrased(rows, "after")
            post("/api/v1/adapters/rollback", {"by": "Cy", "reason": "the old answers are wanted back"})
            back = paraphrased(rows, "rolled back")
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()

    def right(answers):
        return answers and sum(one["right"] for one in answers)

    figures = {
        name: [round(evaluation[side]["metrics"][name], 3) if side else round(evaluation["metrics"][name], 3)
               for side in ("against", None)]
        for name in evaluation["metrics"]
        if name in evaluation["against"]["metrics"]
    }
    result = {
        "corrections": len(rows),
        "run": run,
        "adapter": adapter,
        "questions": evaluation["n"],
        "verdict": evaluation["verdict"],
        "not_worse": evaluation["not_worse"],
        "reasons": evaluation["reasons"],
        "before_and_after_on_the_fixed_set": figures,
        "right_before": right(before),
        "right_after": right(after),
        "right_rolled_back": right(back),
        "changed": after and sum(one["answer"] != two["answer"] for one, two in zip(before, after)),
        "as_before_when_rolled_back": back and sum(one["answer"] == two["answer"] for one, two in zip(before, back)),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
