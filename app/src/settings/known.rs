//! Every setting that exists.

/// A setting that exists: its key, its default and what it means.
pub(super) struct Known {
    pub(super) key: &'static str,
    pub(super) default: &'static str,
    pub(super) meaning: &'static str,
}

/// All of them.
pub(super) const KNOWN: &[Known] = &[
    Known {
        key: "data_dir",
        default: "",
        meaning: "folder of the library",
    },
    Known {
        key: "models_dir",
        default: "",
        meaning: "folder of the models, shared by all libraries",
    },
    Known {
        key: "offline",
        default: "false",
        meaning: "never use the network",
    },
    Known {
        key: "addr",
        default: "127.0.0.1:8080",
        meaning: "address that `serve` listens on",
    },
    Known {
        key: "token",
        default: "",
        meaning: "token that the web page and the API ask for",
    },
    Known {
        key: "allowed_hosts",
        default: "",
        meaning: "further host names under which the page is reached, by comma",
    },
    Known {
        key: "max_upload_mb",
        default: "200",
        meaning: "largest file taken, in MiB",
    },
    Known {
        key: "top_k",
        default: "8",
        meaning: "passages that a search returns and an answer reads",
    },
    Known {
        key: "embedder",
        default: "all-MiniLM-L6-v2",
        meaning: "model that turns text into vectors: a name, or a folder with its files",
    },
    Known {
        key: "embedding.precision",
        default: "int8",
        meaning: "numbers that it computes in: int8 or float32",
    },
    Known {
        key: "embedding.backend",
        default: "auto",
        meaning: "what it runs in: onnx, candle, or auto for the first of them that can be used",
    },
    Known {
        key: "embedding.threads",
        default: "0",
        meaning: "processor threads for it; 0 is one for each physical core",
    },
    Known {
        key: "search.fusion",
        default: "convex",
        meaning: "how the rankings by words and by meaning are joined: convex (scores) or rrf (ranks)",
    },
    Known {
        key: "search.reranker",
        default: "auto",
        meaning: "cross-encoder that reads the first 20 passages again: a fastembed name, a folder, none, or auto for the library's own, where `lectern finetune reranker` found one better",
    },
    Known {
        key: "search.rerank",
        default: "true",
        meaning: "order the best passages again by their token vectors",
    },
    Known {
        key: "chunk.max_tokens",
        default: "382",
        meaning: "longest chunk, in the embedder's tokens",
    },
    Known {
        key: "chunk.overlap_tokens",
        default: "48",
        meaning: "tokens that neighbouring chunks share",
    },
    Known {
        key: "reader.memory_mb",
        default: "1536",
        meaning: "memory of the process that reads a PDF, in MiB",
    },
    Known {
        key: "reader.seconds",
        default: "30",
        meaning: "time to read a PDF, in seconds, before 0.2 s a page",
    },
    Known {
        key: "ocr.enabled",
        default: "true",
        meaning: "read pages without a text layer with tesseract, where it is installed",
    },
    Known {
        key: "ocr.language",
        default: "eng",
        meaning: "tesseract's languages, such as eng or deu+eng",
    },
    Known {
        key: "ocr.tesseract",
        default: "",
        meaning: "path of tesseract; looked for on the PATH where empty",
    },
    Known {
        key: "answerer",
        default: "SmolLM2-135M-Instruct",
        meaning: "model that answers in this process: a name that `lectern models list` shows, or a GGUF file",
    },
    Known {
        key: "answer.adapter",
        default: "auto",
        meaning: "what it answers with: auto for the adapter that was promoted or, before there is one, that which comes with Lectern; built-in for that one always; none; or the folder of an adapter in PEFT's format",
    },
    Known {
        key: "answer.max_tokens",
        default: "160",
        meaning: "longest answer, in the model's tokens",
    },
    Known {
        key: "answer.precision",
        default: "0.83",
        meaning: "share of answers that are to be right; what is less sure is refused (0 refuses nothing)",
    },
    Known {
        key: "answer.evidence_tokens",
        default: "350",
        meaning: "evidence that the model is given, in the embedder's tokens",
    },
    Known {
        key: "answer.self_evaluation",
        default: "true",
        meaning: "`serve` asks again what `eval self` asked, where model, adapter, index or settings have changed since",
    },
    Known {
        key: "llm.url",
        default: "",
        meaning: "OpenAI-compatible server that answers, such as http://localhost:11434; the model in this process where empty",
    },
    Known {
        key: "llm.api_key",
        default: "",
        meaning: "key that this server asks for",
    },
    Known {
        key: "llm.model",
        default: "",
        meaning: "model on this server; its first where empty",
    },
    Known {
        key: "llm.timeout_seconds",
        default: "120",
        meaning: "longest wait for this server's next piece of text, in seconds",
    },
    Known {
        key: "llm.retries",
        default: "3",
        meaning: "how often a request to this server is made again that failed for a passing reason",
    },
    Known {
        key: "llm.fallback",
        default: "error",
        meaning: "what a question gets where this server fails: error, or extractive for quotes and a warning",
    },
    Known {
        key: "openai.sources",
        default: "false",
        meaning: "add a list of sources to the text of answers of /v1/chat/completions",
    },
    Known {
        key: "training.runs_dir",
        default: "",
        meaning: "folder of training runs; `runs` in the data folder where empty",
    },
    Known {
        key: "training.priority",
        default: "idle",
        meaning: "processor time that training takes: idle (what others leave) or normal (its share)",
    },
    Known {
        key: "dense.quantization",
        default: "none",
        meaning: "how vectors are compared in graphs: none, scalar (a byte a number) or binary",
    },
    Known {
        key: "qdrant.url",
        default: "",
        meaning: "gRPC address of a Qdrant server for the vectors; the data folder where empty",
    },
    Known {
        key: "qdrant.api_key",
        default: "",
        meaning: "key that the Qdrant server asks for",
    },
    Known {
        key: "qdrant.collection",
        default: "",
        meaning: "what names of collections on the server begin with; an id of the library where empty",
    },
    Known {
        key: "qdrant.shards",
        default: "1",
        meaning: "shards of a collection that is made on the server",
    },
    Known {
        key: "qdrant.replicas",
        default: "1",
        meaning: "copies of each shard, where the server is a cluster",
    },
    Known {
        key: "qdrant.on_disk",
        default: "false",
        meaning: "keep vectors on the server's disk rather than in its memory",
    },
    Known {
        key: "qdrant.timeout_seconds",
        default: "10",
        meaning: "longest wait for an answer of the Qdrant server, in seconds",
    },
];
