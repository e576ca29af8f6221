//! One entry of each style, taken apart.

use super::entry::parse;

#[track_caller]
fn check(text: &str, authors: &[&str], title: Option<&str>, year: Option<i32>) {
    let found = parse("", text);
    assert_eq!(found.title.as_deref(), title, "{text}");
    assert_eq!(found.year, year, "{text}");
    assert_eq!(found.authors, authors, "{text}");
}

#[test]
fn apa() {
    check(
        "Mora, T. A., & Quist, S. (2016). Tides and their costs. Coastal Letters, 35(4), 77–79. https://doi.org/10.1000/cl.9837",
        &["Mora, T. A.", "Quist, S."],
        Some("Tides and their costs"),
        Some(2016),
    );
    check(
        "Harbour Data Team. (2021). Tideplot/tideplot: v3.5.1 (Version 3.5.1) [Computer software]. Zenodo. https://doi.org/10.1000/z.1",
        &["Harbour Data Team"],
        Some("Tideplot/tideplot: v3.5.1"),
        Some(2021),
    );
    check(
        "Mora, T. (2010a). Why do tides turn? Coastal Letters, 3(1), 2.",
        &["Mora, T."],
        Some("Why do tides turn?"),
        Some(2010),
    );
    check(
        "Mora, T. (2010b). Why do tides turn? The case of the Baltic. Coastal Letters, 3(1), 2.",
        &["Mora, T."],
        Some("Why do tides turn? The case of the Baltic"),
        Some(2010),
    );
    check(
        "Mora, T. (n.d.). Tides at home. Retrieved May 1, 2019, from https://example.org/tides",
        &["Mora, T."],
        Some("Tides at home"),
        Some(2019),
    );
    check(
        "Van der Berg, J.-P. de, & others. (2018, May 3). A history in R. Harbour Press.",
        &["Van der Berg, J.-P. de"],
        Some("A history in R"),
        Some(2018),
    );
}

#[test]
fn ieee() {
    check(
        "T. Mora and S. Quist, “Tides, and their costs,” IEEE Trans. Coasts, vol. 3, no. 2, pp. 1999–2007, May 2011.",
        &["T. Mora", "S. Quist"],
        Some("Tides, and their costs"),
        Some(2011),
    );
    check(
        "T. Mora, S. Quist, and L. de Haan, \"Tide gauges,\" in Proc. 2012 Int. Conf. Tides (ICT 2012), 2013, pp. 1-4, doi: 10.1000/XYZ.12.",
        &["T. Mora", "S. Quist", "L. de Haan"],
        Some("Tide gauges"),
        Some(2013),
    );
}

#[test]
fn acm() {
    check(
        "Mora, T., Quist, S. J., and Haan, L. 2002. Tide: federated gauges. Oper. Tides Rev. 36, SI (Dec. 2002), 1-14.",
        &["Mora, T.", "Quist, S. J.", "Haan, L."],
        Some("Tide: federated gauges"),
        Some(2002),
    );
    check(
        "Tom Mora and Sue Quist. 2008. Gauges in the wild. In Proceedings of the 46th Meeting on Tides. ACM, 12–20.",
        &["Tom Mora", "Sue Quist"],
        Some("Gauges in the wild"),
        Some(2008),
    );
    check(
        "MORA, T., AND QUIST, S. Gauges made live: a view. In Proceedings of Tides (New York, NY, USA, 2007), TIDE ’07, ACM, pp. 398–407.",
        &["MORA, T.", "QUIST, S."],
        Some("Gauges made live: a view"),
        Some(2007),
    );
}

#[test]
fn bibtex_plain() {
    check(
        "Tom Mora, Sue Quist, and Lee Haan. Gauges on the web. Journal of Tides, 27(4):831–838, April 2003.",
        &["Tom Mora", "Sue Quist", "Lee Haan"],
        Some("Gauges on the web"),
        Some(2003),
    );
    check(
        "T. Mora, S. Quist, et al. The gauges of L. Haan. arXiv preprint arXiv:2407.21783, 2024.",
        &["T. Mora", "S. Quist"],
        Some("The gauges of L. Haan"),
        Some(2024),
    );
    check(
        "HarbourAI. Tide 3.1 model card, 2024b. URL https://example.org/tide/card.md.",
        &["HarbourAI"],
        Some("Tide 3.1 model card"),
        Some(2024),
    );
}

