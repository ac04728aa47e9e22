//! The two ends of a client's terminal: the lines that are typed, and the printer for what is answered.
//!
//! With a terminal on both sides there is a prompt with a line editor, or the full screen (`screen`); otherwise plain lines are read
//! and there is neither. How all look and sound is decided here, once.
//! Invariant: `run_input` ends with a command to leave or `Input::Interrupt` handed over, unless the program has ended before.

use std::io::{self, BufRead, BufReader, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use crate::cli::args_screen::{Bell, ScreenOptions};
use crate::cli::bell::Ringer;
use crate::cli::commands::{Parsed, Typist};
use crate::cli::focus::Focus;
use crate::cli::format::Format;
use crate::cli::front::Front;
use crate::cli::gate::Gate;
use crate::cli::grammar::Grammar;
use crate::cli::heard::Heard;
use crate::cli::hook::Hook;
use crate::cli::line_history::LineHistory;
use crate::cli::paint::Paint;
use crate::cli::plain::{self, Line};
use crate::cli::printer::{Look, Printer, Screen};
use crate::cli::prompt::{Aids, Prompt};
use crate::cli::screen::{self, Keys};
use crate::cli::streams::{self, write_out};
use crate::cli::terminal::{PLAIN_AGAIN, Saved};
use crate::client::interface::Command;
use crate::id::Name;
use crate::limits;

/// Whether more input is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Yes.
    Continue,
    /// No: the program is ending.
    Stop,
}

/// What was typed, for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A command, in its turn. The end of the input is one too: it leaves when all before it was taken.
    Command(Command),
    /// Ctrl+C at the prompt: the person leaves, whatever waits.
    Interrupt,
}

/// The typing end. To be run on a thread of its own, which may be left behind at the end of the program.
pub struct Console {
    own: Name,
    grammar: &'static Grammar,
    format: Format,
    paint: Paint,
    prompt: Option<Prompt>,
    keys: Option<Keys>,
    heard: Arc<Heard>,
}

/// Who is to talk, and how.
pub(super) struct Talk {
    /// His name.
    pub(super) own: Name,
    /// How his lines are read.
    pub(super) grammar: &'static Grammar,
    /// To whom lines go at the start that are no command.
    pub(super) focus: Option<Focus>,
    /// In which tongue.
    pub(super) format: Format,
    /// How it looks and sounds.
    pub(super) screen: ScreenOptions,
    /// What is run for messages.
    pub(super) hook: Option<Hook>,
    /// Where what is typed is kept.
    pub(super) history: LineHistory,
}

/// Puts the terminal back as it was found. To be dropped after the printer has finished.
pub struct Closing {
    gate: Arc<Gate>,
    saved: Option<Saved>,
}

/// Looks at the terminal and prepares both ends.
///
/// # Errors
/// A thread could not be started.
pub(super) fn open(talk: Talk) -> io::Result<(Console, Front)> {
    let gate = Arc::new(Gate::default());
    let look = look(&talk);
    let heard = Arc::new(Heard::with_focus(talk.focus.clone()));
    let saved = Saved::take(PLAIN_AGAIN);
    let (keys, screen) = if can_be_filled(&talk) {
        let (keys, teller, curtain) = screen::open(&talk, look.clone(), &heard)?;
        (Some(keys), Some((teller, curtain)))
    } else {
        (None, None)
    };
    let is_filled = talk.screen.full && keys.is_some();
    let prompt = if is_for_people(talk.format) && !is_filled {
        let aids = Aids {
            own: talk.own.clone(),
            grammar: talk.grammar,
            paint: look.paint,
            history: talk.history,
        };
        with_prompt(&gate, &heard, aids)?
    } else {
        None
    };
    let (prompt, above) = prompt.unzip();
    let saved = prompt.as_ref().and(saved);
    if let Some(saved) = &saved {
        saved.keep_for_the_end();
    }
    let front = Front {
        screen,
        printer: Printer::new(above, talk.format, look.clone(), Arc::clone(&heard)),
        hook: talk.hook,
        format: talk.format,
        heard: Arc::clone(&heard),
        closing: Closing { gate, saved },
    };
    let console = Console {
        own: talk.own,
        grammar: talk.grammar,
        format: talk.format,
        paint: look.paint,
        prompt,
        keys,
        heard,
    };
    Ok((console, front))
}

