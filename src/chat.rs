//! A client for other programs: connect, send, post, take what comes, close.
//!
//! A [`Chat`] is a whole client, as `udpchat -c` is one, with the program in the place of the person. It blocks: no runtime
//! is needed, and no call returns before what it says is true. This is a service that answers whoever writes to it:
//!
//! ```no_run
//! use udpchat::chat::{Chat, Event};
//!
//! fn main() -> Result<(), udpchat::chat::Error> {
//!     let chat = Chat::connect("echo", "127.0.0.1:12345")?;
//!     for event in chat.events() {
//!         if let Event::Message(message) = event {
//!             chat.send(&message.from, &message.text)?;
//!         }
//!     }
//!     chat.close()
//! }
//! ```
//!
//! What holds for messages is what holds for those of a person (`docs/GUARANTEES.md`):
//!
//! - **A text that [`Chat::send`] or [`Chat::post`] has accepted is on this machine's disk.** [`Event::Sent`] then says what is
//!   true of it until it is delivered, refused or expired, also in later runs with the same folder.
//! - **Each message is handed out once, and in its sender's order.** What the program has taken counts as seen: a
//!   later run does not hand it out again. What it has not taken, a later run hands out. A crash may repeat the last that was
//!   taken (its being seen was not on the disk yet); it has the same [`MessageId`] then. What was taken and not yet worked on
//!   is the program's to remember.
//! - **Nothing is lost where the program is slow.** Some thousand events are kept for it; then the client takes no more from
//!   others, who keep what they have. While the program sends, more is kept, because the answer comes behind it (at
//!   most 512 MiB of texts, where that much had come before): one thread that takes and sends in turn may fall behind by as much
//!   again. Then [`Error::Unread`] says that a text was not taken, and the
//!   program sets some events aside before it sends that one (`examples/inbox/mod.rs`).
//!
//! With [`Options::ephemeral`] all of this ends with the `Chat`, because there is no disk.
//!
//! All of its calls can be made by several threads at the same time. A process may have several `Chat`s, each with a name of
//! its own.
//!
//! Invariant: no call waits for ever because of what others do or do not, but for those that wait for the next event.

mod desk;
mod error;
mod event;
mod options;
mod translate;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::bounded;

pub use crate::chat::error::{Error, NotDone, NotSent};
pub use crate::chat::event::{Event, Message, MessageId, Refusal, Sent, State, To};
pub use crate::chat::options::Options;

use crate::chat::desk::{Desk, Room};
use crate::chat::options::name_of;
use crate::chat::translate::Deed;
use crate::client::interface::{Command, Notice, RoomCommand};
use crate::id::Name;
use crate::runtime::client::{self, Setup};
use crate::runtime::outlet::Knell;
use crate::runtime::program::Hatch;
use crate::runtime::start::{Exit, Fault};

/// A running client.
///
/// Dropping it closes it as [`Self::close`] does, and waits as long, which may be some seconds where the registry does not
/// answer; only what went wrong at the end is not told. A process that ends without that (`std::process::exit`, a signal)
/// leaves the client registered until its lease is over, a minute later, and loses nothing.
#[derive(Debug)]
pub struct Chat {
    desk: Arc<Desk>,
    hatch: Mutex<Hatch<Command>>,
    /// Whoever asks something of a kind waits here for those who asked before.
    texts: Mutex<()>,
    deeds: Mutex<()>,
    thread: Option<JoinHandle<()>>,
}

impl Chat {
    /// A client of this name at the registry at this `host:port`, with the usual [`Options`].
    ///
    /// # Errors
    /// As [`Options::connect`].
    pub fn connect(name: &str, registry: &str) -> Result<Self, Error> {
        Options::new(name, registry).connect()
    }

