//! What the documents say of the program, compared with the program.
//!
//! Commands and options are written where they are made; README.md repeats them for readers (its lines are compared in
//! `src/cli/render_tests.rs`). Wording beyond that is not checked.
//! Invariant: README.md names every command and option that there is, and a path that a document names exists.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "all of this is test: what fails here fails loudly"
)]

use std::path::Path;
use std::process::Command;

use udpchat::cli::args;
use udpchat::cli::commands::TABLE;
use udpchat::cli::spellings::aliases;
use udpchat::cli::surroundings::Nowhere;

fn document(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_readme_names_every_command() {
    let readme = document("README.md");
    for entry in TABLE {
        assert!(
            readme.contains(&format!("| `{}` |", entry.usage())),
            "README.md lacks {}",
            entry.usage()
        );
    }
    for (alias, means) in aliases() {
        let row =
            |line: &str| line.contains(&format!("`{alias}`")) && line.contains(&format!("| `{means}` |"));
        assert!(readme.lines().any(row), "README.md lacks {alias} for {means}");
    }
}

#[test]
fn the_readme_names_every_option_and_exit_code() {
    let readme = document("README.md");
    let help = args::parse(["udpchat", "--help"].map(Into::into), &Nowhere).unwrap_err();
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
    for code in 0..=11 {
        assert!(
            readme.contains(&format!("| {code} | ")),
            "README.md lacks exit code {code}"
        );
    }
}

#[test]
fn the_readme_shows_a_simulation_as_it_is() {
    let readme = document("README.md");
    let (_, from_there) = readme.split_once("\n$ udpchat simulate").unwrap();
    let (command, after) = from_there.split_once('\n').unwrap();
    let (shown, _) = after.split_once("```").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_udpchat"))
        .arg("simulate")
        .args(command.split_whitespace())
        .output()
        .unwrap();
    assert_eq!(
        shown,
        String::from_utf8(output.stdout).unwrap(),
        "README.md shows another simulation"
    );
}

/// All documents: those at the root, and `docs/`.
fn documents() -> Vec<String> {
    let at_root = entries()
        .into_iter()
        .filter(|path| path.ends_with(".md") && (!path.contains('/') || path.starts_with("docs/")));
    let found: Vec<String> = at_root.collect();
    assert!(found.len() >= 7, "{found:?}");
    found
}

/// Every file and folder of the repository, from its root.
fn entries() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if name == ".git" || name.ends_with("target") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            }
            found.push(name);
        }
    }
    found.sort();
    found
}

/// What stands in backticks, word by word, outside of blocks of code.
fn words_of_code(document: &str) -> Vec<&str> {
    let text = document.split("```").step_by(2);
    text.flat_map(|text| text.split('`').skip(1).step_by(2))
        .flat_map(str::split_whitespace)
        .collect()
}

/// Whether this looks like a path of the repository: in one of its folders, or a source, a text or a setting.
fn is_path(word: &str) -> bool {
    let folder = word.split_once('/').is_some_and(|(first, _)| {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(first).is_dir() && !first.is_empty()
    });
    let kind = [".rs", ".md", ".toml", ".sql", ".hex"]
        .iter()
        .any(|end| word.ends_with(end));
    folder || (kind && !word.starts_with(['$', '/', '~']))
}

/// `{a,b}` written out.
fn alternatives(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else {
        return vec![path.to_owned()];
    };
    let (inside, after) = rest.split_once('}').unwrap();
    inside
        .split(',')
        .flat_map(|choice| alternatives(&format!("{before}{choice}{after}")))
        .collect()
}

/// Whether a path is meant by a pattern: `*` and `<role>` stand for anything.
fn fits(pattern: &str, path: &str) -> bool {
    let (hole, rest) = match (pattern.strip_prefix('*'), pattern.strip_prefix('<')) {
        (Some(rest), _) => (true, rest),
        (_, Some(named)) => (true, named.split_once('>').unwrap().1),
        _ => (false, pattern),
    };
    if hole {
        return (0..=path.len()).any(|at| path.is_char_boundary(at) && fits(rest, &path[at..]));
    }
    let (mut pattern, mut path) = (pattern.chars(), path.chars());
    match (pattern.next(), path.next()) {
        (Some(wanted), Some(found)) => wanted == found && fits(pattern.as_str(), path.as_str()),
        (wanted, found) => wanted == found,
    }
}

/// Whether a word of a document means this path: from the root, or from a folder that the sentence is about.
fn means(word: &str, path: &str) -> bool {
    let pattern = word.trim_end_matches('/');
    fits(pattern, path) || fits(&format!("*/{pattern}"), path)
}

#[test]
fn the_readers_here_read() {
    assert_eq!(words_of_code("a `b c` d\n```\n`e`\n```\n`f`"), ["b", "c", "f"]);
    assert_eq!(alternatives("src/{id,clock}.rs"), ["src/id.rs", "src/clock.rs"]);
    for (word, path, meant) in [
        ("src/store/<role>*.rs", "src/store/client_inbox.rs", true),
        ("tests/wire/", "tests/wire", true),
        ("codec.rs", "src/wire/codec.rs", true),
        ("codec.rs", "src/wire/xcodec.rs", false),
        ("tests/program/release.rs", "tests/program/operators.rs", false),
    ] {
        assert_eq!(means(word, path), meant, "{word} {path}");
    }
    assert!(is_path("scripts/test") && is_path("limits.rs") && !is_path("Initial/Retry"));
}

#[test]
fn paths_in_documents_exist() {
    let entries = entries();
    let mut faults = Vec::new();
    // What a change log names may be gone since.
    for path in documents().iter().filter(|path| *path != "CHANGELOG.md") {
        let text = document(path);
        for word in words_of_code(&text).into_iter().filter(|word| is_path(word)) {
            for word in alternatives(word) {
                if !entries.iter().any(|entry| means(&word, entry)) {
                    faults.push(format!("{path} names {word}"));
                }
            }
        }
    }
    assert_eq!(faults, [""; 0]);
}

#[test]
fn the_architecture_says_where_every_test_is() {
    let architecture = document("ARCHITECTURE.md");
    let words: Vec<String> = words_of_code(&architecture)
        .into_iter()
        .filter(|word| word.starts_with("tests/") && *word != "tests/")
        .flat_map(alternatives)
        .collect();
    let tests = entries().into_iter().filter(|path| {
        path.strip_prefix("tests/")
            .is_some_and(|name| !name.contains('/'))
    });
    let unnamed: Vec<String> = tests
        .filter(|path| !words.iter().any(|word| fits(word.trim_end_matches('/'), path)))
        .collect();
    assert_eq!(unnamed, [""; 0], "ARCHITECTURE.md, how it is tested");
}

#[test]
fn links_between_documents_lead_somewhere() {
    for path in &documents() {
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
