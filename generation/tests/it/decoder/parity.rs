//! The decoder against candle-transformers' own models, and against itself run in other ways.

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{llama, mistral, qwen2};
use generation::decoder::{Decoder, DecoderConfig, Kernels, KvCache, Precision};

use super::{
    CPU, LLAMA, LLAMA3, MISTRAL, Model, QWEN2, broken, close, logits, numbers, tokens, write,
};

/// The last logits of `tokens` by candle-transformers.
fn reference(json: &str, model: &Model, tokens: &[u32]) -> Vec<f32> {
    let weights = VarBuilder::from_tensors(model.tensors.clone(), DType::F32, CPU);
    let ids = Tensor::new(tokens, CPU).unwrap().unsqueeze(0).unwrap();
    let logits = match model.config.architecture.as_str() {
        "llama" => {
            let config: llama::LlamaConfig = serde_json::from_str(json).unwrap();
            let config = config.into_config(false);
            let mut cache = llama::Cache::new(false, DType::F32, &config, CPU).unwrap();
            let model = llama::Llama::load(weights, &config).unwrap();
            model.forward(&ids, 0, &mut cache).unwrap()
        }
        "mistral" => {
            let config: mistral::Config = serde_json::from_str(json).unwrap();
            let mut model = mistral::Model::new(&config, weights).unwrap();
            model.forward(&ids, 0).unwrap()
        }
        _ => {
            let config: qwen2::Config = serde_json::from_str(json).unwrap();
            let mut model = qwen2::ModelForCausalLM::new(&config, weights).unwrap();
            model.forward(&ids, 0).unwrap()
        }
    };
    numbers(&logits)
}

const FAMILIES: [&str; 4] = [LLAMA, LLAMA3, MISTRAL, QWEN2];

/// In pieces of these lengths, over one cache.
fn in_pieces(decoder: &Decoder, tokens: &[u32], piece: usize) -> Vec<f32> {
    let mut cache = KvCache::new(decoder.config(), 0);
    let mut last = Vec::new();
    for piece in tokens.chunks(piece) {
        last = numbers(&decoder.forward(piece, &mut cache, Kernels::Fused).unwrap());
    }
    assert_eq!(cache.len(), tokens.len());
    last
}

#[test]
fn families_give_the_logits_of_candle_transformers() {
    for json in FAMILIES {
        let model = Model::new(json);
        let decoder = model.decoder(Precision::AsStored);
        // Longer than the run of queries that attention takes at a time.
        let tokens = tokens(300);
        let expected = reference(json, &model, &tokens);
        close(&logits(&decoder, &tokens, Kernels::Fused), &expected, 1e-4);
        close(
            &logits(&decoder, &tokens, Kernels::Differentiable),
            &expected,
            1e-4,
        );
        for piece in [1, 7, 130] {
            close(&in_pieces(&decoder, &tokens, piece), &expected, 1e-4);
        }
    }
}

#[test]
fn gguf_files_give_the_same_logits_in_their_own_order_of_rows() {
    for json in FAMILIES {
        let model = Model::new(json);
        let decoder = Decoder::from_gguf(&model.gguf(GgmlDType::F32), Precision::F32).unwrap();
        let tokens = tokens(90);
        let expected = reference(json, &model, &tokens);
        close(&logits(&decoder, &tokens, Kernels::Fused), &expected, 1e-4);
        let (name, _) = decoder.named_linears().next().unwrap();
        assert_eq!(name, "model.layers.0.self_attn.q_proj");
    }
}

#[test]
fn reordering_rows_of_blocks_loses_nothing() {
    let model = Model::new(LLAMA);
    let whole = model.decoder(Precision::F32);
    for format in [GgmlDType::Q8_0, GgmlDType::Q4_1, GgmlDType::Q4_0] {
        let path = model.gguf(format);
        let stored = Decoder::from_gguf(&path, Precision::F32).unwrap();
        let step = if format == GgmlDType::Q8_0 {
            0.002
        } else {
            0.03
        };
        for ((name, left), (_, right)) in stored.named_linears().zip(whole.named_linears()) {
            let (left, right) = (left.weight().unwrap(), right.weight().unwrap());
            assert!(left.dims() == right.dims(), "{name}");
            close(&numbers(&left), &numbers(&right), step);
        }
    }
}

#[test]
fn packed_sequences_do_not_see_each_other() {
    let model = Model::new(QWEN2);
    let decoder = model.decoder(Precision::F32);
    let (first, second) = (tokens(140), tokens(45));
    let both = [first.clone(), second.clone()].concat();
    for kernels in [Kernels::Fused, Kernels::Differentiable] {
        let packing = decoder.packing(&[first.len(), second.len()]);
        assert_eq!(packing.tokens(), both.len());
        let states = decoder.hidden_states(&both, &packing, kernels).unwrap();
        let logits_at = |index: usize| {
            let state = states.narrow(0, index, 1).unwrap();
            numbers(&decoder.head().forward(&state, kernels).unwrap())
        };
        let expected = logits(&decoder, &first, Kernels::Fused);
        close(&logits_at(first.len() - 1), &expected, 1e-4);
        let expected = logits(&decoder, &second, Kernels::Fused);
        close(&logits_at(both.len() - 1), &expected, 1e-4);
    }
}