#[test]
fn vancouver() {
    check(
        "Mora TA, Quist S, Haan L. Tides and health in ports. J Coast Med. 2010;12(3):100-9. doi:10.1000/jcm.12",
        &["Mora TA", "Quist S", "Haan L."],
        Some("Tides and health in ports"),
        Some(2010),
    );
    check(
        "Mora TA, Quist S, et al. Tides in ports. PLoS Coast. 2015;5: e1234.",
        &["Mora TA", "Quist S"],
        Some("Tides in ports"),
        Some(2015),
    );
}

#[test]
fn springer() {
    check(
        "Mora, T., Quist, S.: Tides in ports. In: Haan, L. (ed.) TIDES 2010. LNCS, vol. 1234, pp. 1–12. Springer, Heidelberg (2010)",
        &["Mora, T.", "Quist, S."],
        Some("Tides in ports"),
        Some(2010),
    );
    check(
        "Mora T, Quist S (2010) Tides in ports. J Coast 12:100–109. https://doi.org/10.1000/s0-1",
        &["Mora T", "Quist S"],
        Some("Tides in ports"),
        Some(2010),
    );
}

#[test]
fn elsevier() {
    check(
        "Mora, T.M., Von Quist, S., 1990. Tides in ports of South Africa. Coasts J. 153, 41–54.",
        &["Mora, T.M.", "Von Quist, S."],
        Some("Tides in ports of South Africa"),
        Some(1990),
    );
    check(
        "T. Mora, S. Quist, Tides in ports and on open coasts, J. Coasts 12 (2010) 100–109.",
        &["T. Mora", "S. Quist"],
        Some("Tides in ports and on open coasts"),
        Some(2010),
    );
}

#[test]
fn nature() {
    check(
        "Mora, T. A., Quist, S. & Haan, L. Tides in ports. Nature 521, 436–444 (2015).",
        &["Mora, T. A.", "Quist, S.", "Haan, L."],
        Some("Tides in ports"),
        Some(2015),
    );
    check(
        "Mora, T. A. et al. Tides in ports. Nat. Coasts 5, 1 (2016).",
        &["Mora, T. A."],
        Some("Tides in ports"),
        Some(2016),
    );
}

#[test]
fn without_titles() {
    check(
        "Mora, T. A. & Quist, S. Nature 521, 436–444 (2015).",
        &["Mora, T. A.", "Quist, S."],
        None,
        Some(2015),
    );
    check(
        "T. Mora and S. Quist, Phys. Rev. Lett. 75, 4337 (1995).",
        &["T. Mora", "S. Quist"],
        None,
        Some(1995),
    );
    check(
        "Mora, T.; Quist, S. Org. Lett. 2010, 132, 1999–2002.",
        &["Mora, T.", "Quist, S."],
        None,
        Some(2010),
    );
    check(
        "T. Mora and S. Quist, Chem. Commun., 2010, 46, 1–2.",
        &["T. Mora", "S. Quist"],
        None,
        Some(2010),
    );
}

#[test]
fn science_and_mdpi() {
    check(
        "T. Mora, S. Quist, Tides in ports. Science 12, 1–3 (2010).",
        &["T. Mora", "S. Quist"],
        Some("Tides in ports"),
        Some(2010),
    );
    check(
        "Mora, T.; Quist, S. Tides in Ports. Coasts 2010, 12, 1–12.",
        &["Mora, T.", "Quist, S."],
        Some("Tides in Ports"),
        Some(2010),
    );
}

#[test]
fn humanities() {
    check(
        "Mora, Tom, and Sue Quist. Tides in Ports. New York: Harbour Press, 1999.",
        &["Mora, Tom", "Sue Quist"],
        Some("Tides in Ports"),
        Some(1999),
    );
    check(
        "Mora, Tom. “Tides in Ports.” Coasts 12, no. 3 (1999): 1–12.",
        &["Mora, Tom"],
        Some("Tides in Ports"),
        Some(1999),
    );
    check(
        "Mora, T. (1999) ‘Tides in ports’, Coasts, 12(3), pp. 1–12.",
        &["Mora, T."],
        Some("Tides in ports"),
        Some(1999),
    );
}

