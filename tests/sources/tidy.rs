//! What keeps the sources readable and the layers apart, as tests.
//!
//! Reads the files of this crate as text; knows nothing of what they do. Each rule says in its failure what
//! to do about it. The layers are those of the table in `src/lib.rs`.
//! Invariant: a rule has no exceptions but those listed beside it, each with its reason.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "all of this is test: what fails here fails loudly"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use udpchat::simulation::Invariant;

/// Lines of a file: it is read in one sitting.
const FILE_LINES_MAX: usize = 500;
/// Lines of a function: it fits a screen, or nearly.
const FUNCTION_LINES_MAX: usize = 70;
/// Lines of a file's head that say what it is.
const HEAD_LINES_MIN: usize = 3;

/// The layers, lowest first. A module may use those of lower layers and its own.
const LAYERS: &[&[&str]] = &[
    &["limits", "clock", "rate", "id", "identity", "reserved", "subnet"],
    &["wire"],
    &["transport"],
    &["engine"],
    &["node"],
    &["registry", "client"],
    &["store"],
    &["simulation"],
    &["runtime"],
    &["cli", "chat"],
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files under `folder` that end in `suffix`, in a fixed order, with their text.
fn files(folder: &str, suffix: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(suffix) {
                found.push((name(&path), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

/// Every Rust file of the crate.
fn sources() -> Vec<(String, String)> {
    ["src", "tests", "benches", "examples", "fuzz/fuzz_targets"]
        .iter()
        .flat_map(|folder| files(folder, ".rs"))
        .collect()
}

fn fail_on(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{what}:\n  {}", faults.join("\n  "));
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("_tests.rs") || path.ends_with("/tests.rs") || format!("/{path}").contains("/tests/")
}

/// The part of a file before its tests, without comments, on one line.
fn code(text: &str) -> String {
    let tests = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..tests]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The modules in `crate::name` and in `crate::{a, b::c}`.
fn modules_used(code: &str) -> Vec<&str> {
    let mut used = Vec::new();
    for (at, pattern) in code.match_indices("crate::") {
        let rest = &code[at + pattern.len()..];
        let items = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or(list).split(',').collect(),
            None => vec![rest],
        };
        used.extend(items.into_iter().map(|item| {
            let item = item.trim_start();
            let end = item.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            &item[..end.unwrap_or(item.len())]
        }));
    }
    used
}

#[test]
fn the_readers_here_read() {
    assert_eq!(
        modules_used("use crate::{wire, store::x}; crate::cli::y()"),
        ["wire", "store", "cli"]
    );
    assert_eq!(functions("fn a() {\n    1\n}\n"), [(1, 3)]);
    assert_eq!(
        sections_cited("PROTOCOL §3, §4.1 and RFC 9002 §6; PROTOCOL §2 to §6."),
        ["3", "4.1", "2", "6"]
    );
}

#[test]
fn layers_use_only_what_is_below() {
    let rank: BTreeMap<&str, usize> = LAYERS
        .iter()
        .enumerate()
        .flat_map(|(rank, names)| names.iter().map(move |name| (*name, rank)))
        .collect();
    let mut faults = Vec::new();
    for (path, text) in files("src", ".rs") {
        let inside = path.trim_start_matches("src/");
        let module = inside.split(['/', '.']).next().unwrap();
        if module == "lib" || module == "main" || is_test_file(&path) {
            continue;
        }
        let Some(own) = rank.get(module) else {
            faults.push(format!("{path}: module {module} has no place in the layers"));
            continue;
        };
        for used in modules_used(&code(&text)) {
            let allowed = rank
                .get(used)
                .is_none_or(|other| other < own || used == module || *own == 0);
            if !allowed {
                faults.push(format!("{path} uses crate::{used}, which is not below it"));
            }
        }
    }
    fail_on("a layer uses only those below it", &faults);
}

#[test]
fn every_query_says_in_what_order_it_answers() {
    let mut faults = Vec::new();
    let sources = files("src/store", ".rs").into_iter();
    for (path, text) in sources.filter(|(path, _)| !is_test_file(path)) {
        for query in text.split("\"SELECT").skip(1) {
            let query = query.split('"').next().unwrap_or_default();
            if !query.contains("ORDER BY") {
                faults.push(format!("{path}: SELECT{query}"));
            }
        }
    }
    fail_on(
        "a query without an order may answer in another one tomorrow",
        &faults,
    );
}

#[test]
fn the_map_in_lib_names_every_module() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let declared: BTreeSet<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let layered: BTreeSet<&str> = LAYERS.iter().flat_map(|names| names.iter().copied()).collect();
    assert_eq!(declared, layered, "src/lib.rs and the layers here");
    for module in declared {
        assert!(
            lib.contains(&format!("[`{module}`]")),
            "the map in src/lib.rs lacks {module}"
        );
    }
}

#[test]
fn every_file_says_what_it_is_and_what_it_keeps() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let head: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        // The roots hold nothing; tests keep what the code keeps; a fuzz target is one line.
        let root = path == "src/main.rs" || path == "src/lib.rs" || path.starts_with("fuzz/");
        let brief = root || is_test_file(&path);
        if head.len() < if brief { 1 } else { HEAD_LINES_MIN } {
            faults.push(format!("{path}: a head of {} lines", head.len()));
        }
        if !brief && !head.iter().any(|line| line.contains("Invariant")) {
            faults.push(format!("{path}: the head names no invariant"));
        }
    }
    fail_on("every file begins with a head", &faults);
}

#[test]
fn files_are_short() {
    let faults: Vec<String> = sources()
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    fail_on(
        "a file is split by responsibility before it has 500 lines",
        &faults,
    );
}

/// Where each function of a file begins, and how many lines it has. Formatted code ends one at its own indent.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let bare = line.trim_start();
        let begins = [
            "fn ",
            "pub fn ",
            "const fn ",
            "pub const fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
        ];
        if !begins.iter().any(|begin| bare.starts_with(begin)) {
            continue;
        }
        let closing = format!("{}}}", &line[..line.len() - bare.len()]);
        if let Some(len) = lines[start..].iter().position(|line| *line == closing) {
            found.push((start + 1, len + 1));
        }
    }
    found
}

