//! What stands around names and is none: titles before them, degrees and memberships behind.

/// Degrees and memberships, which stand behind names.
pub(in crate::metadata) fn is_degree(text: &str) -> bool {
    const DEGREES: &[&str] = &[
        "phd",
        "md",
        "msc",
        "bsc",
        "ms",
        "ma",
        "mba",
        "mph",
        "mbbs",
        "rn",
        "frcp",
        "dphil",
        "scd",
        "drph",
        "dds",
        "dvm",
        "pharmd",
        "facs",
        "facc",
        "meng",
        "mscs",
        "mph",
        "jd",
        "edd",
        "dsc",
        "ieee",
        "member",
        "fellow",
        "seniormember",
        "studentmember",
        "graduatestudentmember",
        "seniormemberieee",
        "memberieee",
        "fellowieee",
        "lifefellow",
        "associatemember",
        "acm",
        "jr",
        "sr",
        "ii",
        "iii",
        "iv",
        "orcid",
        "mddphd",
        "mdphd",
        "cpa",
        "pe",
        "id",
    ];
    let bare: String = text
        .chars()
        .filter(|c| c.is_alphabetic())
        .flat_map(char::to_lowercase)
        .collect();
    // "Ma" is a family name, "MA" a degree.
    let is_degree = text.chars().filter(|c| c.is_uppercase()).count() > 1
        || text.contains('.')
        || bare.len() > 3
        || matches!(bare.as_str(), "jr" | "sr" | "phd");
    is_degree && DEGREES.contains(&bare.as_str())
}

/// "Jr" and numbers, which are part of a name.
pub(super) fn is_suffix(text: &str) -> bool {
    matches!(
        text.trim().trim_end_matches('.'),
        "Jr" | "Sr" | "II" | "III" | "IV"
    )
}

/// "Ann Lee" of "Dr. Ann Lee".
pub(in crate::metadata) fn without_title(name: &str) -> &str {
    const TITLES: &[&str] = &[
        "Dr. ",
        "Dr ",
        "Prof. ",
        "Professor ",
        "Mr. ",
        "Ms. ",
        "Mrs. ",
        "Sir ",
        "Prof. Dr. ",
        "Dipl.-Ing. ",
        "Ing. ",
        "PhD ",
        "Ph.D. ",
    ];
    let mut name = name.trim();
    for _ in 0..3 {
        match TITLES.iter().find_map(|title| name.strip_prefix(title)) {
            Some(rest) => name = rest.trim_start(),
            None => break,
        }
    }
    const DEGREES: &[&str] = &[" PhD", " Ph.D.", " MD", " M.D.", " MSc", " M.Sc.", " Ph.D"];
    DEGREES
        .iter()
        .find_map(|degree| name.strip_suffix(degree))
        .unwrap_or(name)
}
