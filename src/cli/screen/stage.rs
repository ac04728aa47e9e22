//! The full screen on a real terminal: keys come in on one thread, what the client tells on another, and both draw.
//!
//! What is shown is `model`'s to say, how it is drawn `view`'s. Invariants: what was told is on the screen when `show` returns; the
//! terminal is put back on every way out: the end, an error, a signal, a panic; after that nothing is drawn, and what is told is the
//! printer's.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crossterm::event::{self, Event as Typed};
use ratatui_core::layout::{Position, Rect};
use ratatui_core::terminal::Terminal;
use ratatui_crossterm::CrosstermBackend;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcsetattr};

use super::keys::{Next, as_typed_here, is_kept};
use super::model::{Model, Settings, partner_of};
use super::view::{self, Parts};
use crate::cli::bell::{RING, Ringer};
use crate::cli::console::{Flow, Input, Talk};
use crate::cli::focus::Focus;
use crate::cli::heard::Heard;
use crate::cli::line_history::LineHistory;
use crate::cli::printer::{Look, Printer};
use crate::cli::streams::write_out;
use crate::cli::terminal::{Saved, restore_now};
use crate::cli::{paint, render};
use crate::client::interface::{Command, Notice};
use crate::runtime::clock;

/// How often it is asked how the paths are, while nothing is typed.
const TICK: Duration = Duration::from_secs(2);

/// To the other screen, which has nothing on it; pastes are bracketed.
const BEGIN: &str = "\x1b[?1049h\x1b[?2004h\x1b[2J";
/// And back to the first, which is as it was.
const END: &str = "\x1b[0m\x1b[?2004l\x1b[?1049l\x1b[?25h";

/// The typing end. To be run on a thread of its own.
pub(in crate::cli) struct Keys {
    shared: Arc<Shared>,
    heard: Arc<Heard>,
    history: LineHistory,
}

/// Leaves when it is dropped, so that a panic leaves too: nobody could press Ctrl+D any more.
struct Leaving<S: FnMut(Input) -> Flow> {
    submit: S,
    shared: Arc<Shared>,
}

impl<S: FnMut(Input) -> Flow> Drop for Leaving<S> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.shared.lock().give_back();
        }
        // Whether more input is wanted does not matter: there is none.
        (self.submit)(Input::Command(Command::Leave));
    }
}

/// The telling end.
pub(in crate::cli) struct Teller {
    shared: Arc<Shared>,
    heard: Arc<Heard>,
    ringer: Option<Ringer>,
}

/// Puts the terminal back when it is dropped, and says there why the program has ended.
pub(in crate::cli) struct Curtain {
    shared: Arc<Shared>,
}

struct Shared {
    saved: Saved,
    stage: Mutex<Stage>,
    /// A panic has given the terminal back, on whatever thread.
    panicked: Arc<AtomicBool>,
}

struct Stage {
    model: Model,
    /// While the screen is the program's.
    terminal: Option<Terminal<CrosstermBackend<Sheet>>>,
    /// What is told is for the screen, also before it is taken.
    is_ours: bool,
    ended: bool,
}

/// What is drawn, until it is written all at once.
#[derive(Default)]
struct Sheet(Vec<u8>);

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // The library writes text and escape sequences, and only whole ones before it flushes.
        let text = String::from_utf8(std::mem::take(&mut self.0)).map_err(io::Error::other)?;
        write_out(&text)
    }
}

