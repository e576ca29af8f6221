//! The words by which lines of addresses and headings are told from lines of names.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words of institutions, addresses, labels and headings, in lower case.
pub(super) static NOT_NAMES: LazyLock<HashSet<&str>> =
    LazyLock::new(|| NOT_NAMES_LIST.split_whitespace().collect());

/// Places of two capitalised words, which names look like, in lower case.
pub(super) static PLACES: LazyLock<Vec<&str>> =
    LazyLock::new(|| PLACES_LIST.split(',').map(str::trim).collect());

/// Small words inside family names, in lower case.
pub(super) const PARTICLES: &[&str] = &[
    "van", "von", "de", "der", "den", "la", "le", "di", "da", "del", "della", "dos", "das", "do",
    "du", "des", "bin", "ibn", "ben", "al", "el", "ten", "ter", "te", "zu", "zur", "af", "av", "y",
    "e", "i", "san", "st", "mac", "op", "'t", "’t",
];

const NOT_NAMES_LIST: &str = "\
january february july september october november december monday tuesday wednesday thursday \
abstract academy accepted access advisor agency amazon analysis and appendix approach \
archive article articles association australia austria author authors available \
avenue bachelor background belgium biology boulevard brazil building bureau campus \
canada care center centre centro chapter check chemistry china clinic cnrs collaboration \
college committee company computer computing conclusion conclusions conference consortium \
contents contribution copyright corp corporation correspondence corresponding council data \
deepmind degree denmark departamento department dept dipartimento discussion dissertation \
division doctor draft département e-mail eastern edition editor editors email engineering \
epfl equal eth facebook facultad faculty faculté fax figure finland for foundation \
from germany gmbh google graduate group health history hochschule hospital ibm inc \
india informatics information inria institut institute instituto international \
introduction issue istituto italy japan journal keywords kingdom korea lab \
laboratoire laboratories laboratory labs learning library license llc ltd master material \
materials mathematics medicine method methods microsoft ministry mit model models museum \
national need netherlands network networks northern norway note notes nvidia observatory \
of office open openai original paper papers part philosophy phone physics \
politecnico polytechnic polytechnique portugal preprint proceedings project published \
received references report repository republic research reserved results review revised \
rights road russia school science sciences section singapore society software southern \
spain statement states statistics street study submitted summary supervisor supplementary \
survey sweden switzerland system systems table taiwan team technical technologies \
technology the theory thesis toward towards trust uk united univ universidad \
universidade universitat universiteit university università universität université updates \
usa using via volume western with";

const PLACES_LIST: &str = "\
new york, new zealand, new jersey, new mexico, new delhi, new haven, hong kong, san \
francisco, san diego, san jose, los angeles, los alamos, palo alto, mountain view, menlo \
park, college park, university park, ann arbor, santa clara, santa barbara, santa cruz, \
las vegas, salt lake, south korea, north carolina, south carolina, south africa, saudi \
arabia, sri lanka, costa rica, great britain, tel aviv, buenos aires, rio de janeiro, são \
paulo, sao paulo, cape town, baton rouge, el paso, st louis, st. louis, redwood city, \
kansas city, mexico city, chapel hill, oak ridge, stony brook, murray hill, cold spring \
harbor, woods hole, cambridge ma, northern ireland, the hague, den haag, abu dhabi, kuala \
lumpur, ho chi minh, los gatos";