#[test]
fn functions_fit_a_screen() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        // Samples are one long list each.
        if path == "tests/wire/samples.rs" {
            continue;
        }
        for (line, len) in functions(&text) {
            if len > FUNCTION_LINES_MAX {
                faults.push(format!("{path}:{line}: {len} lines"));
            }
        }
    }
    fail_on("a function is split before it has 70 lines", &faults);
}

/// The sections in `PROTOCOL §3.6`, `PROTOCOL §3, §4`, `PROTOCOL §2 to §6`.
fn sections_cited(text: &str) -> Vec<String> {
    let mut cited = Vec::new();
    for (at, pattern) in text.match_indices("PROTOCOL §") {
        let rest = &text[at + pattern.len() - '§'.len_utf8()..];
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || " §.,toand".contains(c)))
            .unwrap_or(rest.len());
        cited.extend(rest[..end].split('§').skip(1).map(|section| {
            let end = section
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(section.len());
            section[..end].trim_end_matches('.').to_owned()
        }));
    }
    cited
}

#[test]
fn every_protocol_section_cited_exists() {
    let protocol = fs::read_to_string(root().join("docs/PROTOCOL.md")).unwrap();
    let sections: BTreeSet<&str> = protocol
        .lines()
        .filter_map(|line| {
            line.trim_start_matches('#')
                .strip_prefix(' ')
                .filter(|_| line.starts_with('#'))
        })
        .filter_map(|heading| heading.split(' ').next())
        .map(|number| number.trim_end_matches('.'))
        .collect();
    let mut faults = Vec::new();
    for (path, text) in sources() {
        if path == "tests/sources/tidy.rs" {
            continue;
        }
        for section in sections_cited(&text) {
            if !sections.contains(section.as_str()) {
                faults.push(format!("{path} cites §{section}"));
            }
        }
    }
    for section in protocol
        .match_indices('§')
        .map(|(at, _)| &protocol[at + '§'.len_utf8()..])
    {
        let end = section
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(section.len());
        let number = section[..end].trim_end_matches('.');
        // Sections of RFCs are written "RFC n section m" there.
        if !number.is_empty() && !sections.contains(number) {
            faults.push(format!("docs/PROTOCOL.md refers to its own §{number}"));
        }
    }
    fail_on("a section cited is a section of docs/PROTOCOL.md", &faults);
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let reasons = fs::read_to_string(root().join("docs/DEPENDENCIES.md")).unwrap();
    let mut section = "";
    let mut faults = Vec::new();
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]")
            && let Some((name, _)) = line.split_once(" = ")
        {
            names.insert(name.to_owned());
            if !reasons.contains(&format!("| `{name}` |")) {
                faults.push(format!(
                    "{name}: no line `| `{name}` | …` in docs/DEPENDENCIES.md"
                ));
            }
        }
    }
    for line in reasons.lines() {
        if let Some(name) = line.strip_prefix("| `").and_then(|rest| rest.split('`').next())
            && !names.contains(name)
        {
            faults.push(format!("{name}: in docs/DEPENDENCIES.md, but not used"));
        }
    }
    assert!(names.len() > 10, "the manifest was read");
    fail_on("a dependency is chosen for a reason", &faults);
}

