//! The closed classes of English that tell a fragment from a question, and the few open ones whose
//! members behave alike when they stand without a name.

/// Forms of "be", "do", "have" and the modals.
pub(super) fn is_auxiliary(lower: &str) -> bool {
    is_be(lower) || is_do_or_modal(lower) || matches!(lower, "has" | "have" | "had" | "having")
}

/// Forms of "be".
pub(super) fn is_be(lower: &str) -> bool {
    matches!(
        lower,
        "is" | "are"
            | "was"
            | "were"
            | "am"
            | "be"
            | "been"
            | "being"
            | "isn't"
            | "aren't"
            | "wasn't"
            | "weren't"
            | "what's"
            | "who's"
            | "how's"
            | "where's"
            | "it's"
            | "that's"
    )
}

/// After these comes a base verb.
pub(super) fn is_do_or_modal(lower: &str) -> bool {
    const WORDS: &str = "do does did can could will would shall should may might must cannot \
        don't doesn't didn't can't couldn't won't wouldn't shouldn't mustn't";
    holds(WORDS, lower)
}

/// Words that open a question for something.
pub(super) fn is_wh(lower: &str) -> bool {
    const WORDS: &str = "what which who whom whose when where why how what's who's how's where's";
    holds(WORDS, lower)
}

/// Articles and other words that open a noun phrase.
pub(super) fn is_determiner(lower: &str) -> bool {
    const WORDS: &str = "a an the some any no each every all both many much more most few several \
        another other such enough either neither";
    holds(WORDS, lower)
}

/// Prepositions.
pub(super) fn is_preposition(lower: &str) -> bool {
    const WORDS: &str = "of in on at for with without by from to under over during through between \
        among against within into onto about across after before since until via per than like \
        versus vs towards toward around beyond despite except regarding concerning inside outside \
        near above below beside besides upon throughout unlike";
    holds(WORDS, lower)
}

/// Words that open another clause.
pub(super) fn is_subordinator(lower: &str) -> bool {
    const WORDS: &str = "if when while because although though whether unless since as so and or \
        but nor yet where which who that whereas once until after before";
    holds(WORDS, lower)
}

/// Words that no name begins with.
pub(super) fn is_function_word(lower: &str) -> bool {
    const WORDS: &str = "it its they their them he his him she her this that these those i you we";
    is_wh(lower)
        || is_auxiliary(lower)
        || is_determiner(lower)
        || is_preposition(lower)
        || is_subordinator(lower)
        || is_imperative(lower)
        || is_adverb(lower)
        || holds(WORDS, lower)
}

/// Adverbs and the like: neither head of a phrase nor a verb.
pub(super) fn is_adverb(lower: &str) -> bool {
    const WORDS: &str = "not always never often also still ever even just only very too quite \
        really actually usually typically generally mostly so then there here again already \
        exactly well yet instead otherwise else further currently today now together apart \
        please roughly approximately nearly almost ago rather long";
    holds(WORDS, lower) || (lower.len() > 4 && lower.ends_with("ly") && !lower.ends_with("mily"))
}

/// Adjectives that follow "is X".
pub(super) fn is_adjective(lower: &str) -> bool {
    const WORDS: &str = "true false right wrong good bad better worse best worst fast slow faster \
        slower large larger big bigger small smaller high higher low lower cheap cheaper safe safer \
        stable robust different similar same equal important relevant necessary common rare new old \
        efficient effective accurate reliable correct complete optimal sensitive resistant toxic \
        contagious hard easy easier harder difficult simple simpler complex strong stronger weak \
        popular novel valid sufficient dangerous harmful helpful normal random likely possible \
        deterministic linear convex scalable consistent available bigger deep deeper wide wider";
    holds(WORDS, lower)
        || (lower.len() > 5
            && ["able", "ible", "ful", "ous", "ant", "less", "ical"]
                .iter()
                .any(|ending| lower.ends_with(ending))
            && !matches!(
                lower,
                "variable" | "table" | "constant" | "participant" | "plant" | "variant" | "mutant"
            ))
}

