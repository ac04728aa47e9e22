//! How well keys are known: in every view, from the first meeting to the comparison, and when a key changes.

use super::driver::{Driver, ms};
use super::meeting::{card, contact};
use super::people::{address, claim, message_from, name, offline, online, person, usurped};
use super::rooms::{hall, inside};
use crate::client::interface::{
    Command, Event, NotAccepted, NotVerified, Partner, PeopleCommand, PeopleEvent, RoomCommand, RoomEvent,
    Subject, Trust, Whose,
};
use crate::transport::ConnectFault;
use crate::wire::codec::Bounded;
use crate::wire::message::{Change, ToPeer};
use crate::wire::room::{MemberListed, RoomDone};

fn bob() -> Partner {
    Partner::Person(name("bob"))
}

impl Driver {
    fn verifies(&mut self, who: Partner, fingerprint: Option<&str>) -> Vec<Event> {
        let fingerprint = fingerprint.map(|whose| person(whose).id().fingerprint());
        self.clear();
        self.command(Command::People(PeopleCommand::Verify { who, fingerprint }));
        self.events()
    }

    /// Bob, as he is marked in the list, at the prompt, and by his fingerprint.
    fn marks(&mut self) -> [Trust; 3] {
        self.clear();
        self.command(Command::Users);
        self.command(Command::Names);
        self.command(Command::Fingerprint {
            of: Some(name("bob")),
        });
        let (mut listed, mut named, mut shown) = (None, None, None);
        for event in self.events() {
            match event {
                Event::Users(users) => {
                    let user = users.users.iter().find(|user| user.name == name("bob"));
                    listed = user.map(|user| user.trust);
                }
                Event::Names(names) => {
                    let person = names.people.iter().find(|(who, _)| *who == name("bob"));
                    named = person.map(|(_, trust)| *trust);
                }
                Event::Fingerprint { trust, .. } => shown = Some(trust),
                _ => {}
            }
        }
        [listed, named, shown].map(Option::unwrap)
    }

    /// How the last message is marked: as it comes, and in the history.
    fn marks_message(&mut self, sequence: u64) -> [Trust; 2] {
        let session = self.peer_opens("bob");
        self.clear();
        self.hear_from(
            session,
            &ToPeer::Deliver(message_from("bob", 1, sequence, 0, "hi")),
        );
        let came = self.events().into_iter().find_map(|event| match event {
            Event::Incoming(message) => Some(message.trust),
            _ => None,
        });
        [came.unwrap(), self.marks_kept().pop().unwrap()]
    }

