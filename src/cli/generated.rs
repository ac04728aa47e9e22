//! Texts that are made from the definitions of the arguments: what makes a shell complete them, and manual pages.
//!
//! What stands in a page besides the options is `manual`'s. Invariant: no option is named here, and none is left out.

use std::io::{self, Write};

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
    let name = grammar.get_name().to_owned();
    written(|script| {
        clap_complete::generate(format, &mut grammar, name, script);
        Ok(())
    })
}

/// A manual page, as troff reads it.
pub(super) fn man(page: Option<Page>, mut grammar: Command) -> String {
    grammar.build();
    let (command, about, sections, other) = match page {
        None => (
            grammar.clone(),
            manual::DESCRIPTION.to_owned(),
            manual::sections().to_vec(),
            "udpchat-simulate",
        ),
        Some(Page::Simulate) => {
            let command = grammar.find_subcommand("simulate").unwrap_or(&grammar).clone();
            let about = command.get_long_about().map(ToString::to_string);
            (command, about.unwrap_or_default(), Vec::new(), "udpchat")
        }
    };
    let name = command.get_display_name().unwrap_or(command.get_name());
    let mut roff = Roff::new();
    section(&mut roff, "Description", &about);
    let description = roff.to_roff();
    let mut roff = Roff::new();
    for (title, body) in sections {
        section(&mut roff, title, &body);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold(other), roman("(1)")]);
    let rest = roff.to_roff();
    let title = name.to_uppercase();
    // No date: the page is as old as its version.
    let head = format!(
        ".TH {title} 1 \"\" \"udpchat {}\" \"User Commands\"\n",
        env!("CARGO_PKG_VERSION")
    );
    let man = Man::new(command);
    written(|page| {
        page.write_all(head.as_bytes())?;
        man.render_name_section(page)?;
        man.render_synopsis_section(page)?;
        page.write_all(description.as_bytes())?;
        man.render_options_section(page)?;
        page.write_all(rest.as_bytes())
    })
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
            // Lines of 80 columns, as `--help` has them, fit a terminal of 80.
            roff.control("in", ["2n"]).control("nf", []);
        }
        for line in paragraph.lines() {
            let indented = line.strip_prefix("  ").unwrap_or(line);
            roff.text([roman(if has_columns { indented } else { line.trim_start() })]);
        }
        if has_columns {
            roff.control("fi", []).control("in", []);
        }
    }
}

/// What is written, as a text.
#[expect(
    clippy::expect_used,
    reason = "memory takes everything, and it is text that is written"
)]
fn written(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("memory takes everything");
    String::from_utf8(bytes).expect("texts were written")
}