/// Adjectives after which "it is ADJ to ..." speaks of no thing.
pub(super) fn is_expletive_adjective(lower: &str) -> bool {
    const WORDS: &str = "true possible impossible safe unsafe necessary unnecessary easy hard \
        difficult important better best good bad worth common normal legal likely unlikely clear \
        known feasible advisable useful sufficient enough okay ok fair correct reasonable helpful \
        dangerous ethical right wrong recommended believed assumed expected thought said required \
        needed advised supposed usual customary wise rare true plausible conceivable";
    holds(WORDS, lower)
}

/// Comparatives, which compare with something.
pub(super) fn is_comparative(lower: &str) -> bool {
    const WORDS: &str = "better worse faster slower larger bigger smaller higher lower cheaper \
        safer simpler easier harder stronger weaker older newer deeper wider lighter heavier \
        cleaner shorter longer greater earlier later more less";
    holds(WORDS, lower)
}

/// Superlatives, which choose among things.
pub(super) fn is_superlative(lower: &str) -> bool {
    const WORDS: &str = "best worst fastest slowest largest biggest smallest highest lowest \
        cheapest safest simplest easiest hardest strongest weakest most least";
    holds(WORDS, lower)
}

/// Nouns that stand for whatever was named before: "this method", "the algorithm".
pub(super) fn is_generic_noun(lower: &str) -> bool {
    const WORDS: &str = "method approach algorithm model technique protocol system architecture \
        framework procedure process concept idea theory phenomenon disease condition disorder drug \
        medication treatment therapy vaccine protein gene enzyme material tool language metric \
        measure mechanism scheme design solution library program software network theorem device \
        organism species compound molecule virus bacterium event policy reform law treaty war \
        company institution city country person scientist";
    holds(WORDS, lower) || singular(lower).is_some_and(|one| holds(WORDS, &one))
}

/// Nouns for a document.
pub(super) fn is_paper_noun(lower: &str) -> bool {
    const WORDS: &str = "paper study article work publication thesis report survey review document \
        manuscript preprint";
    holds(WORDS, lower)
}

/// Nouns for those who wrote it.
pub(super) fn is_author_noun(lower: &str) -> bool {
    matches!(
        lower,
        "author" | "authors" | "researchers" | "investigators" | "scientists"
    )
}

/// Nouns that are of something: "the limitations" of what?
pub(super) fn is_relational_noun(lower: &str) -> bool {
    const WORDS: &str = "limitation limit advantage disadvantage drawback benefit weakness strength \
        shortcoming risk danger downside upside result finding conclusion contribution assumption \
        implication alternative application example exception requirement prerequisite step stage \
        phase parameter hyperparameter component ingredient symptom cause effect consequence \
        complication purpose goal aim objective motivation difference similarity complexity cost \
        performance accuracy throughput latency overhead origin history definition meaning \
        criterion criteria reason role property baseline dataset benchmark variant use case \
        trade-off tradeoff side effects author hypothesis evidence size price duration outcome \
        threshold formula equation impact prevalence treatment diagnosis cure dose challenge \
        problem issue feature characteristic function structure methodology sample";
    holds(WORDS, lower) || singular(lower).is_some_and(|one| holds(WORDS, &one))
}

/// Verbs of which authors are the subject.
pub(super) fn is_author_verb(lower: &str) -> bool {
    const WORDS: &str = "propose use evaluate measure report find show claim test compare train \
        conclude argue choose define assume mean recommend suggest observe describe discuss \
        investigate study examine analyse analyze collect recruit present introduce hypothesise \
        hypothesize demonstrate prove discover consider explain say state say learn";
    holds(WORDS, lower)
}

/// Of those, the ones that are about something.
pub(super) fn is_saying_verb(lower: &str) -> bool {
    const WORDS: &str = "report find show claim conclude argue recommend suggest observe say state \
        assume discover learn prove hypothesise hypothesize";
    holds(WORDS, lower)
}

