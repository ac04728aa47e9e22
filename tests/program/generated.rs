//! What the built program prints of its own arguments, as those read it for whom it is: shells, and readers of manual pages.
//!
//! A reader that is not installed is left out, and that is said.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests fail as tests do, and say what they leave out"
)]

use std::io::ErrorKind;
use std::process::Command;

use crate::common::PROGRAM;

fn printed(arguments: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a reader says of a file with this text; `None`: there is no such reader here. Its last argument is the file.
fn read_by(reader: &[&str], text: &str) -> Option<(bool, String)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("text");
    std::fs::write(&file, text).unwrap();
    let (program, arguments) = reader.split_first().unwrap();
    let output = Command::new(program)
        .args(arguments)
        .arg(&file)
        .env("HOME", folder.path())
        .env("LC_ALL", "C.UTF-8")
        .output();
    match output {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            Some((
                output.status.success(),
                String::from_utf8_lossy(&said).into_owned(),
            ))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("skipped: {program} is not installed");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

fn expect(reader: &[&str], text: &str, expected: &str) {
    if let Some((succeeded, said)) = read_by(reader, text) {
        assert!(succeeded && said.trim_end() == expected, "{reader:?}: {said}");
    }
}

#[test]
fn bash_completes_options() {
    let script = printed(&["completions", "bash"]);
    expect(&["bash", "-n"], &script, "");
    for (before, word, completed) in [
        (&["udpchat"][..], "--ephe", "--ephemeral"),
        (&["udpchat", "simulate"], "--no-", "--no-registry"),
        (&["udpchat", "completions"], "f", "fish"),
    ] {
        // As bash does it: the function that is registered is called with the command, the word, and the one before.
        let complete = format!(
            "source \"$0\"; completer=$(complete -p udpchat | sed 's/.* -F \\([^ ]*\\) .*/\\1/'); \
             COMP_WORDS=({} {word}); COMP_CWORD={}; $completer udpchat {word} {}; echo \"${{COMPREPLY[*]}}\"",
            before.join(" "),
            before.len(),
            before.last().unwrap()
        );
        expect(&["bash", "--norc", "-c", &complete], &script, completed);
    }
}

#[test]
fn zsh_and_fish_complete_options() {
    let zsh = printed(&["completions", "zsh"]);
    expect(&["zsh", "-f", "-n"], &zsh, "");
    let register = "autoload -U compinit; compinit -u -D; source \"$0\"; print ${_comps[udpchat]}";
    expect(&["zsh", "-f", "-c", register], &zsh, "_udpchat");
    let fish = printed(&["completions", "fish"]);
    expect(&["fish", "--no-execute"], &fish, "");
    let complete = "source $argv[1]; complete -C 'udpchat --ephe'";
    expect(
        &["fish", "--no-config", "-c", complete],
        &fish,
        "--ephemeral\tKeep everything in memory, leave nothing behind",
    );
}

/// The long names of all options in a help.
fn options(help: &str) -> Vec<&str> {
    let lines = help
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with('-'));
    lines
        .filter_map(|line| line.split([' ', ',', '.']).find(|word| word.starts_with("--")))
        .collect()
}

#[test]
fn manual_pages_are_well_formed_and_have_every_option() {
    for (page, help, least) in [
        (&["man"][..], &["--help"][..], 20),
        (&["man", "simulate"], &["simulate", "--help"], 20),
    ] {
        let text = printed(page);
        if let Some((_, said)) = read_by(&["groff", "-man", "-Tutf8", "-ww", "-z"], &text) {
            assert_eq!(said, "", "{page:?}");
        }
        if let Some((_, said)) = read_by(&["mandoc", "-T", "lint", "-W", "warning"], &text) {
            let faults: Vec<&str> = said
                .lines()
                .filter(|line| !line.contains("missing date"))
                .collect();
            assert_eq!(faults, [""; 0], "{page:?}");
        }
        let help = printed(help);
        let options = options(&help);
        assert!(options.len() >= least, "the help was read: {options:?}");
        let unescaped = text.replace('\\', "");
        for option in options {
            assert!(
                unescaped.contains(&format!("fB{option}fR")),
                "{page:?} lacks {option}"
            );
        }
    }
    let text = printed(&["man"]).replace('\\', "");
    for part in [
        "EXAMPLES",
        "FILES",
        "CONFIGURATION",
        "ENVIRONMENT",
        "EXIT CODES",
        "send <name> <text>",
        "profile",
    ] {
        assert!(text.contains(part), "{part}");
    }
}
