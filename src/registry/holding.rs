//! What a registry holds for what is under way, in figures: for whoever watches that it gives back what it took.
//!
//! Counts, and changes nothing.
//! Invariant: a registry that has nothing to do holds nothing, but for moments: it writes down how old its database is.

use super::Registry;
use super::rooms::Feed;

/// So many things are held for what is under way. What is known of names and mailboxes is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Sessions in which nobody is registered.
    pub visitors: usize,
    /// Messages on their way to their recipients, and not answered.
    pub messages: usize,
    /// Posts on their way to members of rooms, and not answered.
    pub posts: usize,
    /// Outcomes on their way to their senders, and not acknowledged.
    pub outcomes: usize,
    /// Answers that are being committed.
    pub answers: usize,
    /// Mailboxes that wait for their turn to be read.
    pub lanes: usize,
    /// Clients who wait to be told of changes, or are being told.
    pub updates: usize,
    /// Requests that the store has not done.
    pub requests: usize,
}

impl Registry {
    /// What is held now. Looks at everybody who is there: for reports, not for every turn.
    pub fn holding(&self) -> Holding {
        let mut holding = Holding {
            visitors: self.visitors.len(),
            answers: self.ending.len(),
            lanes: self.page_line.len(),
            updates: self.tellings.len(),
            requests: self.out.requests(),
            ..Holding::default()
        };
        for seat in self.online.iter().filter_map(|member| self.members.seat(*member)) {
            holding.messages += seat.mail.flights.len();
            holding.posts += seat.feeds.values().map(Feed::under_way).sum::<usize>();
            holding.outcomes += seat.notices.flights.len();
            holding.updates += usize::from(seat.told.is_being_told());
        }
        holding
    }
}
