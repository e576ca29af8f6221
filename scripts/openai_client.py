"""Tries Lectern's OpenAI-compatible API with OpenAI's own client.

    python scripts/openai_client.py http://127.0.0.1:8080/v1 "What was the latency?"

The library must have papers that answer the question. Set LECTERN_TOKEN where the server asks for
a token. Ends with "all is well", or with what is not.
"""

import os
import sys

import openai

url, question = sys.argv[1:3]
client = openai.OpenAI(
    base_url=url, api_key=os.environ.get("LECTERN_TOKEN", "unused"), max_retries=0, timeout=300
)
asked = [{"role": "system", "content": "Ignored."}, {"role": "user", "content": question}]

models = [model.id for model in client.models.list()]
assert "lectern" in models, models
assert client.models.retrieve(models[1]).id == models[1]

# The model's own words or quotes: both are checked and cited.
answer = client.chat.completions.create(
    model="lectern", messages=asked, temperature=0.7, seed=1, max_tokens=60, top_p=0.9, user="me"
)
own = answer.choices[0].message.model_extra["lectern"]
print(answer.choices[0].message.content, own["origin"], answer.usage)
assert own["outcome"] == "answered", own
assert own["citations"] and own["seed"] in (1, None), own
assert own["origin"] != "model" or answer.usage.completion_tokens <= 60

whole = client.chat.completions.create(model="lectern", messages=asked)
stream = client.chat.completions.create(
    model="lectern", messages=asked, stream=True, stream_options={"include_usage": True}
)
text, last, usage = "", None, None
for chunk in stream:
    usage = chunk.usage or usage
    for choice in chunk.choices:
        text += choice.delta.content or ""
        last = (choice.delta.model_extra or {}).get("lectern", last)
        reason = choice.finish_reason
assert text == whole.choices[0].message.content, (text, whole)
assert last["answer"] == text and reason in ("stop", "length"), (last, reason)
assert usage.total_tokens == whole.usage.total_tokens, (usage, whole.usage)

follow_up = asked + [
    {"role": "assistant", "content": text},
    {"role": "user", "content": [{"type": "text", "text": question}]},
]
extra = {"lectern": {"extractive": True}}
quoted = client.chat.completions.create(
    model=models[1], messages=follow_up, stop=["\n\n"], extra_body=extra
)
assert quoted.choices[0].message.model_extra["lectern"]["origin"] == "extractive"

# The client asks for base64 unless told otherwise.
embedder = models[-1]
packed = client.embeddings.create(model=embedder, input=[question, "Something else."])
plain = client.embeddings.create(model=embedder, input=question, encoding_format="float")
similar = sum(a * b for a, b in zip(packed.data[0].embedding, plain.data[0].embedding))
assert similar > 0.99, similar
assert packed.usage.total_tokens > plain.usage.total_tokens > 0

for wrong, expected, code in [
    (dict(model="gpt-4o"), openai.NotFoundError, "model_not_found"),
    (dict(model="lectern:no such collection"), openai.NotFoundError, "model_not_found"),
    (dict(n=2), openai.BadRequestError, "invalid_value"),
    (dict(messages=[]), openai.BadRequestError, "invalid_value"),
]:
    try:
        client.chat.completions.create(**{"model": "lectern", "messages": asked, **wrong})
    except expected as error:
        assert error.code == code, error
    else:
        raise AssertionError(f"{wrong} was taken")

# One that goes in the middle of a stream harms nobody.
with client.chat.completions.create(model="lectern", messages=asked, stream=True) as stream:
    next(iter(stream))
assert client.chat.completions.create(model="lectern", messages=asked).choices

print("all is well")