#[test]
fn chinese() {
    check(
        "王小明, 李华. 港口潮汐研究[J]. 海洋学报, 2010, 32(3): 1-9.",
        &["王小明", "李华"],
        Some("港口潮汐研究"),
        Some(2010),
    );
}

#[test]
fn odd_entries() {
    check("", &[], None, None);
    check("http://example.org/", &[], None, None);
    check("2010", &[], None, Some(2010));
    check(
        "Tide gauges. https://example.org/gauges. Accessed 3 May 2019.",
        &[],
        Some("Tide gauges"),
        Some(2019),
    );
}

#[test]
fn machine_learning() {
    check(
        "Mora, D. P. and Ba, J. Tide: A method for stochastic ports. In ICPT, 2015.",
        &["Mora, D. P.", "Ba, J."],
        Some("Tide: A method for stochastic ports"),
        Some(2015),
    );
    check(
        "Jim Lei Mora, Jan Quist, and Ann E Haan. Layer tides. arXiv preprint arXiv:1607.01234, 2016.",
        &["Jim Lei Mora", "Jan Quist", "Ann E Haan"],
        Some("Layer tides"),
        Some(2016),
    );
    check(
        "Tom Mora and Sue Quist. 2010. Tides: what, why? Commun. Coasts 12, 3 (2010), 1–12.",
        &["Tom Mora", "Sue Quist"],
        Some("Tides: what, why?"),
        Some(2010),
    );
    check(
        "The Tide Collaboration. Observation of a new tide. Phys. Lett. B, 716:30–61, 2012.",
        &["The Tide Collaboration"],
        Some("Observation of a new tide"),
        Some(2012),
    );
}

#[test]
fn physics_and_mathematics() {
    check(
        "T. Mora, S. Quist, and L. Haan, Can tides be considered complete?, Phys. Rev. 47, 777 (1935).",
        &["T. Mora", "S. Quist", "L. Haan"],
        Some("Can tides be considered complete?"),
        Some(1935),
    );
    check(
        "G. Mora et al. (TIDAL Collaboration), Phys. Lett. B 716, 1 (2012).",
        &["G. Mora"],
        None,
        Some(2012),
    );
    check(
        "Tom Mora and Sue Quist, Tides of ports, J. Amer. Coast Soc. 12 (1999), no. 3, 1–12.",
        &["Tom Mora", "Sue Quist"],
        Some("Tides of ports"),
        Some(1999),
    );
    check(
        "Mora, T.: The Art of Tides, vol. 1, 3rd edn. Harbour, Reading (1997)",
        &["Mora, T."],
        Some("The Art of Tides"),
        Some(1997),
    );
}

#[test]
fn medicine() {
    check(
        "Mora A. How tides work. Coasts. 2010 Mar 3;464(7291):12-5. PMID: 20203600.",
        &["Mora A."],
        Some("How tides work"),
        Some(2010),
    );
    check(
        "World Tide Organization. Tides and health. Geneva: WTO; 2010.",
        &["World Tide Organization"],
        Some("Tides and health"),
        Some(2010),
    );
    check(
        "Mora T, Quist S, editors. Tides in all ports. 2nd ed. Ports: Harbour; 2010.",
        &["Mora T", "Quist S"],
        Some("Tides in all ports"),
        Some(2010),
    );
}

#[test]
fn other_scripts() {
    check(
        "Мора И. И., Квист П. П. Приливы в портах // Океан. 2010. Т. 12. С. 1–9.",
        &["Мора И. И.", "Квист П. П."],
        Some("Приливы в портах"),
        Some(2010),
    );
    check(
        "김모라, 이영. 조석 연구. 해양지, 12(3), 1-9, 2010.",
        &["김모라", "이영"],
        Some("조석 연구"),
        Some(2010),
    );
    check(
        "山田太郎, 鈴木花子: 潮汐の研究, 海洋誌, Vol. 12, No. 3, pp. 1–9 (2010).",
        &["山田太郎", "鈴木花子"],
        Some("潮汐の研究"),
        Some(2010),
    );
}
