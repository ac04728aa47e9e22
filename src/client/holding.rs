//! What a client holds for what is under way, in figures: for whoever watches that it gives back what it took.
//!
//! Counts, and changes nothing.
//! Invariant: a client in which all has ended holds nothing, but for moments: it writes down how old its database is.

use super::Client;

/// So many things are held for what is under way. What is kept to be quicker the next time, or because it cannot be
/// known to be over, is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Messages of ours that are not final, as [`Client::unfinished`] has them.
    pub unfinished: usize,
    /// Records of what has happened to those.
    pub records: usize,
    /// Ends of them that are being committed.
    pub delivering: usize,
    /// Messages that are in the inbox and not shown.
    pub unshown: usize,
    /// Messages that wait for their sender to be known.
    pub strangers: usize,
    /// Receipts that wait for room.
    pub receipts: usize,
    /// Lines that were told, and are not known to be seen and marked.
    pub unmarked: usize,
    /// Copies that the registry need not keep, and has not answered.
    pub withdrawals: usize,
    /// Names that it is asked for.
    pub lookups: usize,
    /// Messages whose ends it is asked for.
    pub inquiries: usize,
    /// Pages of an update of the directory that is not whole.
    pub pages: usize,
    /// Conversations that get new numbers.
    pub renewals: usize,
    /// Conversations that wait for room.
    pub stalled: usize,
    /// Questions about rooms that are not answered, and posts that came before their time.
    pub rooms: usize,
    /// Questions about what is kept that are not answered.
    pub questions: usize,
    /// Requests that the store has not done.
    pub requests: usize,
}

impl Client {
    /// What is held now.
    pub fn holding(&self) -> Holding {
        Holding {
            unfinished: self.unfinished(),
            records: self.journal.open(),
            delivering: self.delivering.len(),
            unshown: self.shelf.len(),
            strangers: self.inbound.strangers(),
            receipts: self.inbound.receipts(),
            unmarked: self.out.unseen() + self.marks.len(),
            withdrawals: self.withdrawals.copies.len(),
            lookups: self.lookups.len(),
            inquiries: self.inquiries.len(),
            pages: self.directory.pages(),
            renewals: self.renewals.len(),
            stalled: self.stalled.len(),
            rooms: self.rooms.questions.len() + self.posts.len(),
            questions: self.questions.open(),
            requests: self.out.requests(),
        }
    }
}