    /// How the messages with bob that are kept are marked.
    fn marks_kept(&mut self) -> Vec<Trust> {
        self.clear();
        self.command(Command::History {
            subject: Subject::With(bob()),
            most: 10,
            before: None,
        });
        match self.events().pop() {
            Some(Event::History(history)) => history.messages.iter().map(|message| message.trust).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn comes_back(&mut self) {
        self.pass(ms(1_000));
        self.restart();
        self.come_up();
        self.drained();
    }
}

#[test]
fn a_key_is_new_in_the_run_that_meets_it_and_verified_once_that_is_said() {
    let mut driver = Driver::registered(&[online("bob")]);
    assert_eq!(driver.marks(), [Trust::New; 3], "nothing was written to him yet");
    assert_eq!(driver.marks_message(0), [Trust::New; 2]);
    driver.comes_back();
    assert_eq!(driver.marks(), [Trust::Known; 3]);
    assert_eq!(driver.marks_message(1), [Trust::Known; 2]);
    let verified = Event::People(PeopleEvent::Verified {
        whose: Whose::Person(name("bob")),
        id: person("bob").id(),
    });
    assert_eq!(driver.verifies(bob(), None)[0], verified);
    assert_eq!(driver.marks_message(2), [Trust::Verified; 2]);
    driver.comes_back();
    assert_eq!(driver.marks(), [Trust::Verified; 3], "it is kept");
    let nothing = Event::NotAccepted(NotAccepted::NoChange);
    assert_eq!(driver.verifies(bob(), Some("bob")), [nothing]);
}

#[test]
fn a_wrong_fingerprint_is_refused_also_of_one_who_is_verified() {
    let mut driver = Driver::registered(&[offline("bob")]);
    let differs = |trust| {
        Event::People(PeopleEvent::NotVerified {
            whose: Whose::Person(name("bob")),
            id: person("bob").id(),
            trust,
            why: NotVerified::Differs(person("eve").id().fingerprint()),
        })
    };
    assert_eq!(driver.verifies(bob(), Some("eve")), [differs(Trust::New)]);
    assert_eq!(driver.marks(), [Trust::New; 3]);
    // He was never written to: what was compared may have been another key, so it has to be said which. That pins the name.
    let listed = Event::People(PeopleEvent::NotVerified {
        whose: Whose::Person(name("bob")),
        id: person("bob").id(),
        trust: Trust::New,
        why: NotVerified::Listed,
    });
    assert_eq!(driver.verifies(bob(), None), [listed]);
    assert_eq!(driver.marks(), [Trust::New; 3]);
    driver.verifies(bob(), Some("bob"));
    assert_eq!(driver.marks(), [Trust::Verified; 3]);
    assert_eq!(driver.verifies(bob(), Some("eve")), [differs(Trust::Verified)]);
    assert_eq!(driver.marks(), [Trust::Verified; 3]);
    let pins = &driver.store.image().unwrap().registries[0].pins;
    assert_eq!(pins[0].1.id, person("bob").id());
}

#[test]
fn of_whom_no_key_is_known_none_is_verified() {
    let mut driver = Driver::registered(&[]);
    let unknown = Event::Fingerprint {
        whose: Whose::Person(name("zed")),
        id: None,
        trust: Trust::New,
    };
    assert_eq!(driver.verifies(Partner::Person(name("zed")), None), [unknown]);
}

#[test]
fn a_key_that_changes_is_marked_and_the_new_one_is_not_verified() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.marks_message(0);
    driver.verifies(bob(), None);
    driver.delta(2, Change::Record(usurped()));
    assert_eq!(driver.marks(), [Trust::Changed; 3]);
    assert_eq!(
        driver.marks_message(1),
        [Trust::Verified; 2],
        "the known key has written it"
    );
    let refused = driver.verifies(bob(), Some("eve"));
    let changed = Event::People(PeopleEvent::NotVerified {
        whose: Whose::Person(name("bob")),
        id: person("bob").id(),
        trust: Trust::Changed,
        why: NotVerified::Changed(person("eve").id()),
    });
    assert_eq!(refused, [changed]);
    driver.command(Command::Fingerprint {
        of: Some(name("bob")),
    });
    let both: Vec<Option<_>> = driver
        .events()
        .iter()
        .map(|event| match event {
            Event::Fingerprint { id, .. } => *id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(both, [Some(person("bob").id()), Some(person("eve").id())]);
    driver.command(Command::Trust {
        name: name("bob"),
        fingerprint: person("eve").id().fingerprint(),
    });
    assert_eq!(driver.marks(), [Trust::New; 3]);
    assert_eq!(
        driver.marks_kept(),
        [Trust::Changed; 2],
        "another key has written them"
    );
    driver.comes_back();
    assert_eq!(driver.marks(), [Trust::Known; 3]);
}

#[test]
fn what_was_sealed_for_another_key_is_marked_so_whatever_is_verified_now() {
    let (mut driver, session) = Driver::talked();
    driver.close(session, crate::transport::CloseCause::Reset);
    driver.verifies(bob(), None);
    let kept = |driver: &mut Driver| {
        driver.clear();
        driver.command(Command::History {
            subject: Subject::With(bob()),
            most: 10,
            before: None,
        });
        match driver.events().pop() {
            Some(Event::History(history)) => history.messages.iter().map(|message| message.trust).collect(),
            other => panic!("{other:?}"),
        }
    };
    let marks: Vec<Trust> = kept(&mut driver);
    assert_eq!(marks, [Trust::Verified; 2]);
    driver.delta(2, Change::Record(usurped()));
    driver.command(Command::Trust {
        name: name("bob"),
        fingerprint: person("eve").id().fingerprint(),
    });
    driver.verifies(bob(), Some("eve"));
    assert_eq!(kept(&mut driver), [Trust::Changed; 2], "neither is eve's");
}

#[test]
fn a_change_that_is_taken_back_has_changed_nothing() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.verifies(bob(), Some("bob"));
    driver.delta(2, Change::Record(usurped()));
    driver.delta(3, Change::Record(offline("bob")));
    assert_eq!(driver.marks(), [Trust::Verified; 3]);
}

#[test]
fn trust_that_comes_before_the_commit_is_not_verified_by_it() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "hi");
    driver.disk = super::driver::Disk::Waits;
    driver.verifies(bob(), None);
    driver.delta(2, Change::Record(usurped()));
    driver.command(Command::Trust {
        name: name("bob"),
        fingerprint: person("eve").id().fingerprint(),
    });
    driver.disk = super::driver::Disk::Commits;
    driver.commit();
    assert_eq!(driver.marks(), [Trust::New; 3]);
    assert_eq!(driver.store.image().unwrap().registries[0].verified, [""; 0]);
}

