//! Finds the quantities in a text, so that a number in an answer can be held to its source.
//!
//! "35ms", "35 ms" and "35 milliseconds" are one quantity; "12" in "12-24ms" has the unit that
//! follows the range; "three" is 3. Digits that belong to a name ("GPT4", "v2") are left to the
//! check of names.

/// A number and its unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quantity {
    /// The number, without thousands separators and trailing zeros.
    pub(crate) value: String,
    /// The unit's usual sign, where a unit follows.
    pub(crate) unit: Option<&'static str>,
    /// First byte.
    pub(crate) start: usize,
    /// One past its last byte, or its unit's.
    pub(crate) end: usize,
}

impl Quantity {
    /// True where `source` says at least what this says: the same number, and the same unit if
    /// this has one.
    pub(crate) fn is_in(&self, source: &[Quantity]) -> bool {
        source.iter().any(|other| {
            other.value == self.value && (self.unit.is_none() || self.unit == other.unit)
        })
    }
}

/// The quantities of `text` that are written in digits, and with `spelled` those in words too.
/// "one" is left out: it is seldom a number.
pub(crate) fn quantities(text: &str, spelled: bool) -> Vec<Quantity> {
    let mut found = in_digits(text);
    if spelled {
        found.extend(in_words(text));
        found.sort_by_key(|quantity| quantity.start);
    }
    // The first number of a range has the unit of the last.
    for index in (1..found.len()).rev() {
        let between = text
            .get(found[index - 1].end..found[index].start)
            .unwrap_or_default();
        let is_range = matches!(
            between.trim(),
            "-" | "–" | "—" | "−" | "to" | "and" | "or" | "," | "/" | "±" | "-to-"
        );
        if is_range && found[index - 1].unit.is_none() {
            found[index - 1].unit = found[index].unit;
        }
    }
    found
}

fn in_digits(text: &str) -> Vec<Quantity> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() {
            let joins = matches!(bytes[at], b'.' | b',')
                && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
            if !bytes[at].is_ascii_digit() && !joins {
                break;
            }
            at += 1;
        }
        let in_a_name = text[..start]
            .chars()
            .next_back()
            .is_some_and(char::is_alphabetic);
        if in_a_name {
            continue;
        }
        let (unit, end) = unit_after(text, at);
        for part in split_list(&text[start..at]) {
            found.push(Quantity {
                value: part,
                unit,
                start,
                end,
            });
        }
    }
    found
}

/// "1,800" is a number with a thousands separator, "3,4" two numbers of a list.
fn split_list(digits: &str) -> Vec<String> {
    let mut groups = digits.split(',');
    let first = groups.next().unwrap_or_default();
    let is_grouped = first.len() <= 3
        && digits.split(',').skip(1).all(|group| {
            group
                .split('.')
                .next()
                .is_some_and(|whole| whole.len() == 3)
        });
    if is_grouped {
        return vec![normal(&digits.replace(',', ""))];
    }
    digits.split(',').map(normal).collect()
}

fn normal(number: &str) -> String {
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    };
    let bare = number.trim_start_matches('0');
    match bare.chars().next() {
        None | Some('.') => format!("0{bare}"),
        Some(_) => bare.to_owned(),
    }
}

fn in_words(text: &str) -> Vec<Quantity> {
    const WORDS: [(&str, &str); 24] = [
        ("zero", "0"),
        ("two", "2"),
        ("three", "3"),
        ("four", "4"),
        ("five", "5"),
        ("six", "6"),
        ("seven", "7"),
        ("eight", "8"),
        ("nine", "9"),
        ("ten", "10"),
        ("eleven", "11"),
        ("twelve", "12"),
        ("thirteen", "13"),
        ("fourteen", "14"),
        ("fifteen", "15"),
        ("sixteen", "16"),
        ("twenty", "20"),
        ("thirty", "30"),
        ("forty", "40"),
        ("fifty", "50"),
        ("sixty", "60"),
        ("seventy", "70"),
        ("eighty", "80"),
        ("ninety", "90"),
    ];
    crate::words::words(text)
        .into_iter()
        .filter_map(|word| {
            let lower = word.text.to_lowercase();
            let (_, value) = WORDS.iter().find(|(name, _)| *name == lower)?;
            let (unit, end) = unit_after(text, word.start + word.text.len());
            Some(Quantity {
                value: (*value).to_owned(),
                unit,
                start: word.start,
                end,
            })
        })
        .collect()
}

