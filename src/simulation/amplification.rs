//! Which addresses have proven to a program that somebody is there, and how much it sends to those that have not.
//!
//! An address has once somebody who is there in truth has answered what the program had sent to it. A program that is
//! started again knows nothing of it. What it sends of its own accord, to begin a session, is not an answer to anybody.
//! Invariant: what is lost on the way is credited to nobody.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::world::Site;
use crate::wire::packet::Packet;

/// What is sent to an address that has proven nothing, for each byte that came from it, at most: as the contract says it.
const MOST: u64 = 3;

/// Whose a datagram is in truth, whatever addresses it bears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// Who has sent it, in which run of his program; `None`: it is forged.
    sender: Option<(Site, u32)>,
    /// The run of the program for which it is that it answers: who sends it has heard of that.
    answers: Option<u32>,
}

impl Origin {
    /// The same bytes, from another address: they prove nothing of that.
    pub(super) const fn elsewhere(self) -> Self {
        Self {
            answers: None,
            ..self
        }
    }
}

/// What came from an address and went to it.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    came: u64,
    went: u64,
    proven: bool,
}

/// What all programs know of all addresses.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    runs: BTreeMap<Site, u32>,
    /// Of a program's present run.
    accounts: BTreeMap<(Site, SocketAddr), Account>,
    /// The latest run of a program that was heard of where somebody is: something of an earlier one may come after it.
    heard: BTreeMap<(SocketAddr, Site), u32>,
}

impl Accounts {
    /// A program begins: it knows of nobody.
    pub(super) fn begins(&mut self, site: Site) {
        *self.runs.entry(site).or_default() += 1;
        self.accounts.retain(|(of, _), _| *of != site);
    }

    fn run(&self, site: Site) -> u32 {
        self.runs.get(&site).copied().unwrap_or(0)
    }

    /// A program sends something from an address of its own to that of `there`, if anybody is there.
    pub(super) fn origin(&self, site: Site, from: SocketAddr, there: Option<Site>, bytes: &[u8]) -> Origin {
        // That can be said by somebody who has heard nothing.
        let is_first = matches!(
            Packet::parse(bytes),
            Ok(Packet::Initial { cookie: None, .. } | Packet::Reset { .. }) | Err(_)
        );
        let heard = there.and_then(|there| self.heard.get(&(from, there)).copied());
        Origin {
            sender: Some((site, self.run(site))),
            answers: heard.filter(|_| !is_first),
        }
    }

    /// The same: what is wrong with it, if that is too much.
    pub(super) fn goes(&mut self, site: Site, to: SocketAddr, bytes: &[u8]) -> Option<String> {
        if matches!(Packet::parse(bytes), Ok(Packet::Initial { .. })) {
            return None;
        }
        let account = self.accounts.entry((site, to)).or_default();
        account.went += count(bytes);
        let Account { came, went, proven } = *account;
        (!proven && went > MOST * came).then(|| {
            format!("{to} has proven nothing, {came} bytes came from it, and {went} were sent to it")
        })
    }

    /// A program takes something that bears this address, and reaches it at its own.
    pub(super) fn comes(
        &mut self,
        site: Site,
        (from, to): (SocketAddr, SocketAddr),
        bytes: &[u8],
        origin: Origin,
    ) {
        if let Some((sender, run)) = origin.sender {
            let heard = self.heard.entry((to, sender)).or_default();
            *heard = run.max(*heard);
        }
        let run = self.run(site);
        let account = self.accounts.entry((site, from)).or_default();
        account.came += count(bytes);
        account.proven |= origin.answers == Some(run);
    }
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::packet::{COOKIE_BYTES, data_header};

    const PROGRAM: Site = Site::Registry;
    const CLIENT: Site = Site::Person(0);

    fn here() -> SocketAddr {
        ([10, 0, 0, 1], 1).into()
    }

    fn there() -> SocketAddr {
        ([10, 0, 0, 2], 1).into()
    }

    /// Something that only whoever has a session can say.
    fn data() -> Vec<u8> {
        [data_header(1, 1).as_slice(), &[0; 40]].concat()
    }

    fn begun() -> Accounts {
        let mut accounts = Accounts::default();
        accounts.begins(PROGRAM);
        accounts.begins(CLIENT);
        accounts
    }

    /// The program has sent the client something, which he has got, and he answers: so much of that as comes.
    fn answer(accounts: &mut Accounts) -> Origin {
        let question = accounts.origin(PROGRAM, here(), Some(CLIENT), &data());
        accounts.comes(CLIENT, (here(), there()), &data(), question);
        accounts.origin(CLIENT, there(), Some(PROGRAM), &data())
    }

    #[test]
    fn whoever_has_proven_nothing_gets_three_times_what_came_and_no_more() {
        let mut accounts = begun();
        accounts.comes(PROGRAM, (there(), here()), &[0; 10], Origin::default());
        assert_eq!(accounts.goes(PROGRAM, there(), &[0; 30]), None);
        assert!(accounts.goes(PROGRAM, there(), &[0; 1]).is_some());
        let cookie = [0; COOKIE_BYTES];
        let retry = Packet::Retry { receiver: 1, cookie }.encode();
        assert!(
            accounts.goes(PROGRAM, here(), &retry).is_some(),
            "nothing came from there"
        );
    }

    #[test]
    fn whoever_answers_has_proven_his_address_until_the_program_begins_anew() {
        let mut accounts = begun();
        let answers = answer(&mut accounts);
        assert!(
            accounts.goes(PROGRAM, there(), &[0; 1]).is_some(),
            "it is on its way"
        );
        accounts.comes(PROGRAM, (there(), here()), &data(), answers);
        assert_eq!(accounts.goes(PROGRAM, there(), &[0; 9_999]), None);
        accounts.begins(PROGRAM);
        accounts.comes(PROGRAM, (there(), here()), &data(), answers);
        assert!(accounts.goes(PROGRAM, there(), &[0; 9_999]).is_some());
    }

    #[test]
    fn whoever_has_heard_of_a_run_answers_that_whatever_comes_late_of_the_one_before() {
        let mut accounts = begun();
        let late = accounts.origin(PROGRAM, here(), Some(CLIENT), &data());
        accounts.begins(PROGRAM);
        answer(&mut accounts);
        accounts.comes(CLIENT, (here(), there()), &data(), late);
        let answers = accounts.origin(CLIENT, there(), Some(PROGRAM), &data());
        accounts.comes(PROGRAM, (there(), here()), &data(), answers);
        assert_eq!(accounts.goes(PROGRAM, there(), &[0; 9_999]), None);
    }

    #[test]
    fn what_is_said_without_having_heard_or_from_elsewhere_proves_nothing() {
        let mut accounts = begun();
        let unasked = accounts.origin(CLIENT, there(), Some(PROGRAM), &data());
        accounts.comes(PROGRAM, (there(), here()), &data(), unasked);
        assert!(accounts.goes(PROGRAM, there(), &[0; 999]).is_some());
        let answers = answer(&mut accounts);
        accounts.comes(PROGRAM, (there(), here()), &data(), answers.elsewhere());
        assert!(accounts.goes(PROGRAM, there(), &[0; 999]).is_some());
    }
}