#[test]
fn a_sliding_window_hides_what_lies_before_it() {
    // With one block, a token's state depends on the tokens of its window only.
    let json = MISTRAL
        .replace("\"sliding_window\": 4096", "\"sliding_window\": 20")
        .replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
    let decoder = Model::new(&json).decoder(Precision::F32);
    let (long, mut changed) = (tokens(200), tokens(200));
    changed[179] = (changed[179] + 1) % 128;
    let expected = logits(&decoder, &long, Kernels::Fused);
    close(&logits(&decoder, &changed, Kernels::Fused), &expected, 0.0);
    close(&in_pieces(&decoder, &changed, 33), &expected, 1e-5);
    changed[180] = (changed[180] + 1) % 128;
    assert_ne!(logits(&decoder, &changed, Kernels::Fused), expected);
}

#[test]
fn kernels_agree_on_every_kind_of_weight() {
    let model = Model::new(LLAMA3);
    let tokens = tokens(60);
    let exact = logits(&model.decoder(Precision::F32), &tokens, Kernels::Fused);
    for precision in [Precision::F32, Precision::Bf16, Precision::Nf4] {
        let decoder = model.decoder(precision);
        let fused = logits(&decoder, &tokens, Kernels::Fused);
        // NF4 has its head in Q8_0, which is multiplied in whole numbers.
        let tolerance = if precision == Precision::Nf4 {
            2e-2
        } else {
            1e-3
        };
        let open = logits(&decoder, &tokens, Kernels::Differentiable);
        close(&fused, &open, tolerance);
        assert!(decoder.bytes() <= model.config.parameters() * 4);
        if precision == Precision::Bf16 {
            close(&fused, &exact, 0.1);
        }
    }
    for format in [GgmlDType::Q8_0, GgmlDType::Q4_0, GgmlDType::Q4_1] {
        let decoder = Decoder::from_gguf(&model.gguf(format), Precision::AsStored).unwrap();
        let fused = logits(&decoder, &tokens, Kernels::Fused);
        let open = logits(&decoder, &tokens, Kernels::Differentiable);
        close(&fused, &open, 5e-2);
    }
}

#[test]
fn a_cache_is_cut_back_and_grows() {
    let decoder = Model::new(LLAMA).decoder(Precision::F32);
    let mut cache = KvCache::new(decoder.config(), 10);
    assert!(cache.is_empty());
    decoder
        .forward(&tokens(400), &mut cache, Kernels::Fused)
        .unwrap();
    let bytes = cache.bytes();
    cache.truncate(30);
    assert_eq!((cache.len(), cache.bytes()), (30, bytes));
    let again = decoder.forward(&tokens(400)[30..], &mut cache, Kernels::Fused);
    let expected = logits(&decoder, &tokens(400), Kernels::Fused);
    close(&numbers(&again.unwrap()), &expected, 1e-4);
    assert!(decoder.forward(&[], &mut cache, Kernels::Fused).is_err());
    assert!(decoder.forward(&[128], &mut cache, Kernels::Fused).is_err());
}

#[test]
fn unusable_models_are_refused_by_name() {
    let model = Model::new(LLAMA);
    let folder = model.folder.path();
    let config = |from: &str, to: &str| {
        write(folder, "config.json", LLAMA.replace(from, to));
        DecoderConfig::from_config_json(&folder.join("config.json"))
    };
    broken(config("\"llama\"", "\"mamba\""), &["mamba architecture"]);
    broken(config("silu", "gelu"), &["activation is `gelu`"]);
    broken(
        config(
            "\"num_hidden_layers\": 2",
            "\"num_hidden_layers\": 99999999999",
        ),
        &["larger than any model's"],
    );
    broken(config("64", "\"wide\""), &["no model's configuration"]);
    broken(
        config("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3"),
        &["query heads"],
    );
    broken(
        config(
            "\"vocab_size\"",
            "\"rope_scaling\": {\"rope_type\": \"yarn\"}, \"vocab_size\"",
        ),
        &["`yarn`"],
    );
    let load = || Decoder::from_safetensors(folder, Precision::F32);
    write(folder, "config.json", LLAMA.replace("128", "256"));
    broken(
        load(),
        &["model.embed_tokens.weight", "[128, 64]", "[256, 64]"],
    );
    write(
        folder,
        "config.json",
        LLAMA.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"),
    );
    broken(
        load(),
        &["model.layers.2.self_attn.q_proj.weight are missing"],
    );
    write(folder, "model.safetensors", "not a file of tensors");
    broken(
        load(),
        &["model.safetensors", "not a readable safetensors file"],
    );
    std::fs::remove_file(folder.join("model.safetensors")).unwrap();
    broken(load(), &["model.safetensors"]);
    write(
        folder,
        "model.safetensors.index.json",
        r#"{"weight_map": {"a": "../b"}}"#,
    );
    broken(load(), &["not in its folder"]);
    broken(
        Decoder::from_gguf(&folder.join("none.gguf"), Precision::F32),
        &["none.gguf"],
    );
}
