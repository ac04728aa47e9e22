//! Texts that are made from the definitions of the arguments: what makes a shell complete them, and manual pages.
//!
//! What stands in a page besides the options is `manual`'s. Invariant: no option is named here, and none is left out.

use clap::{Command, ValueEnum};
use clap_complete::Shell as Format;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::manual;

/// A shell that completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// A manual page besides udpchat(1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Page {
    Simulate,
}

/// Has a shell complete these arguments.
pub(super) fn completions(shell: Shell, mut grammar: Command) -> String {
    let format = match shell {
        Shell::Bash => Format::Bash,
        Shell::Zsh => Format::Zsh,
        Shell::Fish => Format::Fish,
    };
    let mut script = Vec::new();
    let name = grammar.get_name().to_owned();
    clap_complete::generate(format, &mut grammar, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// A manual page, as troff reads it.
pub(super) fn man(page: Option<Page>, mut grammar: Command) -> String {
    grammar.build();
    let own = page.map(|page| match page {
        Page::Simulate => "simulate",
    });
    let command = own
        .and_then(|name| grammar.find_subcommand(name))
        .unwrap_or(&grammar);
    let version = format!("{} {}", grammar.get_name(), env!("CARGO_PKG_VERSION"));
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let title = name.to_uppercase();
    let mut head = Roff::new();
    head.control("TH", [&*title, "1", "", &version, "User Commands"]);
    head.control("SH", ["NAME"]);
    head.text([roman(format!(
        "{name} - {}",
        command.get_about().map(ToString::to_string).unwrap_or_default()
    ))]);
    let mut tail = Roff::new();
    match own {
        None => {
            for (title, body) in manual::sections() {
                section(&mut tail, title, &body);
            }
            see_also(&mut tail, "udpchat-simulate");
        }
        Some(_) => see_also(&mut tail, "udpchat"),
    }
    let mut description = Roff::new();
    let about = match own {
        None => manual::DESCRIPTION.to_owned(),
        Some(_) => command
            .get_long_about()
            .map(ToString::to_string)
            .unwrap_or_default(),
    };
    section(&mut description, "Description", &about);
    let man = Man::new(command.clone());
    let mut page = head.to_roff().into_bytes();
    let options = man.render_synopsis_section(&mut page).and_then(|()| {
        page.extend_from_slice(description.to_roff().as_bytes());
        man.render_options_section(&mut page)
    });
    page.extend_from_slice(tail.to_roff().as_bytes());
    debug_assert!(options.is_ok(), "memory takes everything");
    String::from_utf8_lossy(&page).into_owned()
}

/// A section as `--help` has it: paragraphs flow, and what stands in columns stays so.
fn section(roff: &mut Roff, title: &str, body: &str) {
    roff.control("SH", [&*title.to_uppercase()]);
    for (number, paragraph) in body.trim_end().split("\n\n").enumerate() {
        if number > 0 {
            roff.control("PP", []);
        }
        let has_columns = paragraph.lines().any(|line| line.trim_start().contains("  "));
        if has_columns {
            roff.control("nf", []);
        }
        for line in paragraph.lines() {
            let line = if has_columns {
                line.strip_prefix("  ").unwrap_or(line)
            } else {
                line.trim_start()
            };
            roff.text([roman(line)]);
        }
        if has_columns {
            roff.control("fi", []);
        }
    }
}

fn see_also(roff: &mut Roff, page: &str) {
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold(page), roman("(1)")]);
}
