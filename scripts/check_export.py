"""Holds what `lectern finetune export` writes to other programs' reading of it.

One chat is given to Lectern (the example `logits` of the crate `generation`), to transformers with the
merged safetensors, to PEFT with the adapter on the base model, and to llama.cpp with the merged GGUF.
Checked: the same tokens, logits of the next token within 1e-3 (transformers, PEFT), and the same greedy
text (llama.cpp on the file in f16). What is not installed is passed over, and said.

usage: check_export.py LECTERN LOGITS BASE.gguf ADAPTER [--data-dir FOLDER]
prints one JSON object; exit code 1 where anything differs.
needs: torch, transformers; peft and gguf for PEFT; llama-cpp-python for llama.cpp.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

CHAT = [
    {
        "role": "system",
        "content": "You are a helpful assistant. Answer the question in one or two short sentences, with facts "
        "from the notes only. If the notes do not say, answer: The notes do not say.",
    },
    {
        "role": "user",
        "content": 'Notes:\n"""\n1. The common wombat weighs 26 kilograms on average.\n2. Emus run up to 50 km/h.\n'
        '"""\n\nQuestion: How much does a wombat weigh?',
    },
]
CLOSE = 1e-3


def ours(program, model, adapter=None):
    command = [program, str(model)] + ([str(adapter)] if adapter else [])
    done = subprocess.run(command, input=json.dumps(CHAT), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def furthest(model, expected):
    import torch

    with torch.no_grad():
        logits = model(torch.tensor([expected["tokens"]])).logits[0, -1]
    return float((logits - torch.tensor(expected["logits"])).abs().max())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lectern")
    parser.add_argument("logits")
    parser.add_argument("base")
    parser.add_argument("adapter")
    parser.add_argument("--data-dir")
    asked = parser.parse_args()
    found, wrong = {}, []

    def check(name, holds):
        if not holds:
            wrong.append(name)

    with tempfile.TemporaryDirectory() as place:
        place = Path(place)

        def export(form, kind, out):
            command = [asked.lectern, "finetune", "export", asked.adapter, "--base", asked.base]
            command += ["--format", form, "--type", kind, "--out", str(out)]
            command += ["--data-dir", asked.data_dir] if asked.data_dir else []
            subprocess.run(command, check=True, capture_output=True)
            return out

        expected = ours(asked.logits, asked.base, asked.adapter)
        merged = export("safetensors", "f32", place / "merged")

        try:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer
        except ImportError as missing:
            found["transformers"] = f"not tried: {missing}"
        else:
            tokenizer = AutoTokenizer.from_pretrained(merged)
            tokens = tokenizer.apply_chat_template(CHAT, add_generation_prompt=True, return_dict=False)
            found["same tokens in transformers"] = tokens == expected["tokens"]
            check("tokens", tokens == expected["tokens"])
            model = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32)
            found["merged safetensors, largest difference of logits"] = furthest(model, expected)
            check("safetensors", found["merged safetensors, largest difference of logits"] < CLOSE)

        try:
            import gguf  # noqa: F401, what transformers reads GGUF files with
            import torch
            from peft import PeftModel
            from transformers import AutoModelForCausalLM
        except ImportError as missing:
            found["peft"] = f"not tried: {missing}"
        else:
            folder = export("peft", "f32", place / "peft")
            file = Path(asked.base)
            base = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
            adapted = PeftModel.from_pretrained(base, folder).eval()
            found["adapter in PEFT, largest difference of logits"] = furthest(adapted, expected)
            check("peft", found["adapter in PEFT, largest difference of logits"] < CLOSE)

        try:
            import llama_cpp
        except ImportError as missing:
            found["llama.cpp"] = f"not tried: {missing}"
        else:
            for kind in ["f16", "q8_0"]:
                file = export("gguf", kind, place / f"{kind}.gguf")
                said = ours(asked.logits, file)["text"]
                llama = llama_cpp.Llama(str(file), n_ctx=1024, verbose=False)
                reply = llama.create_chat_completion(CHAT, temperature=0.0, max_tokens=32)
                theirs = reply["choices"][0]["message"]["content"]
                found[f"llama.cpp, {kind}"] = {"ours": said, "theirs": theirs}
                if kind == "f16":
                    check("llama.cpp", theirs.strip() == said.strip())
        found["text"] = expected["text"]
    found["wrong"] = wrong
    print(json.dumps(found, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