    fn start(setup: Setup) -> Result<Self, Error> {
        let desk = Arc::new(Desk::new(Room::USUAL));
        let (open, opened) = bounded(1);
        let typist = move |hatch| {
            // Whoever waits for it has not gone.
            let taken = open.send(hatch);
            debug_assert!(taken.is_ok(), "it is waited for");
        };
        let shown = Arc::clone(&desk);
        let show = move |notices: &[Notice]| {
            let events = shown.put(notices);
            Ok(vec![Command::Seen { events }])
        };
        let (hurried, told) = (Arc::clone(&desk), Arc::clone(&desk));
        let thread = client::start(
            setup,
            Box::new(typist),
            Box::new(show),
            Knell::new(move || hurried.hurry()),
            move |result| told.end(|reason| judge(result, reason)),
        )
        .map_err(|error| Error::Failed(Fault::from(error).to_string()))?;
        let Ok(hatch) = opened.recv() else {
            // It has come to its end before it could be told anything.
            if thread.join().is_err() {
                tracing::error!("the client's thread has failed");
            }
            return Err(desk.ended().and_then(Result::err).unwrap_or(Error::Ended));
        };
        Ok(Self {
            desk,
            hatch: Mutex::new(hatch),
            texts: Mutex::default(),
            deeds: Mutex::default(),
            thread: Some(thread),
        })
    }

    /// Gives it back once it is known how it begins (see [`Options::connect`]).
    fn begun(mut self, patience: Duration, end: Duration) -> Result<Self, Error> {
        match self.desk.wait_begun(patience, end) {
            Ok(()) => Ok(self),
            Err(error) => {
                // It has ended by itself.
                self.wait_ended();
                Err(error)
            }
        }
    }

    /// Sends a text to somebody, of at most 65,536 bytes. When this returns it is on our disk, and [`Event::Sent`] will tell
    /// what becomes of it, under the same id. Waits for that commit, and where more is unfinished than the client takes at
    /// once, until some of it is done.
    ///
    /// # Errors
    /// [`Error::NotSent`], [`Error::Name`], [`Error::Unread`] and [`Error::Ended`]: it is kept nowhere.
    /// [`Error::Unanswered`] and others: that is not known; if it is kept, events tell what becomes of it, in the next run if
    /// this one has ended.
    pub fn send(&self, name: &str, text: &str) -> Result<MessageId, Error> {
        let to = name_of(name)?;
        self.ask_text(Command::Send {
            to,
            text: text.into(),
        })
    }

