//! The same example with its notes in another order.
//!
//! A correction is repeated so that it is heard among thousands of other questions. Repeated as it was
//! served, its note stands at the same place each time, and what is learnt is the place: after a few
//! corrections a model cites `[1]` whatever the first note says. In other orders, numbers and markers
//! with them, what stays the same is what the note says.

use generation::Message;

use super::markers::markers;
use crate::random;

/// The notes of one paper, under its title.
struct Paper<'a> {
    /// `From "Title":`; none for notes without a title.
    title: Option<&'a str>,
    /// Number and text of each.
    notes: Vec<(u32, &'a str)>,
}

/// A chat, last what should be said, with the papers of its notes and the notes of each paper in an
/// order that `seed` decides. `None` where it has no two notes, or none in the form that
/// [`generation::prompt::messages`] gives them.
pub(crate) fn reordered(messages: &[Message], seed: u64) -> Option<Vec<Message>> {
    let (answer, prompt) = messages.split_last()?;
    let asked = prompt.iter().rposition(|message| message.role == "user")?;
    let (head, mut papers, tail) = taken_apart(&prompt[asked].content);
    if papers.iter().map(|paper| paper.notes.len()).sum::<usize>() < 2 {
        return None;
    }
    random::shuffle(&mut papers, seed);
    for (index, paper) in papers.iter_mut().enumerate() {
        random::shuffle(&mut paper.notes, random::of(seed, &[index as u64]));
    }
    // The new numbers, by the old ones.
    let mut numbers = Vec::new();
    let mut content = head.to_owned();
    for paper in &papers {
        if let Some(title) = paper.title {
            content.push_str(title);
            content.push('\n');
        }
        for (old, text) in &paper.notes {
            numbers.push(*old);
            content.push_str(&format!("{}. {text}\n", numbers.len()));
        }
    }
    content.push_str(tail);
    let mut reordered = messages.to_vec();
    reordered[asked].content = content;
    let last = reordered.len() - 1;
    reordered[last].content = renumbered(&answer.content, &numbers);
    Some(reordered)
}

/// What comes before the notes, the notes by papers, and what comes after. Notes are numbered from 1
/// without a gap, so that a line of another text is not taken for one.
fn taken_apart(content: &str) -> (&str, Vec<Paper<'_>>, &str) {
    let mut papers: Vec<Paper<'_>> = Vec::new();
    let (mut start, mut end, mut at, mut count) = (None, 0, 0, 0);
    for line in content.split_inclusive('\n') {
        let place = at;
        at += line.len();
        let text = line.strip_suffix('\n').unwrap_or(line);
        let is_title = text.starts_with("From \"") && text.ends_with("\":");
        let note = text
            .split_once(". ")
            .filter(|(number, _)| number.parse() == Ok(count + 1));
        match note {
            Some((_, text)) if line.ends_with('\n') => {
                count += 1;
                if papers.is_empty() {
                    papers.push(Paper {
                        title: None,
                        notes: Vec::new(),
                    });
                }
                if let Some(paper) = papers.last_mut() {
                    paper.notes.push((count, text));
                }
            }
            _ if is_title => papers.push(Paper {
                title: Some(text),
                notes: Vec::new(),
            }),
            _ if start.is_none() => continue,
            _ => break,
        }
        start.get_or_insert(place);
        end = at;
    }
    let start = start.unwrap_or(0);
    (&content[..start], papers, &content[end..])
}

/// A text with the numbers of its markers changed; `old` has the former number of each new one.
/// Markers of one place stay in rising order, as answers are written.
fn renumbered(text: &str, old: &[u32]) -> String {
    let new = |number: &u32| old.iter().position(|one| one == number).map(|at| at + 1);
    let found: Vec<_> = markers(text)
        .into_iter()
        .filter_map(|(place, numbers)| {
            let numbers: Option<Vec<usize>> = numbers.iter().map(new).collect();
            Some((place, numbers?))
        })
        .collect();
    let mut out = String::with_capacity(text.len());
    let (mut done, mut index) = (0, 0);
    while let Some((place, _)) = found.get(index) {
        // `[1][2]` stand at one place, and so do `[1]` and `[2]` with nothing but a space between.
        let mut last = index;
        while let Some((next, _)) = found.get(last + 1)
            && text[found[last].0.end..next.start].trim().is_empty()
        {
            last += 1;
        }
        let mut sorted: Vec<usize> = found[index..=last]
            .iter()
            .flat_map(|(_, numbers)| numbers.iter().copied())
            .collect();
        sorted.sort_unstable();
        let mut sorted = sorted.into_iter();
        out.push_str(&text[done..place.start]);
        for at in index..=last {
            let (place, numbers) = &found[at];
            if at > index {
                out.push_str(&text[found[at - 1].0.end..place.start]);
            }
            let numbers: Vec<String> = sorted
                .by_ref()
                .take(numbers.len())
                .map(|number| number.to_string())
                .collect();
            out.push_str(&format!("[{}]", numbers.join(", ")));
        }
        done = found[last].0.end;
        index = last + 1;
    }
    out.push_str(&text[done..]);
    out
}