/// Prepares both ends; what is told is the screen's at once if that is wanted, otherwise when the keys are read. Nothing is drawn
/// before.
///
/// # Errors
/// Standard input is no terminal.
pub(in crate::cli) fn open(
    talk: &Talk,
    look: Look,
    heard: &Arc<Heard>,
) -> io::Result<(Keys, Teller, Curtain)> {
    let saved = Saved::take(END).ok_or_else(|| io::Error::other("standard input is no terminal"))?;
    let settings = Settings {
        own: talk.own.clone(),
        grammar: talk.grammar,
        heard: Arc::clone(heard),
        paint: look.paint,
        offset_at: render::local_offset,
    };
    let shared = Arc::new(Shared {
        saved,
        stage: Mutex::new(Stage {
            model: Model::new(settings, clock::now().wall),
            terminal: None,
            is_ours: talk.screen.full,
            ended: false,
        }),
        panicked: Arc::default(),
    });
    let keys = Keys {
        shared: Arc::clone(&shared),
        heard: Arc::clone(heard),
        history: talk.history.clone(),
    };
    let teller = Teller {
        shared: Arc::clone(&shared),
        heard: Arc::clone(heard),
        ringer: look.ringer,
    };
    Ok((keys, teller, Curtain { shared }))
}

impl Keys {
    /// Takes the screen, reads keys and hands over what is wanted of the client, until the person leaves, `submit` says stop, or
    /// the terminal is gone. `typed`: at the prompt, if there was one.
    pub(in crate::cli) fn run_input(mut self, typed: Option<Vec<String>>, submit: impl FnMut(Input) -> Flow) {
        let shared = Arc::clone(&self.shared);
        let mut leaving = Leaving { submit, shared };
        if let Err(error) = self.read_keys(typed, &mut leaving.submit) {
            tracing::debug!(%error, "the terminal is gone");
            let mut stage = self.shared.lock();
            if stage.terminal.is_some() {
                stage.give_back();
                self.shared.saved.restore();
            }
        }
    }

    fn read_keys(
        &mut self,
        typed: Option<Vec<String>>,
        submit: &mut impl FnMut(Input) -> Flow,
    ) -> io::Result<()> {
        let kept = self.history.load();
        let past = typed.unwrap_or(kept).into_iter().map(as_typed_here).collect();
        let focus = self.heard.attention.current();
        let mut wanted = self.shared.lock().begin(&self.shared, past, focus)?;
        loop {
            for command in wanted {
                if submit(Input::Command(command)) == Flow::Stop {
                    return Ok(());
                }
            }
            let event = if event::poll(TICK)? {
                Some(event::read()?)
            } else {
                None
            };
            let mut stage = self.shared.lock();
            if stage.ended || stage.terminal.is_none() {
                return Ok(());
            }
            let typed = stage.model.input.text().to_owned();
            let next = stage.take(event);
            if next == Next::Anew {
                stage.clear()?;
            }
            stage.draw()?;
            wanted = stage.model.take_wanted();
            drop(stage);
            match next {
                Next::Leave => return Ok(()),
                Next::Typed if is_kept(&typed) => self.history.append(&typed),
                Next::Typed | Next::Key | Next::Anew => {}
            }
        }
    }
}

impl Teller {
    /// Shows what was told, and what there is to say beside: on the screen, or by the printer as long as that has the terminal. The
    /// result is what is wanted of the client.
    pub(in crate::cli) fn show(
        &mut self,
        notices: &[Notice],
        asides: &[String],
        printer: &mut Printer,
    ) -> io::Result<Vec<Command>> {
        let now = clock::now().wall;
        let may_disturb = !self.heard.quiet.is_on();
        // While it prints, the screen is not taken.
        let mut stage = self.shared.lock();
        if !stage.is_ours {
            return printer.show(notices, asides).map(|()| Vec::new());
        }
        for notice in notices {
            self.heard.told(&notice.event);
            stage.model.told(notice, now);
            self.heard.printed(&notice.event);
        }
        stage.model.aside(asides.to_vec(), paint::QUIET, now);
        let rings = |ringer: &Ringer| notices.iter().any(|notice| ringer.rings(&notice.event));
        if may_disturb && self.ringer.as_ref().is_some_and(rings) {
            write_out(RING)?;
        }
        stage.draw()?;
        // Before the keys are read, all that is wanted is theirs to hand over.
        Ok(match stage.terminal {
            Some(_) => stage.model.take_wanted(),
            None => Vec::new(),
        })
    }
}

