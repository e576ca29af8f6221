#!/usr/bin/env python3
"""Embedding speed of Lectern beside sentence-transformers and fastembed, on the same texts.

    bench_embedding.py TEXTS --lectern PATH [--model NAME_OR_FOLDER] [--limit N] [--rounds N]

TEXTS is a file with a text a line, or a BEIR corpus.jsonl. The peers take turns, a round each, so
that whatever else the machine does falls on all of them; the best round of each counts. Printed are
texts per second, the ratio to sentence-transformers' float32, and the cosine of each text's vector
to its vector (worst and mean). Needs sentence-transformers; fastembed joins in where it is
installed and can load the model.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy


def read(path, limit):
    texts = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if not line.strip():
                continue
            if path.endswith(".jsonl"):
                entry = json.loads(line)
                line = (entry.get("title", "") + " " + entry.get("text", "")).strip()
            texts.append(line.rstrip("\n"))
            if limit and len(texts) == limit:
                break
    return texts


class SentenceTransformers:
    name = "sentence-transformers float32"

    def __init__(self, model, threads):
        import torch
        from sentence_transformers import SentenceTransformer, models

        torch.set_num_threads(threads)
        if os.path.isdir(model) and not os.path.isfile(os.path.join(model, "modules.json")):
            encoder = models.Transformer(model, max_seq_length=512)
            pooling = models.Pooling(encoder.get_word_embedding_dimension(), "mean")
            modules = [encoder, pooling, models.Normalize()]
            self.model = SentenceTransformer(modules=modules, device="cpu")
        else:
            self.model = SentenceTransformer(model, device="cpu")
            self.model.max_seq_length = 512

    def run(self, texts):
        started = time.perf_counter()
        vectors = self.model.encode(texts, batch_size=32, normalize_embeddings=True)
        return time.perf_counter() - started, numpy.asarray(vectors)


class FastEmbed:
    name = "fastembed float32"

    def __init__(self, model, threads):
        from fastembed import TextEmbedding

        self.model = TextEmbedding(model, threads=threads, local_files_only=True)

    def run(self, texts):
        started = time.perf_counter()
        vectors = numpy.array(list(self.model.embed(texts, batch_size=32)))
        return time.perf_counter() - started, vectors


class Lectern:
    def __init__(self, program, model, threads, precision, backend, texts):
        self.name = f"lectern {backend} {precision}"
        self.command = [program, "bench", "embedding", texts, "--json"]
        self.command += ["--precision", precision, "--backend", backend]
        self.environment = dict(os.environ, LECTERN_EMBEDDING_THREADS=str(threads))
        if model:
            self.environment["LECTERN_EMBEDDER"] = model

    def run(self, texts):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "vectors")
            command = [*self.command, "--limit", str(len(texts)), "--vectors", out]
            done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, check=True)
            report = json.loads(done.stdout)
            vectors = numpy.fromfile(out, dtype="<f4").reshape(-1, report["dimension"])
        if len(vectors) != len(texts):
            sys.exit(f"{self.name}: {len(vectors)} vectors of {len(texts)} texts")
        return report["seconds"], vectors


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts")
    parser.add_argument("--lectern", default="lectern", help="the program")
    parser.add_argument("--model", help="folder or name for Lectern [default: its own]")
    parser.add_argument("--peer-model", help="folder or name for the peers")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--candle", action="store_true", help="candle too, which is slow")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    texts = read(args.texts, args.limit)
    name = args.peer_model or "sentence-transformers/all-MiniLM-L6-v2"
    peers = [SentenceTransformers(name, args.threads)]
    try:
        peers.append(FastEmbed(name, args.threads))
    except Exception as error:  # Not installed, or it has no such model.
        print(f"fastembed is left out: {error}", file=sys.stderr)
    kinds = [("int8", "onnx"), ("float32", "onnx")] + [("float32", "candle")] * args.candle
    path = str(pathlib.Path(args.texts).resolve())
    for precision, backend in kinds:
        peers.append(Lectern(args.lectern, args.model, args.threads, precision, backend, path))

    best, vectors = {}, {}
    peers[0].run(texts[:8])
    for number in range(args.rounds):
        for peer in peers:
            seconds, vectors[peer.name] = peer.run(texts)
            best[peer.name] = min(seconds, best.get(peer.name, seconds))
            rate = len(texts) / seconds
            print(f"round {number + 1}: {peer.name} {rate:.1f} texts/s", file=sys.stderr)

    reference = peers[0].name
    rows = []
    for peer in peers:
        cosines = (vectors[peer.name] * vectors[reference]).sum(axis=1)
        rows.append(
            {
                "name": peer.name,
                "texts_per_second": round(len(texts) / best[peer.name], 1),
                "ratio": round(best[reference] / best[peer.name], 2),
                "cosine_worst": round(float(cosines.min()), 4),
                "cosine_mean": round(float(cosines.mean()), 4),
            }
        )
    if args.json:
        print(json.dumps({"texts": len(texts), "threads": args.threads, "systems": rows}))
        return
    for row in rows:
        print("{name:32} {texts_per_second:8} texts/s  x{ratio:<5}"
              " cosine {cosine_worst} worst, {cosine_mean} mean".format(**row))


if __name__ == "__main__":
    main()