#[test]
fn every_lint_has_its_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lints = manifest.split_once("[lints.rust]").unwrap().1;
    let bare = |line: &&str| line.contains(" = ") && !line.contains(" # ");
    let faults: Vec<String> = lints.lines().filter(bare).map(str::to_owned).collect();
    fail_on("a lint is chosen for a reason, beside it", &faults);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [
        ["to", "do!"].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X:"].concat(),
        ["TO", "DO"].concat(),
    ];
    let mut faults = Vec::new();
    let scripts = ["scripts", "docs", "migrations"]
        .iter()
        .flat_map(|folder| files(folder, ""));
    for (path, text) in sources().into_iter().chain(scripts) {
        for (number, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark.as_str())) {
                faults.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    fail_on(
        "what is begun is finished, or written down in CHANGELOG.md",
        &faults,
    );
}

/// `migrations/checksums.txt` as `b2sum -l 256 */*/*.sql` writes it there.
#[test]
fn migrations_are_only_appended() {
    let listed: BTreeMap<String, String> = fs::read_to_string(root().join("migrations/checksums.txt"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, path)| (format!("migrations/{path}"), sum.to_owned()))
        .collect();
    let mut faults = Vec::new();
    let found: BTreeMap<String, String> = files("migrations", ".sql").into_iter().collect();
    for (path, text) in &found {
        let sum: String = Blake2b::<U32>::digest(text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        match listed.get(path) {
            Some(known) if *known == sum => {}
            Some(_) => faults.push(format!(
                "{path} was changed; databases have it already: add a new one"
            )),
            None => faults.push(format!(
                "{path} is new: add {sum}  {}",
                path.trim_start_matches("migrations/")
            )),
        }
    }
    for path in listed.keys().filter(|path| !found.contains_key(*path)) {
        faults.push(format!("{path} was removed"));
    }
    fail_on("a migration is never changed once others have it", &faults);
}

#[test]
fn scripts_can_be_run() {
    use std::os::unix::fs::PermissionsExt as _;
    for (path, text) in files("scripts", "").into_iter().chain(files(".ci", "")) {
        let mode = fs::metadata(PathBuf::from(root()).join(&path))
            .unwrap()
            .permissions()
            .mode();
        assert!(mode & 0o100 != 0, "{path} is not executable");
        assert!(
            text.starts_with("#!/usr/bin/env bash\n") && text.contains("set -euo pipefail"),
            "{path}: a bash script that stops at the first failure"
        );
    }
}

/// Each bug in `tests/mutations` still fits the sources, and says what it is, and what finds it.
#[test]
fn recorded_mutations_still_apply() {
    let patches = files("tests/mutations", ".patch");
    assert!(patches.len() >= 12, "{} patches were read", patches.len());
    if !root().join(".git").exists() {
        eprintln!("skipped: this is no git checkout");
        return;
    }
    let mut faults = Vec::new();
    for (path, text) in &patches {
        let named = text
            .lines()
            .find_map(|line| line.strip_prefix("# invariant: "))
            .is_some_and(|name| Invariant::ALL.iter().any(|invariant| invariant.name() == name));
        if !text.starts_with("# bug: ") || !named {
            faults.push(format!(
                "{path}: the head lacks `# bug: …`, or `# invariant: …` with a name that exists"
            ));
        }
        let check = Command::new("git")
            .args(["apply", "--check", path])
            .current_dir(root())
            .output()
            .unwrap();
        if !check.status.success() {
            faults.push(format!(
                "{path}: {}",
                String::from_utf8_lossy(&check.stderr).trim()
            ));
        }
    }
    fail_on("a recorded mutation is kept up with what it changes", &faults);
}

#[test]
fn every_invariant_is_promised_and_has_a_bug_that_it_finds() {
    let all: BTreeSet<&str> = Invariant::ALL.iter().map(|invariant| invariant.name()).collect();
    let patches = files("tests/mutations", ".patch");
    let lines = patches.iter().flat_map(|(_, text)| text.lines());
    let found: BTreeSet<&str> = lines
        .filter_map(|line| line.strip_prefix("# invariant: "))
        .collect();
    assert_eq!(found, all, "invariants that recorded bugs name, and all");
    let guarantees = fs::read_to_string(root().join("docs/GUARANTEES.md")).unwrap();
    let rows = guarantees.lines().filter(|line| line.starts_with("| "));
    let promised: BTreeSet<&str> = rows
        .filter_map(|row| row.split(" | ").nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert_eq!(promised, all, "invariants that docs/GUARANTEES.md names, and all");
}
