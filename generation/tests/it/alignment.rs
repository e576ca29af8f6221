use generation::align::{Alignment, Veto, align, strip_markers};

use crate::fakes::{all_evidence, passage};

const RAFT: &str = "With an election timeout of 12-24ms, it takes only 35ms on average\nto elect a \
leader (the longest trial took 152ms). Raft never elects a leader without a majority of votes. \
The cluster had 1,800 machines and was operated by Google.";

fn aligned(sentence: &str) -> Alignment {
    let passages = [passage(
        "raft",
        "In Search of an Understandable Consensus",
        RAFT,
    )];
    let question = "How long does Stanford's Raft take to elect a leader?";
    align(sentence, question, &passages, &all_evidence(&passages))
}

fn supported_by(sentence: &str, evidence: usize) {
    let found = aligned(sentence);
    assert!(found.supported, "{sentence}: {found:?}");
    assert_eq!(found.evidence[0], evidence, "{sentence}");
}

fn vetoed(sentence: &str, veto: Veto) {
    let found = aligned(sentence);
    assert!(!found.supported, "{sentence}: {found:?}");
    assert_eq!(found.veto, Some(veto), "{sentence}: {found:?}");
}

#[test]
fn a_copied_sentence_is_fully_supported() {
    let found = aligned("it takes only 35 ms on average to elect a leader");
    assert!(found.supported && found.support > 0.99, "{found:?}");
}

#[test]
fn paraphrases_are_supported_by_the_right_sentence() {
    supported_by("On average, electing a leader takes 35 milliseconds.", 0);
    supported_by("Raft takes 35 ms on average to elect a leader.", 0);
    supported_by("The cluster of Google had 1800 machines.", 2);
    supported_by("A leader is never elected without a majority of votes.", 1);
}

#[test]
fn a_wrong_number_or_unit_is_vetoed() {
    vetoed(
        "It takes 53 ms on average to elect a leader.",
        Veto::Number("53ms".into()),
    );
    vetoed(
        "It takes 35 seconds on average to elect a leader.",
        Veto::Number("35s".into()),
    );
    vetoed("The longest trial took 15 ms.", Veto::Number("15ms".into()));
    vetoed("The cluster had three machines.", Veto::Number("3".into()));
}

#[test]
fn an_invented_name_is_vetoed_and_the_questions_and_titles_are_not() {
    vetoed(
        "The cluster had 1,800 machines and was operated by Amazon.",
        Veto::Name("Amazon".into()),
    );
    vetoed(
        "ZooKeeper takes 35 ms on average to elect a leader.",
        Veto::Name("ZooKeeper".into()),
    );
    supported_by(
        "At Stanford it takes 35 ms on average to elect a leader.",
        0,
    );
}

#[test]
fn negation_must_agree() {
    vetoed(
        "It does not take 35 ms on average to elect a leader.",
        Veto::Negation("not".into()),
    );
    let found = aligned("Raft elects a leader without a majority of votes.");
    assert!(matches!(found.veto, Some(Veto::Negation(_))), "{found:?}");
}

#[test]
fn an_opposite_is_vetoed() {
    vetoed(
        "The shortest trial took 152 ms.",
        Veto::Opposite("shortest".into()),
    );
}

#[test]
fn what_the_evidence_does_not_say_is_unsupported() {
    for sentence in [
        "The moon is made of green cheese.",
        "It depends on the network.",
        "Yes.",
        "With an election timeout it takes only",
        "The cluster had 1,800 machines and was operated by Goo",
        "The answer is: 1800.",
        "",
    ] {
        let found = aligned(sentence);
        assert!(!found.supported, "{sentence}: {found:?}");
    }
}

