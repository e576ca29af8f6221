//! Text made safe for Markdown: what a paper prints must not turn into markup.

/// Escapes a run of text.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut last = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        let is_special = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' => true,
            // Inside a word it is no emphasis: `snake_case`.
            '_' => {
                !(last.is_some_and(char::is_alphanumeric)
                    && next.is_some_and(char::is_alphanumeric))
            }
            '#' | '+' | '-' | '=' | '~' => {
                last.is_none() && next.is_none_or(|next| next == ' ' || next == c)
            }
            // "1. " at the start would be a list.
            '.' | ')' => {
                next.is_none_or(|next| next == ' ')
                    && !out.is_empty()
                    && out.bytes().all(|b| b.is_ascii_digit())
                    && out.len() < 10
            }
            '$' => true,
            '&' => next.is_some_and(|next| next.is_ascii_alphanumeric() || next == '#'),
            _ => false,
        };
        if is_special {
            out.push('\\');
        }
        out.push(if c == '\n' { ' ' } else { c });
        last = Some(c);
    }
    out
}

/// Escapes the text of a table's cell.
pub(super) fn escape_cell(text: &str) -> String {
    escape(text.trim())
}

/// Program text between fences that are longer than any inside.
pub(super) fn fence(code: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in code.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}\n{code}\n{fence}")
}