/// Verbs whose object or subject is a quantity: "How is it measured?"
pub(super) fn is_measuring_verb(lower: &str) -> bool {
    const WORDS: &str = "measured computed calculated defined determined estimated reported \
        quantified expressed obtained derived assessed";
    holds(WORDS, lower)
}

/// First words of an order.
pub(super) fn is_imperative(lower: &str) -> bool {
    const WORDS: &str = "compare list explain describe give show summarise summarize define name \
        tell find discuss outline contrast state identify mention quote cite";
    holds(WORDS, lower)
}

/// Base forms of verbs that questions about papers are asked with.
pub(super) fn is_base_verb(lower: &str) -> bool {
    const WORDS: &str = "accept achieve act adapt add address affect agree aim allow analyse analyze \
        answer appear apply argue ask assess assume attack attend avoid balance base become begin \
        behave believe belong benefit bind block break bring build calculate call cause change \
        choose cite claim cluster combine commit compare compete compress compute conclude conflict \
        consider consist contain contribute control converge cope correspond cost cover crash create \
        cure deal decide decline decrease define degrade delay deliver demonstrate depend derive \
        describe destroy detect determine develop die differ diffuse disagree discover discuss divide do \
        double drive drop elect eliminate emerge emit enable encode encourage end enforce ensure \
        enter establish estimate evaluate evolve examine exceed exist expand expect explain explore \
        express extend face fail fall fit fix flow follow form function gain generalise generalize \
        generate get give go grow guarantee handle happen harm have heal help hold host identify \
        illustrate impact implement imply improve include incorporate increase indicate induce infect \
        influence inhibit insert introduce invent involve join keep kill know lack last lead learn \
        leave let limit live look lose lower make manage matter maximise maximize mean measure meet \
        migrate minimise minimize model modify motivate mutate need obtain occur offer operate \
        optimise optimize outperform overcome paint participate penetrate perform persist play pose \
        predict prefer preserve prevent process produce promote propose protect prove provide publish \
        raise reach react read recommend recover recruit reduce reflect regulate reject relate rely \
        remain remove repair replace replicate represent reproduce require resist resolve respond \
        result return rise run save say scale see select send separate serve share show slow solve \
        speed spread stabilise start state stay stop store study succeed suffer suggest support \
        survive take talk target tell tend test tolerate train transform translate transmit treat \
        trigger understand use vary verify violate want waste win work write yield";
    holds(WORDS, lower)
}

/// Participles that do not end in "ed".
pub(super) fn is_irregular_participle(lower: &str) -> bool {
    const WORDS: &str = "made built known found given held kept shown taken written drawn chosen \
        driven grown begun broken brought caught done felt led lost meant met paid put read run said \
        seen sent set sold spent split spread taught told thought understood won bound cut";
    holds(WORDS, lower)
}

/// True for nouns that mean several.
pub(super) fn is_plural(lower: &str) -> bool {
    const PLURALS: &str = "people children mice bacteria data criteria phenomena men women feet \
        mitochondria larvae algae fungi media nuclei stimuli";
    const SINGULARS: &str = "diabetes physics mathematics statistics species series news genetics \
        economics politics ethics kinetics dynamics robotics linguistics always has its this \
        lens gas bias rabies measles herpes aids rickets kubernetes chaos canvas atlas pancreas";
    if holds(PLURALS, lower) {
        return true;
    }
    lower.len() > 3
        && lower.ends_with('s')
        && !["ss", "us", "is", "'s"]
            .iter()
            .any(|ending| lower.ends_with(ending))
        && !holds(SINGULARS, lower)
}

/// A plural without its ending.
fn singular(lower: &str) -> Option<String> {
    if let Some(stem) = lower.strip_suffix("ies") {
        return Some(format!("{stem}y"));
    }
    lower
        .strip_suffix("es")
        .filter(|stem| ["s", "x", "ch", "sh"].iter().any(|end| stem.ends_with(end)))
        .or_else(|| lower.strip_suffix('s'))
        .map(str::to_owned)
}

fn holds(words: &str, lower: &str) -> bool {
    words.split_ascii_whitespace().any(|word| word == lower)
}