#[test]
fn words_that_are_all_there_prove_nothing_where_they_say_something_else() {
    let check = |question: &str, quote: &str, sentence: &str, expected: Option<Veto>| {
        let passages = [passage("paper", "On Methods", quote)];
        let found = align(sentence, question, &passages, &all_evidence(&passages));
        assert_eq!(found.veto, expected, "{sentence}: {found:?}");
        assert_eq!(found.supported, expected.is_none(), "{sentence}: {found:?}");
    };
    let produced = "AutoScholarQuery is a synthetic but high-quality dataset of academic queries and \
                    related papers, specifically curated for the AI field.";
    check(
        "How were the synthetic academic queries produced?",
        produced,
        "The synthetic academic queries were produced by the AI field.",
        Some(Veto::Role("ai".into())),
    );
    check(
        "Which method overrides which?",
        "Method m1 overrides method m2 when m1's predicate logically implies that of m2; this \
         relationship is computed at compile time.",
        "The method m1 overrides method m2 when the predicate logic of predicated methods is computed \
         at compile time.",
        Some(Veto::Scrambled),
    );
    check(
        "What stopped the variants lacking feature selection?",
        "A reason why large training data did not yet help is a special overfitting problem of popular \
         online learning techniques.",
        "The feature selection variants were stopped by the special overfitting problem of popular \
         online learning techniques.",
        Some(Veto::Subject),
    );
    check(
        "What do bats have?",
        "Bats support unique adaptations to combat inflammation that may have evolved to mitigate \
         metabolic damage induced during flight.",
        "Bats support unique adaptations to combat metabolic damage induced during flight.",
        Some(Veto::Scrambled),
    );
    let alumni = "In literature, the novelist Philip Roth, the Nobel Prize winning writer Saul Bellow, the \
                  political philosopher, literary critic and author of a New York Times bestseller Allan \
                  Bloom, the analytic philosopher Richard Rorty, and the American satirist Kurt Vonnegut \
                  are notable alumni of the university.";
    check(
        "Which American satirist is an alumnus of the university?",
        alumni,
        "The American satirist of the university is Saul Bellow.",
        Some(Veto::Scrambled),
    );
    check(
        "Which American satirist is an alumnus of the university?",
        alumni,
        "The American satirist of the university is Kurt Vonnegut.",
        None,
    );
    check(
        "How can the efficacy of the drugs be diminished?",
        "However, the efficacy of the drugs can be attenuated by the presence of substitutions before \
         treatment.",
        "The efficacy of the drugs can be diminished by the presence of substitutions before treatment.",
        None,
    );
}

#[test]
fn halves_of_two_quotes_support_nothing() {
    let text = "With double quantisation the scales cost 0.127 bits per parameter instead of 0.5. The \
                4-bit code itself is made of sixteen values.";
    let passages = [passage("qlora", "QLoRA", text)];
    let sentence = "The 4-bit code itself costs 0.5 bits per parameter.";
    let question = "What do the scales cost?";
    let found = align(sentence, question, &passages, &all_evidence(&passages));
    assert!(!found.supported, "{found:?}");
}

#[test]
fn two_quotes_support_what_neither_says_alone() {
    let found = aligned("The longest trial took 152 ms and the cluster had 1800 machines.");
    assert!(found.supported, "{found:?}");
    let mut evidence = found.evidence;
    evidence.sort_unstable();
    assert_eq!(evidence, [0, 2]);
}

#[test]
fn without_evidence_nothing_is_supported() {
    let found = align("Raft elects a leader.", "Who leads?", &[], &[]);
    assert!(!found.supported && found.evidence.is_empty());
}

#[test]
fn the_models_own_markers_go_and_the_text_stays() {
    for (written, kept) in [
        ("It takes 35 ms [1].", "It takes 35 ms."),
        ("It takes 35 ms [1, 2] (Note 3).", "It takes 35 ms."),
        ("Note 2: It takes 35 ms.", "It takes 35 ms."),
        ("1. It takes 35 ms.", "It takes 35 ms."),
        (
            "It takes (on average) f(3) = [x] ms.",
            "It takes (on average) f(3) = [x] ms.",
        ),
        ("35 ms.", "35 ms."),
        ("A bracket [ left open", "A bracket [ left open"),
    ] {
        assert_eq!(strip_markers(written), kept);
    }
}

#[test]
fn an_echo_of_the_question_is_no_answer() {
    let found = aligned("Raft does take long to elect a leader.");
    assert!(!found.supported, "{found:?}");
}