#[test]
fn members_are_marked_by_their_names() {
    let mut driver = inside(0);
    driver.delta(2, Change::Record(offline("bob")));
    driver.verifies(bob(), Some("bob"));
    driver.clear();
    driver.command(Command::Room(RoomCommand::Members(hall().name)));
    let members = ["alice", "bob", "zed"].map(|who| MemberListed {
        name: name(who),
        online: true,
    });
    driver.answer_room(Ok(RoomDone::Members {
        members: Bounded::truncated(members.to_vec()),
        more: false,
    }));
    let told = driver.room_events();
    let [RoomEvent::Members { members, .. }] = told.as_slice() else {
        panic!("{told:?}");
    };
    let marks: Vec<Trust> = members.iter().map(|member| member.trust).collect();
    assert_eq!(marks, [Trust::Known, Trust::Verified, Trust::New]);
}

#[test]
fn whoever_is_at_an_address_is_verified_by_what_he_is_called_or_by_where_he_is() {
    let mut driver = Driver::alone(&[50]);
    let session = driver.with_bob();
    let mut sequence = 0;
    let mut marked = |driver: &mut Driver| {
        driver.clear();
        let message = message_from("bob", 1, sequence, 0, "hi");
        sequence += 1;
        driver.hear_from(session, &ToPeer::Deliver(message));
        driver.events().into_iter().find_map(|event| match event {
            Event::Incoming(message) => Some(message.trust),
            _ => None,
        })
    };
    assert_eq!(marked(&mut driver), Some(Trust::New));
    let whose = Whose::Contact(contact(50, Some("bob")));
    let id = person("bob").id();
    let verified = Event::People(PeopleEvent::Verified { whose, id });
    assert_eq!(driver.verifies(bob(), Some("bob")), [verified]);
    assert_eq!(marked(&mut driver), Some(Trust::Verified));
    let nothing = Event::NotAccepted(NotAccepted::NoChange);
    assert_eq!(driver.verifies(Partner::At(address(50)), None), [nothing]);
    assert_eq!(
        driver.store.image().unwrap().registries[0].verified,
        ["@10.0.0.1:50"]
    );
}

#[test]
fn whoever_turns_up_where_somebody_else_was_met_is_not_verified_by_trust() {
    let mut driver = Driver::alone(&[50]);
    let session = driver.with_bob();
    driver.verifies(bob(), None);
    driver.close(session, crate::transport::CloseCause::Reset);
    driver.say("hi");
    driver.pass(ms(6_000));
    driver.call_fails(50, ConnectFault::OtherIdentity(card("eve")));
    assert!(matches!(
        driver.verifies(bob(), None).as_slice(),
        [Event::People(PeopleEvent::NotVerified {
            why: NotVerified::Changed(_),
            ..
        })]
    ));
    driver.command(Command::TrustAt {
        address: address(50),
        fingerprint: person("eve").id().fingerprint(),
    });
    assert_eq!(driver.store.image().unwrap().registries[0].verified, [""; 0]);
}

#[test]
fn who_only_claims_a_name_is_not_marked_as_its_owner() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.verifies(bob(), Some("bob"));
    let session = driver.peer_opens("eve");
    driver.clear();
    driver.hear_from(session, &ToPeer::Deliver(claim("eve", "bob")));
    assert_eq!(driver.events(), []);
}

#[test]
fn a_message_says_at_which_address_its_conversation_is_also_after_a_restart() {
    let at = |driver: &mut Driver| {
        driver.events().into_iter().find_map(|event| match event {
            Event::Incoming(message) => Some(message.at),
            _ => None,
        })
    };
    let mut driver = Driver::alone(&[50]);
    let session = driver.with_bob();
    driver.clear();
    let message = message_from("bob", 1, 0, 0, "hi");
    driver.hear_from(session, &ToPeer::Deliver(message));
    assert_eq!(at(&mut driver), Some(Some(address(50))));
    // Nobody has seen it: it is told again.
    driver.restart();
    driver.open_port();
    driver.pass(ms(60_000));
    assert_eq!(at(&mut driver), Some(Some(address(50))));
    let mut listed = Driver::registered(&[online("bob")]);
    let session = listed.peer_opens("bob");
    listed.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "hi")));
    assert_eq!(at(&mut listed), Some(None));
}
