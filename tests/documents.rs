//! What the documents say of the program, compared with the program.
//!
//! Commands, options and lines are written where they are made; README.md repeats them for readers. Wording
//! beyond that is not checked.
//! Invariant: README.md names every command, option and file that there is.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "all of this is test: what fails here fails loudly"
)]

use std::path::Path;

use udpchat::cli::args;
use udpchat::cli::commands::TABLE;

fn document(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_readme_names_every_command() {
    let readme = document("README.md");
    for entry in TABLE {
        assert!(
            readme.contains(&format!("| `{}` |", entry.usage)),
            "README.md lacks {}",
            entry.usage
        );
        for alias in entry.aliases {
            assert!(readme.contains(&format!("`{alias}`")), "README.md lacks {alias}");
        }
    }
}

#[test]
fn the_readme_names_every_option_and_exit_code() {
    let readme = document("README.md");
    let help = args::parse(["udpchat", "--help"].map(Into::into)).unwrap_err();
    let options: Vec<&str> = help
        .text()
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .map(|word| word.trim_end_matches(['.', ')', ':', ';', '\'']))
        .collect();
    assert!(options.contains(&"--ephemeral"), "the help was read");
    for option in options {
        let known = ["--serve", "--chat"].contains(&option) || readme.contains(option);
        assert!(known, "README.md lacks {option}");
    }
    for code in 0..=5 {
        assert!(
            readme.contains(&format!("| {code} | ")),
            "README.md lacks exit code {code}"
        );
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    for path in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/PROTOCOL.md",
        "docs/DEPENDENCIES.md",
    ] {
        for link in document(path).split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            if target.starts_with("http") {
                continue;
            }
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
            assert!(
                folder.parent().unwrap().join(target).exists(),
                "{path} links to {target}"
            );
        }
    }
}
