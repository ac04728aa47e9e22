//! Whether an outbox holds no more than it may, and is said to be full only if it is.
//!
//! What is in it is what was accepted and has not come to its end, and what is being accepted.
//! Invariant: counts what clients' databases have, and changes nothing.

use super::{Ledger, Verdict, Written};
use crate::client::Limits;
use crate::clock::Instant;
use crate::simulation::invariant::Invariant;
use crate::simulation::letter::Letter;

impl Ledger {
    /// Somebody is told that there is no room for what he has written last.
    pub(in crate::simulation) fn is_turned_away(&mut self, at: Instant, person: usize, limits: &Limits) {
        let verdict = self.has_no_place(person, limits);
        self.judge(at, verdict);
    }

    fn has_no_place(&self, person: usize, limits: &Limits) -> Verdict {
        let Some(unanswered) = self.unanswered.get(person) else {
            return Ok(());
        };
        let written = |written: &Written| self.text_of(*written);
        let Some(last) = unanswered.last().and_then(written) else {
            return Ok(());
        };
        let open =
            |letter: &&Letter| letter.from == person && letter.is_accepted() && !letter.state.is_final();
        let letters = self
            .letters
            .iter()
            .filter(open)
            .map(|letter| letter.text.as_str());
        let posts = self.posts.of_author(person).filter(|post| post.end.is_none());
        let posts = posts.map(|post| post.text.as_str());
        // It is one of those that are being accepted itself.
        let there = letters.chain(posts).chain(unanswered.iter().filter_map(written));
        let (messages, bytes) = there.fold((0, 0), |(messages, bytes), text| {
            (messages + 1, bytes + text.len())
        });
        if messages > limits.outbox_messages || bytes > limits.outbox_bytes {
            return Ok(());
        }
        Err((
            Invariant::HonestEnd,
            format!(
                "{:.7} was not accepted for want of room, and with it there are {messages} messages of {bytes} bytes",
                last
            ),
        ))
    }
}
