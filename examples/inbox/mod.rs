//! Events for a service that takes and answers in one thread, also where more comes than it answers.
//!
//! A client keeps some thousand events for its program, and takes no text from it when they are too many: the answer to that
//! would come behind them. So they are set aside here, and the text is sent again. Invariant: events keep their order.

use std::collections::VecDeque;
use std::time::Duration;

use udpchat::chat::{Chat, Error, Event, MessageId};

/// Events that are set aside at most: texts of 64 KiB each are 640 MB. Beyond it questions go without an answer.
const ASIDE_MAX: usize = 10_000;

/// Events of a client, as they come.
pub(crate) struct Inbox<'a> {
    chat: &'a Chat,
    aside: VecDeque<Event>,
}

impl<'a> Inbox<'a> {
    pub(crate) const fn of(chat: &'a Chat) -> Self {
        let aside = VecDeque::new();
        Self { chat, aside }
    }

    /// The next event, which is waited for; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Event> {
        self.aside.pop_front().or_else(|| self.chat.events().next())
    }

    /// Sends a text. Where too much waits to be taken, some of it is set aside first.
    pub(crate) fn send(&mut self, name: &str, text: &str) -> Result<MessageId, Error> {
        loop {
            match self.chat.send(name, text) {
                Err(Error::Unread) if self.aside.len() < ASIDE_MAX => self.set_aside()?,
                sent => return sent,
            }
        }
    }

    fn set_aside(&mut self) -> Result<(), Error> {
        while self.aside.len() < ASIDE_MAX {
            match self.chat.recv_timeout(Duration::ZERO)? {
                Some(event) => self.aside.push_back(event),
                None => break,
            }
        }
        Ok(())
    }
}
