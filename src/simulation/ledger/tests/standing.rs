//! That `status` is found guilty that leaves a message out, or says of one what is not so.

use super::*;
use crate::client::interface::{MessageStatus, Standing, Status};
use crate::client::to::To;

const fn slot_of(sequence: u64) -> Slot {
    Slot {
        epoch: Epoch(5),
        sequence: Sequence(sequence),
    }
}

/// Said of c1's message of this number to c2.
fn said(number: u64, standing: Standing) -> MessageStatus {
    MessageStatus {
        number,
        id: MessageId {
            sender: card(0).id,
            slot: slot_of(number),
        },
        to: To::Peer(name(1)),
        sent_at: WallTime::from_unix_ms(9),
        standing,
    }
}

impl Play {
    /// c1 asks, and is told of these.
    fn lists(&mut self, messages: Vec<MessageStatus>) {
        self.counts(messages, 0, 0);
    }

    fn counts(&mut self, messages: Vec<MessageStatus>, earlier: usize, early: usize) {
        self.is_told(&Event::Status(Status {
            messages,
            earlier,
            early,
        }));
    }

    /// The registry has no room for c1's message.
    fn is_full(&mut self) {
        let (sender, slot, hash) = (MemberId(0), slot(), HASH);
        let known = storage::Request::Known { sender, slot, hash };
        self.ledger.room = Room { one: 0, all: 0 };
        self.ledger
            .registry_asks(self.now, &known, std::iter::empty(), Unheard::default());
    }
}

/// c1 has written two messages to c2.
fn two() -> Play {
    let mut play = Play::new();
    play.accepts(Key(2), slot_of(1));
    play
}

/// What is found where c1 is told that of his only message.
fn found_of(standing: Standing, before: impl FnOnce(&mut Play)) -> Vec<Invariant> {
    let mut play = Play::new();
    before(&mut play);
    play.lists(vec![said(0, standing)]);
    play.found()
}

#[test]
fn what_is_so_is_accepted() {
    let mut play = two();
    play.lists(vec![said(0, Standing::Sent), said(1, Standing::Behind)]);
    play.given();
    play.lists(vec![said(0, Standing::Depositing), said(1, Standing::Due)]);
    play.deposited();
    // Its answer may be there before that is recorded.
    play.lists(vec![said(0, Standing::Stored), said(1, Standing::Unreachable)]);
    play.stored();
    play.lists(vec![said(0, Standing::Stored), said(1, Standing::Offline)]);
    play.arrives();
    play.is_told(&received());
    play.lists(vec![said(1, Standing::Slowed)]);
    play.finishes(Finish::Delivered);
    play.has_seen(DELIVERED);
    play.lists(vec![said(1, Standing::Ended)]);
    assert_eq!(play.found(), []);
}

#[test]
fn what_is_open_is_there() {
    let mut play = two();
    play.lists(vec![said(0, Standing::Due)]);
    assert_eq!(play.found(), [Invariant::OneState]);
    let mut play = Play::new();
    play.lists(Vec::new());
    assert_eq!(play.found(), [Invariant::OneState]);
    // In the inbox, and he has not heard of it.
    let mut play = Play::new();
    play.arrives();
    play.lists(Vec::new());
    assert_eq!(play.found(), [Invariant::OneState]);
}

#[test]
fn what_has_ended_is_not_there() {
    let mut play = Play::new();
    play.later(100);
    play.finishes(Finish::Expired);
    play.lists(vec![said(0, Standing::Ended)]);
    assert_eq!(play.found(), [Invariant::OneState]);
}

#[test]
fn it_is_called_what_it_is_and_comes_in_its_turn() {
    type Change = fn(&mut MessageStatus);
    let changes: [(Change, Invariant); 4] = [
        (|message| message.to = To::Peer(name(0)), Invariant::Authentic),
        (
            |message| message.sent_at = WallTime::from_unix_ms(8),
            Invariant::Authentic,
        ),
        (|message| message.id.slot = slot_of(7), Invariant::OneState),
        (|message| message.id.sender = card(1).id, Invariant::OneState),
    ];
    for (change, found) in changes {
        let mut play = Play::new();
        let mut message = said(0, Standing::Due);
        change(&mut message);
        play.lists(vec![message]);
        assert_eq!(play.found(), [found]);
    }
    for order in [vec![1, 0], vec![0, 0, 1]] {
        let mut play = two();
        let messages = order.into_iter().map(|number| said(number, Standing::Due));
        play.lists(messages.collect());
        assert_eq!(play.found(), [Invariant::InOrder]);
    }
}

#[test]
fn what_is_before_those_and_what_is_not_accepted_yet_is_counted() {
    for (earlier, early, found) in [
        (1, 1, vec![]),
        (0, 1, vec![Invariant::OneState]),
        (2, 1, vec![Invariant::OneState]),
        (1, 0, vec![Invariant::OneState]),
    ] {
        let mut play = two();
        play.ledger.typed(play.now, (0, 1), 10, LIVES);
        play.counts(vec![said(1, Standing::Due)], earlier, early);
        assert_eq!(play.found(), found, "{earlier} {early}");
    }
}

#[test]
fn it_is_at_the_registry_only_while_it_is_and_nowhere_else_then() {
    let given = Play::given;
    assert_eq!(found_of(Standing::Stored, given), [Invariant::CommittedFirst]);
    let kept = |play: &mut Play| {
        play.given();
        play.deposited();
        play.stored();
    };
    for standing in [Standing::Sent, Standing::Depositing, Standing::Due] {
        assert_eq!(found_of(standing, kept), [Invariant::OneState], "{standing:?}");
    }
    assert_eq!(found_of(Standing::Stored, kept), []);
    assert_eq!(found_of(Standing::Ended, kept), []);
}

#[test]
fn it_waits_only_for_what_is_not_there() {
    let registered = |play: &mut Play| play.ledger.turned(play.now, 0, (false, true));
    for (standing, found) in [
        (Standing::Behind, true),
        (Standing::RegistryDisk, true),
        (Standing::Untrusted, true),
        (Standing::NoRoom, true),
        (Standing::Offline, true),
        (Standing::Unreachable, true),
        (Standing::NoSuchName, false),
    ] {
        let found = vec![Invariant::OneState; usize::from(found)];
        assert_eq!(found_of(standing, registered), found, "{standing:?}");
    }
    let nothing = |_: &mut Play| {};
    let much_later = |play: &mut Play| play.later(600);
    let on_bad_disks = |play: &mut Play| play.ledger.disks_take_all = false;
    assert_eq!(found_of(Standing::NoSuchName, much_later), [Invariant::OneState]);
    assert_eq!(found_of(Standing::Offline, nothing), []);
    assert_eq!(found_of(Standing::Unreachable, nothing), []);
    assert_eq!(found_of(Standing::NoRoom, Play::is_full), []);
    assert_eq!(found_of(Standing::RegistryDisk, on_bad_disks), []);
}