/// Whether somebody types and reads.
fn is_for_people(format: Format) -> bool {
    format == Format::Lines && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Whether the screen can be filled.
fn can_be_filled(talk: &Talk) -> bool {
    let is_able = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    is_for_people(talk.format) && is_able
}

/// Colours and bell: for people only, and the bell only where one can ring.
fn look(talk: &Talk) -> Look {
    let Talk {
        own, format, screen, ..
    } = talk;
    if *format == Format::Json {
        return Look::default();
    }
    let terminal = io::stdout().is_terminal();
    let ringer = Ringer {
        bell: screen.bell,
        own: own.clone(),
    };
    Look {
        paint: Paint::new(screen.colors, terminal, |name| std::env::var_os(name)),
        ringer: Some(ringer).filter(|ringer| terminal && ringer.bell != Bell::Off),
    }
}

type Ends = (Prompt, Screen);

/// A prompt and its screen; `None` on a terminal that cannot move its cursor.
fn with_prompt(gate: &Arc<Gate>, heard: &Arc<Heard>, aids: Aids) -> io::Result<Option<Ends>> {
    match Prompt::open(Arc::clone(gate), Arc::clone(heard), aids) {
        Ok((prompt, editor)) => {
            let screen = Screen::start(Arc::clone(gate), editor, Box::new(write_out))?;
            Ok(Some((prompt, screen)))
        }
        Err(error) => {
            tracing::debug!(%error, "no prompt on this terminal");
            Ok(None)
        }
    }
}

impl Console {
    /// Reads lines and hands over commands until the input ends, `submit` says stop, or Ctrl+C is typed at the
    /// prompt. Hands that over last, and leaves the terminal as it was found: another Ctrl+C is a
    /// signal then. What is wrong with a line is answered here.
    pub fn run_input(self, submit: impl FnMut(Input) -> Flow) {
        let Self {
            own,
            grammar,
            format,
            paint,
            prompt,
            keys,
            heard,
        } = self;
        let mut hands = Hands {
            own,
            grammar,
            format,
            paint,
            heard,
            submit,
            answer: write_out,
        };
        match (prompt, keys) {
            (Some(prompt), keys) => hands.run_prompt(prompt, keys),
            (None, Some(keys)) => keys.run_input(None, hands.submit),
            (None, None) => hands.run_plain(&mut BufReader::new(streams::Input)),
        }
    }
}

/// What carries commands from lines to the client, and answers to the person.
struct Hands<S, A> {
    own: Name,
    grammar: &'static Grammar,
    format: Format,
    paint: Paint,
    heard: Arc<Heard>,
    submit: S,
    answer: A,
}

impl<S: FnMut(Input) -> Flow, A: FnMut(&str) -> io::Result<()>> Hands<S, A> {
    /// `keys`: of the full screen, which may take the prompt's place.
    fn run_prompt(&mut self, mut prompt: Prompt, mut keys: Option<Keys>) {
        prompt.recall();
        // For completion. Whether more input is wanted is asked again with the first line.
        (self.submit)(Input::Command(Command::Names));
        let end = loop {
            match prompt.read_line() {
                Ok(Line::End) => break Input::Command(Command::Leave),
                Ok(Line::Interrupt) => break Input::Interrupt,
                Ok(line) => {
                    let parsed = self.parse(line);
                    if parsed == Parsed::FullScreen
                        && let Some(keys) = keys.take()
                    {
                        // The terminal is the screen's from here on.
                        let typed = prompt.typed();
                        drop(prompt);
                        return keys.run_input(Some(typed), &mut self.submit);
                    }
                    if self.act(parsed) == Flow::Stop {
                        return;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "the terminal is gone");
                    break Input::Command(Command::Leave);
                }
            }
        };
        // The terminal is given back before the command is: from here on Ctrl+C is a signal.
        drop(prompt);
        self.end(end);
    }

    fn run_plain(&mut self, input: &mut impl BufRead) {
        // What is sent before the registration would be said to wait.
        if !self.heard.begun.wait(SILENCE) {
            return;
        }
        loop {
            match plain::read_line(input, self.format.line_bytes_max()) {
                Ok(Line::End) => break,
                Ok(line) => {
                    let parsed = self.parse(line);
                    if self.act(parsed) == Flow::Stop {
                        return;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "standard input failed");
                    break;
                }
            }
        }
        self.end(Input::Command(Command::LeaveSettled));
    }

    fn parse(&self, line: Line) -> Parsed {
        let focus = self.heard.attention.current();
        let typist = Typist {
            own: &self.own,
            focus: focus.as_ref(),
        };
        read(line, self.format, |line| {
            (self.grammar.parse)(self.format, line, typist)
        })
    }

    /// What one line asks for: to the client, or answered.
    fn act(&mut self, parsed: Parsed) -> Flow {
        match parsed {
            Parsed::Command(command) => {
                let last = command == Command::Leave;
                self.heard.attention.typed(&command);
                let flow = (self.submit)(Input::Command(command));
                if last { Flow::Stop } else { flow }
            }
            Parsed::Focus(focus) => {
                self.heard.attention.turn(focus);
                Flow::Continue
            }
            parsed => {
                if let Parsed::Quiet(on) = parsed {
                    self.heard.quiet.set(on);
                }
                self.answer(&parsed)
            }
        }
    }

    fn answer(&mut self, parsed: &Parsed) -> Flow {
        let lines = self.paint.answer(parsed, self.format.answer(parsed));
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        match (self.answer)(&text) {
            Ok(()) => Flow::Continue,
            Err(error) => {
                tracing::debug!(%error, "nobody reads the answers");
                self.leave();
                Flow::Stop
            }
        }
    }

    fn leave(&mut self) {
        self.end(Input::Command(Command::Leave));
    }

    fn end(&mut self, end: Input) {
        // Whether more input is wanted does not matter: there is none.
        (self.submit)(end);
    }
}

/// Before the first line of a pipe, so long without a registration: all attempts at the registry, with all the patience that
/// progress can earn them.
const SILENCE: Duration = limits::ATTEMPTS_TOTAL;

/// A line as a command, or as what is wrong with it.
fn read(line: Line, format: Format, parse: impl Fn(&str) -> Parsed) -> Parsed {
    match line {
        Line::Text(text) => parse(&text),
        Line::TooLong(start, more) => match parse(&start) {
            Parsed::TooLarge(bytes) => Parsed::TooLarge(bytes.saturating_add(more)),
            wrong @ Parsed::Wrong(_) => wrong,
            _ => Parsed::Wrong(format!("A line has at most {} bytes.", format.line_bytes_max())),
        },
        Line::NotText => Parsed::Wrong("The line is not valid UTF-8.".to_owned()),
        Line::End | Line::Interrupt => Parsed::Nothing,
    }
}

impl Closing {
    /// To be called when the program is about to end: the printer shall not wait for the editor any more.
    pub fn hurry(&self) -> impl Fn() + Send + 'static {
        let gate = Arc::clone(&self.gate);
        move || gate.hurry()
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.gate.hurry();
        if let Some(saved) = &self.saved
            && self.gate.end_drawing()
        {
            saved.restore();
        }
    }
}

#[cfg(test)]
#[path = "console_tests.rs"]
mod tests;
