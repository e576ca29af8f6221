//! The rules of the house that a machine can check.

use std::path::Path;

const ORDER: &[&str] = &["ingest", "retrieval", "generation", "finetune", "app"];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn crates_depend_leftward_only() {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    let place = |name: &str| ORDER.iter().position(|known| *known == name);
    assert_eq!(
        metadata.packages.len(),
        ORDER.len(),
        "a crate was added: put it in its place in ORDER"
    );
    for package in &metadata.packages {
        let own = place(&package.name)
            .unwrap_or_else(|| panic!("{} has no place in ORDER", package.name));
        for dependency in &package.dependencies {
            if let Some(other) = place(&dependency.name) {
                assert!(
                    other < own,
                    "{} must not depend on {}",
                    package.name,
                    dependency.name
                );
            }
        }
    }
}

#[test]
fn every_path_in_the_architecture_exists() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut checked = 0;
    for quoted in text.split('`').skip(1).step_by(2) {
        let is_path = quoted.contains('/')
            && !quoted.contains([' ', '<', '{', '*', ':', '('])
            && !quoted.starts_with('/');
        if is_path {
            assert!(
                root().join(quoted).exists(),
                "ARCHITECTURE.md names {quoted}, which is not there"
            );
            checked += 1;
        }
    }
    assert!(
        checked > 20,
        "only {checked} paths were found: is the map still there?"
    );
}