impl Stage {
    /// Takes the screen. If that fails it is as if it had not been wanted.
    fn begin(
        &mut self,
        shared: &Shared,
        past: Vec<String>,
        focus: Option<Focus>,
    ) -> io::Result<Vec<Command>> {
        if self.ended {
            return Ok(Vec::new());
        }
        self.model.input.remember(past);
        self.model.tick();
        if let Some(focus) = focus {
            self.model.turn_to(&partner_of(&focus));
        }
        self.take_terminal(shared).inspect_err(|_| {
            self.give_back();
            shared.saved.restore();
        })?;
        Ok(self.model.take_wanted())
    }

    fn take_terminal(&mut self, shared: &Shared) -> io::Result<()> {
        let saved = &shared.saved;
        saved.keep_for_the_end();
        restore_before_panics(&shared.panicked);
        let mut raw = saved.found().clone();
        raw.make_raw();
        // Ctrl+C is a signal here as elsewhere; what would stop the program in the middle of its screen is none.
        raw.local_modes.insert(LocalModes::ISIG);
        for code in [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT] {
            raw.special_codes[code] = 0;
        }
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        write_out(BEGIN)?;
        self.is_ours = true;
        self.terminal = Some(Terminal::new(CrosstermBackend::new(Sheet::default()))?);
        self.draw()
    }

    /// The terminal is not the screen's any more: what is told is for whoever prints.
    fn give_back(&mut self) {
        self.terminal = None;
        self.is_ours = false;
    }

    /// Takes for nothing what is on the terminal. It is not asked where its cursor is: it may not answer.
    fn clear(&mut self) -> io::Result<()> {
        let Some(terminal) = &mut self.terminal else {
            return Ok(());
        };
        let area = Rect::from((Position::ORIGIN, terminal.size()?));
        terminal.resize(area)
    }

    /// Takes what has come from the terminal; `None`: nothing for a while.
    fn take(&mut self, event: Option<Typed>) -> Next {
        let now = clock::now().wall;
        match event {
            Some(Typed::Key(key)) => return self.model.key(key, now),
            Some(Typed::Paste(text)) => self.model.paste(&text, now),
            // Every drawing asks for the size.
            Some(_) => {}
            None => self.model.tick(),
        }
        Next::Key
    }

    fn draw(&mut self) -> io::Result<()> {
        let Some(terminal) = &mut self.terminal else {
            return Ok(());
        };
        let model = &mut self.model;
        terminal.draw(|frame| {
            let area = frame.area();
            model.pane = Parts::of(model, area).pane();
            let cursor = view::draw(model, area, frame.buffer_mut());
            frame.set_cursor_position(cursor);
        })?;
        Ok(())
    }
}

impl Shared {
    /// After a panic the screen is given back already: nothing is drawn any more.
    fn lock(&self) -> MutexGuard<'_, Stage> {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        if self.panicked.load(Ordering::Relaxed) {
            stage.give_back();
        }
        stage
    }
}

impl Drop for Curtain {
    fn drop(&mut self) {
        let mut stage = self.shared.lock();
        stage.ended = true;
        if stage.terminal.take().is_some() {
            self.shared.saved.restore();
        }
        let words: String = stage
            .model
            .last_words
            .iter()
            .map(|line| format!("{line}\n"))
            .collect();
        if let Err(error) = write_out(&words) {
            tracing::debug!(%error, "nobody reads the last words");
        }
    }
}

/// What a panic says is to be read, and not to be lost with the screen.
fn restore_before_panics(panicked: &Arc<AtomicBool>) {
    let report = std::panic::take_hook();
    let panicked = Arc::clone(panicked);
    std::panic::set_hook(Box::new(move |panic| {
        panicked.store(true, Ordering::Relaxed);
        restore_now();
        report(panic);
    }));
}