/// The unit that stands at `at`, after a space or hyphen or none, and where it ends.
fn unit_after(text: &str, at: usize) -> (Option<&'static str>, usize) {
    const UNITS: [(&str, &[&str]); 31] = [
        ("%", &["%", "percent", "per cent", "percentage"]),
        ("ms", &["ms", "millisecond", "milliseconds", "msec"]),
        ("µs", &["µs", "μs", "us", "microsecond", "microseconds"]),
        ("ns", &["ns", "nanosecond", "nanoseconds"]),
        ("s", &["s", "sec", "secs", "second", "seconds"]),
        ("min", &["min", "mins", "minute", "minutes"]),
        ("h", &["h", "hr", "hrs", "hour", "hours"]),
        ("day", &["day", "days"]),
        ("week", &["week", "weeks"]),
        ("month", &["month", "months"]),
        ("year", &["year", "years", "yr", "yrs"]),
        ("B", &["byte", "bytes"]),
        ("bit", &["bit", "bits"]),
        ("kB", &["kb", "kilobyte", "kilobytes"]),
        ("MB", &["mb", "megabyte", "megabytes"]),
        ("GB", &["gb", "gigabyte", "gigabytes"]),
        ("TB", &["tb", "terabyte", "terabytes"]),
        ("Hz", &["hz"]),
        ("MHz", &["mhz"]),
        ("GHz", &["ghz"]),
        ("thousand", &["thousand", "k"]),
        ("million", &["million", "millions", "m"]),
        ("billion", &["billion", "billions", "b", "bn"]),
        ("trillion", &["trillion", "trillions"]),
        ("x", &["x", "×", "times", "fold"]),
        ("°C", &["°c", "℃"]),
        (
            "km",
            &["km", "kilometre", "kilometres", "kilometer", "kilometers"],
        ),
        (
            "mm",
            &[
                "mm",
                "millimetre",
                "millimetres",
                "millimeter",
                "millimeters",
            ],
        ),
        ("cm", &["cm", "centimetre", "centimetres"]),
        ("kg", &["kg", "kilogram", "kilograms"]),
        ("mg", &["mg", "milligram", "milligrams"]),
    ];
    let rest = &text[at..];
    let after = rest
        .strip_prefix(['-', ' ', '\n', '\u{a0}', '\u{202f}'])
        .unwrap_or(rest);
    let start = text.len() - after.len();
    let is_sign = |character: char| matches!(character, '%' | '×' | '℃');
    let length = match after.chars().next() {
        Some(character) if is_sign(character) => character.len_utf8(),
        _ => after
            .find(|character: char| !character.is_alphabetic() && character != '°')
            .unwrap_or(after.len()),
    };
    let word = after[..length].to_lowercase();
    // "the 1990s", and a letter that stands apart, are no units.
    let is_attached = start == at;
    let digits = text[..at].len()
        - text[..at]
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .len();
    let is_doubtful = match word.as_str() {
        "s" => digits == 4,
        "k" | "m" | "b" | "us" | "h" => !is_attached,
        _ => false,
    };
    let unit = UNITS
        .iter()
        .find(|(_, names)| names.contains(&word.as_str()))
        .map(|(sign, _)| *sign)
        .filter(|_| !is_doubtful);
    match unit {
        Some(unit) => (Some(unit), start + length),
        None => (None, at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, Option<&str>)]) {
        let found = quantities(text, true);
        let found: Vec<(&str, Option<&str>)> = found
            .iter()
            .map(|found| (found.value.as_str(), found.unit))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn quantities_have_values_and_units() {
        check(
            "takes 35ms, or 35 milliseconds",
            &[("35", Some("ms")), ("35", Some("ms"))],
        );
        check(
            "a timeout of 12-24ms",
            &[("12", Some("ms")), ("24", Some("ms"))],
        );
        check(
            "99.9995% of 1,800 machines",
            &[("99.9995", Some("%")), ("1800", None)],
        );
        check(
            "3 to 4\nmilliseconds",
            &[("3", Some("ms")), ("4", Some("ms"))],
        );
        check(
            "44 percent; 3.50 and 007",
            &[("44", Some("%")), ("3.5", None), ("7", None)],
        );
        check(
            "three hours in the 1990s",
            &[("3", Some("h")), ("1990", None)],
        );
        check("GPT4 and Qwen2.5-7b", &[("7", Some("billion"))]);
        check("nodes 3,4", &[("3", None), ("4", None)]);
        check("10× and 5-fold", &[("10", Some("x")), ("5", Some("x"))]);
        check("no numbers, one idea", &[]);
    }

    #[test]
    fn a_unit_must_agree_and_may_be_left_out() {
        let source = quantities("it takes 35ms", true);
        assert!(quantities("35 ms", true)[0].is_in(&source));
        assert!(quantities("35", true)[0].is_in(&source));
        assert!(!quantities("35 s", true)[0].is_in(&source));
        assert!(!quantities("36 ms", true)[0].is_in(&source));
    }
}
