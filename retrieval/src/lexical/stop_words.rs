//! English words that say nothing of what a question is about.
//!
//! They are dropped from questions only; the index keeps them, since phrases need them.

/// Articles, pronouns, prepositions, conjunctions, auxiliaries and the words that make a sentence
/// a question, in lower case, between white space.
pub(super) const ENGLISH: &str = "
    a an the
    i me my mine myself we us our ours ourselves you your yours yourself yourselves
    he him his himself she her hers herself it its itself they them their theirs themselves
    this that these those there here
    what which who whom whose when where why how
    am is are was were be been being do does did doing done have has had having
    can could may might must shall should will would
    and or but nor if then than because as while until although though whether
    of at by for with about between into through during before after above below to from up down
    in out on off over under again further once upon within without via per
    all any both each few more most other some such no not only own same so too very just also
    however therefore thus hence
    don't doesn't didn't isn't aren't wasn't weren't can't cannot couldn't won't wouldn't
    shouldn't hasn't haven't hadn't it's that's there's what's who's i'm i've we've you're they're
";
