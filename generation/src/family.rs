//! The chat formats of the model families that Lectern knows, for models that bring no template of
//! their own.
//!
//! Each is the published template of the family, without tools and dates. A family is known by the
//! control tokens in the vocabulary: a token that was never in training cannot be missed there.

/// How a family of models marks the turns of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// SmolLM2, Qwen2.5 and others.
    ChatMl,
    /// Llama 2 chat.
    Llama2,
    /// Llama 3, 3.1 and 3.2.
    Llama3,
    /// Mistral instruct.
    Mistral,
    /// Phi-3.
    Phi3,
    /// Gemma and Gemma 2.
    Gemma,
    /// Zephyr, with it StableLM 2 and TinyLlama.
    Zephyr,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 7] = [
        Family::ChatMl,
        Family::Llama2,
        Family::Llama3,
        Family::Mistral,
        Family::Phi3,
        Family::Gemma,
        Family::Zephyr,
    ];

    /// The family of a model called `name` whose vocabulary `has` certain tokens; `None` for a model
    /// that was not trained to chat.
    pub fn detect(name: &str, has: impl Fn(&str) -> bool) -> Option<Family> {
        let name = name.to_lowercase().replace([' ', '_'], "-");
        let is_called = |part: &str| name.contains(part);
        if has("<|start_header_id|>") {
            Some(Family::Llama3)
        } else if has("<|im_start|>") {
            Some(Family::ChatMl)
        } else if has("<start_of_turn>") {
            Some(Family::Gemma)
        } else if has("<|end|>") && has("<|assistant|>") {
            Some(Family::Phi3)
        } else if has("[INST]") {
            Some(Family::Mistral)
        } else if has("<|assistant|>") || is_called("zephyr") || is_called("tinyllama") {
            Some(Family::Zephyr)
        } else if is_called("mistral") && is_called("instruct") {
            Some(Family::Mistral)
        } else if is_called("llama-2") && is_called("chat") {
            Some(Family::Llama2)
        } else {
            None
        }
    }

    /// Its template, in Jinja.
    pub fn template(self) -> &'static str {
        match self {
            Family::ChatMl => {
                "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + \
                 message['content'] + '<|im_end|>\n' }}{% endfor %}\
                 {% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
            }
            Family::Llama2 => {
                "{% if messages[0]['role'] == 'system' %}\
                 {% set system = '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' %}\
                 {% set turns = messages[1:] %}\
                 {% else %}{% set system = '' %}{% set turns = messages %}{% endif %}\
                 {% for message in turns %}{% if message['role'] == 'user' %}\
                 {{ bos_token + '[INST] ' + (system if loop.first else '') + \
                 message['content'].strip() + ' [/INST]' }}\
                 {% else %}{{ ' ' + message['content'].strip() + ' ' + eos_token }}{% endif %}\
                 {% endfor %}"
            }
            Family::Llama3 => {
                "{{ bos_token }}{% for message in messages %}\
                 {{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + \
                 message['content'].strip() + '<|eot_id|>' }}{% endfor %}\
                 {% if add_generation_prompt %}\
                 {{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
            }
            Family::Mistral => {
                "{% if messages[0]['role'] == 'system' %}\
                 {% set system = messages[0]['content'] + '\n\n' %}{% set turns = messages[1:] %}\
                 {% else %}{% set system = '' %}{% set turns = messages %}{% endif %}\
                 {{ bos_token }}{% for message in turns %}{% if message['role'] == 'user' %}\
                 {{ '[INST] ' + (system if loop.last else '') + message['content'] + ' [/INST]' }}\
                 {% else %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}"
            }
            Family::Phi3 => {
                "{% for message in messages %}\
                 {{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}\
                 {% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
            }
            Family::Gemma => {
                "{{ bos_token }}{% if messages[0]['role'] == 'system' %}\
                 {{ raise_exception('System role not supported') }}{% endif %}\
                 {% for message in messages %}\
                 {% set role = 'model' if message['role'] == 'assistant' else message['role'] %}\
                 {{ '<start_of_turn>' + role + '\n' + message['content'].strip() + \
                 '<end_of_turn>\n' }}{% endfor %}\
                 {% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
            }
            Family::Zephyr => {
                "{% for message in messages %}\
                 {{ '<|' + message['role'] + '|>\n' + message['content'] + eos_token + '\n' }}\
                 {% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
            }
        }
    }
}