#[cfg(test)]
mod tests {
    use super::super::samples::example;
    use super::*;

    /// Number and text of the notes of a chat.
    fn notes(messages: Vec<Message>) -> Vec<(usize, String)> {
        let about = example("x", &[], &[], "q", "a").about;
        let example = super::super::Example { messages, about };
        let notes = example.notes();
        notes.into_iter().map(|(n, t)| (n, t.to_owned())).collect()
    }

    #[test]
    fn markers_follow_their_notes_in_every_order() {
        let given = ["One is 1.", "Two [2] is two.", "Three. Four.", "Five"];
        let answer = "It is 1 [1]. It is two [2][4], of [2014] and [7]. Both [1, 3].";
        let messages = example("x", &["d"], &given, "What?", answer).messages;
        let mut orders = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let changed = reordered(&messages, seed).unwrap();
            assert_eq!(changed, reordered(&messages, seed).unwrap());
            assert_eq!(changed[0], messages[0]);
            let notes = notes(changed.clone());
            let place = |old: usize| {
                let at = notes.iter().position(|(_, text)| text == given[old - 1]);
                at.unwrap() + 1
            };
            let numbers: Vec<usize> = notes.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers, [1, 2, 3, 4]);
            let sorted = |mut pair: [usize; 2]| {
                pair.sort_unstable();
                pair
            };
            let ([two, four], [one, three]) =
                (sorted([place(2), place(4)]), sorted([place(1), place(3)]));
            let expected = format!(
                "It is 1 [{}]. It is two [{two}][{four}], of [2014] and [7]. Both [{one}, {three}].",
                place(1)
            );
            assert_eq!(changed[2].content, expected);
            let asked = &changed[1].content;
            assert!(asked.starts_with("Notes:\n\"\"\"\nFrom \"Paper\":\n1. "));
            assert!(asked.ends_with("\"\"\"\n\nQuestion: What?"), "{asked}");
            orders.insert(numbers_of(&notes, &given));
        }
        assert_eq!(orders.len(), 24, "all orders come up");
    }

    fn numbers_of(notes: &[(usize, String)], given: &[&str]) -> Vec<usize> {
        let place = |text: &str| given.iter().position(|one| *one == text).unwrap();
        notes.iter().map(|(_, text)| place(text)).collect()
    }

    #[test]
    fn notes_stay_with_their_papers_and_what_has_no_notes_is_left() {
        let mut messages = example("x", &["d"], &["n"], "What?", "Said [3].").messages;
        messages[1].content = "Notes:\n\"\"\"\nFrom \"A\":\n1. a one\n2. a two\nFrom \"B\":\n3. b \
                               one\n\"\"\"\n\nQuestion: Which?\n4. none"
            .to_owned();
        let mut firsts = std::collections::BTreeSet::new();
        for seed in 0..40 {
            let changed = reordered(&messages, seed).unwrap();
            let asked = &changed[1].content;
            assert!(
                asked.ends_with("\"\"\"\n\nQuestion: Which?\n4. none"),
                "{asked}"
            );
            let b = asked.find("From \"B\":\n").unwrap();
            let is_first = b < asked.find("From \"A\":\n").unwrap();
            let number = if is_first { 1 } else { 3 };
            assert!(asked[b..].contains(&format!("From \"B\":\n{number}. b one\n")));
            assert_eq!(changed[2].content, format!("Said [{number}]."));
            firsts.insert(asked.clone());
        }
        assert_eq!(firsts.len(), 4);
        let one = example("x", &["d"], &["Only."], "What?", "Only [1].");
        assert_eq!(reordered(&one.messages, 1), None);
        let plain = Message {
            role: "user".to_owned(),
            content: "1. milk\n3. bread\nWhat is left?".to_owned(),
        };
        let answer = one.messages[2].clone();
        assert_eq!(reordered(&[plain, answer.clone()], 1), None);
        assert_eq!(reordered(&[answer], 1), None);
    }
}