    /// Posts a text to all who are in a room that we are in, too. As [`Self::send`] otherwise.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn post(&self, room: &str, text: &str) -> Result<MessageId, Error> {
        let room = name_of(room)?;
        self.ask_text(Command::Post {
            room,
            text: text.into(),
        })
    }

    /// Makes a room of our own, and enters it. Waits for the registry's answer.
    ///
    /// # Errors
    /// [`Error::Room`]: why not; all else as [`Self::send`].
    pub fn create(&self, room: &str) -> Result<(), Error> {
        self.ask_deed(Deed::Enter, room, RoomCommand::Create)
    }

    /// Enters a room; also if we are in it. Waits for the registry's answer.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn join(&self, room: &str) -> Result<(), Error> {
        self.ask_deed(Deed::Enter, room, RoomCommand::Join)
    }

    /// Leaves a room; one's own ends. Waits for the registry's answer.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn leave(&self, room: &str) -> Result<(), Error> {
        self.ask_deed(Deed::Leave, room, RoomCommand::Leave)
    }

    /// All events from now on, each of which is waited for, until the client has ended: it was told to, or it cannot go on,
    /// which [`Self::close`] says then. Who takes one has seen it (see the [module](self)).
    pub fn events(&self) -> Events<'_> {
        Events { chat: self }
    }

    /// The next event, if one comes within `patience`; `None` otherwise.
    ///
    /// # Errors
    /// The client has ended, and all that it had said was taken.
    pub fn recv_timeout(&self, patience: Duration) -> Result<Option<Event>, Error> {
        self.take(Some(patience))
    }

    /// Has the client end when nothing is left to do: when every message of ours has been delivered, stored or ended, or is
    /// said to wait, and what the registry kept for us is here; or nothing has moved for some time. Until then
    /// take its [`Self::events`], which end then. For a program that has a few things to send and no reason to stay.
    ///
    /// # Errors
    /// [`Error::Ended`]: it has ended already.
    pub fn finish(&self) -> Result<(), Error> {
        if self.submit(Command::LeaveSettled) {
            Ok(())
        } else {
            Err(Error::Ended)
        }
    }

    /// Leaves the registry, and ends. What was accepted and has not arrived waits for the next run with the same folder; what
    /// has come and was not taken is handed out by that. Waits for both to be on the disk, and some seconds for the registry.
    ///
    /// # Errors
    /// Why it could not go on, if it has ended by itself; [`Error::NoRegistry`] if the registry has not answered in the whole
    /// run.
    pub fn close(mut self) -> Result<(), Error> {
        self.end();
        self.desk.ended().unwrap_or(Err(Error::Ended))
    }

    fn ask_text(&self, command: Command) -> Result<MessageId, Error> {
        let _turn = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        self.desk.ask_text(|| self.submit(command))
    }

    fn ask_deed(&self, deed: Deed, room: &str, command: fn(Name) -> RoomCommand) -> Result<(), Error> {
        let room = name_of(room)?;
        let command = Command::Room(command(room.clone()));
        let _turn = self.deeds.lock().unwrap_or_else(PoisonError::into_inner);
        self.desk.ask_deed(deed, &room, || self.submit(command))
    }

    /// Hands a command to the engine; false when it has ended, which the desk says, too.
    fn submit(&self, command: Command) -> bool {
        let mut hatch = self.hatch.lock().unwrap_or_else(PoisonError::into_inner);
        hatch.submit(command)
    }

    fn take(&self, patience: Option<Duration>) -> Result<Option<Event>, Error> {
        let Some((event, events)) = self.desk.take(patience)? else {
            return Ok(None);
        };
        let mut hatch = self.hatch.lock().unwrap_or_else(PoisonError::into_inner);
        if !hatch.answer(Command::Seen { events }) {
            // What was said last is marked by nobody: the next run tells it again.
            tracing::debug!(events, "taken after the end");
        }
        Ok(Some(event))
    }

    fn end(&mut self) {
        self.desk.close();
        self.hatch.lock().unwrap_or_else(PoisonError::into_inner).stop();
        self.wait_ended();
    }

    fn wait_ended(&mut self) {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the client's thread has failed");
        }
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.end();
        }
    }
}

/// The events of a [`Chat`], as an iterator that waits for each.
#[derive(Debug)]
pub struct Events<'a> {
    chat: &'a Chat,
}

impl Iterator for Events<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        // Without patience there is an event or an end.
        self.chat.take(None).ok().flatten()
    }
}

impl<'a> IntoIterator for &'a Chat {
    type Item = Event;
    type IntoIter = Events<'a>;

    fn into_iter(self) -> Events<'a> {
        self.events()
    }
}

/// What the way a client has ended is for the program. `reason` is what it has said of it.
fn judge(result: Result<Exit, Fault>, reason: Option<String>) -> Result<(), Error> {
    let because = |exit: &str| reason.unwrap_or_else(|| exit.to_owned());
    match result {
        Ok(Exit::ServerSilent) => Err(Error::NoRegistry),
        Ok(Exit::Refused) => Err(Error::Refused(because("the registry does not take this client"))),
        Ok(Exit::Port) => Err(Error::Failed(because("the port cannot be opened"))),
        Ok(Exit::Storage) => Err(Error::Failed(because("the data cannot be used"))),
        // As asked. The other exits are those of one message on a command line.
        Ok(_) => Ok(()),
        Err(fault) => Err(Error::Failed(fault.to_string())),
    }
}

#[cfg(test)]
#[path = "chat_tests.rs"]
mod tests;
