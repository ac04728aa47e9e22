//! Pins, contradictions, `trust`; names that nobody has.

use super::driver::{Driver, ms};
use super::people::{address, claim, id_of, name, offline, online, person, usurped};
use crate::client::interface::{Command, Ending, Event, NotAccepted, Refusal};
use crate::engine::SocketReply;
use crate::transport::Connect;
use crate::wire::envelope::Envelope;
use crate::wire::message::{
    Change, DepositRefusal, FromRegistry, Record, RegistrationRefusal, ToPeer, ToRegistry,
};
use crate::wire::packet::Service;

fn changed() -> Event {
    Event::IdentityChanged {
        name: name("bob"),
        known: person("bob").id(),
        found: person("eve").id(),
    }
}

/// A client that has written to bob, whose name is then given to eve.
fn contested() -> Driver {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "first");
    let deposit = driver.deposits()[0].clone();
    driver.answer_deposit(&deposit);
    driver.outcome("bob", &deposit, crate::wire::envelope::Verdict::Received);
    driver.clear();
    driver.delta(2, Change::Record(usurped()));
    driver
}

#[test]
fn a_name_that_changes_hands_is_told_once_and_nothing_is_sent() {
    let mut driver = contested();
    assert_eq!(driver.events()[0], changed());
    driver.clear();
    driver.send("bob", "secret");
    assert_eq!(driver.events(), [Event::Waiting { to: name("bob") }]);
    assert!(driver.connects.is_empty() && driver.sent.is_empty());
    driver.delta(
        3,
        Change::Record(Record {
            presence: super::people::gone(),
            ..usurped()
        }),
    );
    assert!(!driver.events().contains(&changed()), "once");
}

/// A client that has heard that bob's name is eve's, and then comes back to a registry that tells of nobody unasked.
fn contested_and_not_told_of() -> Driver {
    let mut driver = contested();
    driver.send("bob", "secret");
    driver.lose_registry();
    driver.pass(ms(5_000));
    driver.registry_opens();
    driver.registry_registers();
    driver.directory_of_run(6, &[]);
    driver
}

/// The registry says that the name is bob's: what was written to him goes.
fn is_his_again(driver: &mut Driver) {
    driver.hear(FromRegistry::Found {
        record: offline("bob"),
    });
    assert_eq!(driver.deposits().len(), 1);
}

#[test]
fn a_name_stays_contested_until_the_registry_says_otherwise() {
    let mut driver = contested_and_not_told_of();
    driver.pass(ms(1_000));
    assert!(
        driver
            .to_registry()
            .contains(&ToRegistry::Lookup { name: name("bob") })
    );
    let to_peers = |connect: &Connect| connect.service == Service::Peer;
    assert!(!driver.connects.iter().any(to_peers) && driver.deposits().is_empty());
    is_his_again(&mut driver);
}

#[test]
fn what_the_registry_does_not_tell_of_is_asked_for_after_a_restart_too() {
    let mut driver = contested_and_not_told_of();
    driver.pass(ms(2_000));
    driver.restart();
    driver.come_up();
    // Nothing has changed since: the registry has nothing to tell.
    driver.drained();
    let asked = ToRegistry::Lookup { name: name("bob") };
    assert!(driver.to_registry().contains(&asked));
    is_his_again(&mut driver);
}

#[test]
fn what_the_registry_told_of_is_not_asked_for_after_a_restart() {
    let mut driver = contested();
    driver.pass(ms(2_000));
    driver.restart();
    driver.come_up();
    driver.clear();
    driver.send("bob", "secret");
    assert_eq!(driver.to_registry(), []);
}

#[test]
fn what_was_shown_of_a_contested_name_can_be_trusted_later() {
    let mut driver = contested_and_not_told_of();
    driver.command(Command::Trust {
        name: name("bob"),
        fingerprint: person("eve").id().fingerprint(),
    });
    assert!(driver.events().contains(&Event::Trusted { name: name("bob") }));
}

#[test]
fn a_contested_name_that_nobody_has_any_more_is_its_owners() {
    let mut driver = contested_and_not_told_of();
    driver.hear(FromRegistry::NotFound { name: name("bob") });
    assert_eq!(driver.deposits().len(), 1);
}

#[test]
fn a_message_from_who_took_the_name_is_not_accepted() {
    let mut driver = contested();
    driver.clear();
    let session = driver.peer_opens("eve");
    driver.hear_from(session, &ToPeer::Deliver(claim("eve", "bob")));
    assert!(matches!(driver.to_peer(session)[..], [ToPeer::Busy(_)]));
    assert_eq!(driver.inbox(), [""; 0]);
}

#[test]
fn a_stranger_who_only_claims_a_pinned_name_alarms_nobody() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "first");
    driver.clear();
    let session = driver.peer_opens("eve");
    driver.hear_from(session, &ToPeer::Deliver(claim("eve", "bob")));
    assert_eq!(driver.events(), []);
    assert_eq!(driver.inbox(), [""; 0]);
}

#[test]
fn trust_takes_the_new_identity_and_sends_what_waits_to_it_in_a_new_epoch() {
    let mut driver = contested();
    driver.send("bob", "second");
    driver.clear();
    let fingerprint = person("eve").id().fingerprint();
    driver.command(Command::Trust {
        name: name("bob"),
        fingerprint: fingerprint.to_uppercase().replace(' ', ""),
    });
    assert_eq!(driver.events(), [Event::Trusted { name: name("bob") }]);
    let session = driver.peer_answers("eve");
    let sent = driver.deliveries(session);
    let envelope = Envelope::parse(&sent[0].envelope).unwrap();
    assert_eq!(envelope.slot.sequence.0, 0);
    let crate::wire::envelope::Recipient::Peer(recipient) = envelope.recipient else {
        panic!("to a room");
    };
    assert_eq!(recipient.id, person("eve").id());
    driver.answer_delivery("eve", session, &sent[0]);
    assert_eq!(driver.states(), [2, 2]);
    let pins = &driver.store.image().unwrap().registries[0].pins;
    assert_eq!(pins[0].1.id, person("eve").id());
}

#[test]
fn only_what_was_shown_can_be_trusted() {
    let mut driver = contested();
    driver.clear();
    driver.command(Command::Trust {
        name: name("bob"),
        fingerprint: person("mallory").id().fingerprint(),
    });
    driver.command(Command::Trust {
        name: name("carol"),
        fingerprint: person("eve").id().fingerprint(),
    });
    let nothing = Event::NotAccepted(NotAccepted::NothingToTrust);
    assert_eq!(driver.events(), [nothing.clone(), nothing]);
}

#[test]
fn a_pin_survives_a_restart() {
    let mut driver = contested();
    driver.pass(ms(1_000));
    driver.restart();
    driver.come_up();
    driver.clear();
    driver.send("bob", "secret");
    let waiting = Event::Waiting { to: name("bob") };
    assert_eq!(driver.events(), [changed(), waiting.clone()], "and why it waits");
    driver.send("bob", "more");
    assert_eq!(driver.events(), [waiting], "once in a run");
}

#[test]
fn trust_in_whom_one_trusts_changes_nothing() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.send("bob", "a");
    driver.clear();
    driver.command(Command::Trust {
        name: name("bob"),
        fingerprint: person("bob").id().fingerprint(),
    });
    assert_eq!(driver.events(), [Event::NotAccepted(NotAccepted::NoChange)]);
    assert_eq!(driver.deliveries(session), [], "it is under way already");
}

#[test]
fn a_record_that_its_owner_has_not_signed_is_not_used() {
    let mut forged = online("bob");
    forged.card.key = person("eve").card().key;
    let mut driver = Driver::registered(&[forged]);
    driver.send("bob", "hi");
    assert!(driver.connects.is_empty());
    assert_eq!(driver.to_registry(), [ToRegistry::Lookup { name: name("bob") }]);
}

#[test]
fn a_record_whose_key_is_degenerate_is_not_used() {
    use ed25519_dalek::{Signer, SigningKey};
    let signing = SigningKey::from_bytes(&[7; 32]);
    let mut record = offline("bob");
    record.card.id.0 = signing.verifying_key().to_bytes();
    record.card.key = [0; 32];
    let signed = [&b"udpchat 1 client static key"[..], &record.card.key].concat();
    record.card.signature = signing.sign(&signed).to_bytes();
    let mut driver = Driver::registered(&[record]);
    driver.send("bob", "hi");
    assert_eq!(driver.to_registry(), [ToRegistry::Lookup { name: name("bob") }]);
    driver.clear();
    driver.pass(ms(1_000));
    assert_eq!(driver.asked, [], "and nobody is busy with it");
}

#[test]
fn what_was_sealed_for_another_goes_to_the_registry_when_his_session_is_gone() {
    let mut driver = Driver::registered(&[online("bob")]);
    let (session, eve) = (driver.peer_opens("bob"), driver.peer_opens("eve"));
    driver.pass(ms(6_000));
    driver.send("bob", "a");
    driver.pass(ms(500));
    let deposit = driver.deposits()[0].clone();
    // The registry is lost and back at once: meanwhile the message went to bob again.
    driver.close(super::others::REGISTRY, crate::transport::CloseCause::Reset);
    driver.registry_opens();
    driver.registry_registers();
    driver.delta(2, Change::Record(usurped()));
    driver.command(Command::Trust {
        name: name("bob"),
        fingerprint: person("eve").id().fingerprint(),
    });
    driver.clear();
    driver.close(session, crate::transport::CloseCause::Reset);
    assert_eq!(driver.deliveries(eve), []);
    let again: Vec<_> = driver
        .deposits()
        .into_iter()
        .map(|deposit| deposit.forward)
        .collect();
    assert_eq!(again, [deposit.forward]);
}

#[test]
fn what_the_registry_may_have_goes_there_though_the_name_is_anothers_by_then() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.pass(ms(6_000));
    driver.send("bob", "a");
    let deposit = driver.deposits()[0].clone();
    // It never arrives, and meanwhile the name is released.
    driver.close(super::others::REGISTRY, crate::transport::CloseCause::Reset);
    driver.registry_opens();
    driver.directory_of_run(6, &[usurped()]);
    driver.connects.clear();
    driver.registry_registers();
    let again = driver.deposits().pop().unwrap();
    assert_eq!(
        (driver.deposits().len(), again.forward),
        (2, deposit.forward.clone())
    );
    assert!(driver.connects.is_empty());
    driver.send("bob", "b");
    assert_eq!(driver.deposits().len(), 2, "but nothing new");
    driver.events();
    let slot = id_of(&deposit.forward).slot;
    let reason = DepositRefusal::IdentityChanged;
    driver.hear(FromRegistry::DepositRefused { slot, reason });
    assert!(matches!(driver.events()[..], [Event::Refused { .. }]));
    assert_eq!(driver.states(), [3, 0]);
}

#[test]
fn what_is_put_off_is_put_off_under_a_contested_name_too() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "a");
    let slot = id_of(&driver.deposits()[0].forward).slot;
    driver.delta(2, Change::Record(usurped()));
    driver.hear(FromRegistry::Busy(crate::wire::message::Busy {
        of: Some(slot),
        reason: crate::wire::message::BusyReason::Rate,
        retry_after_ms: 700,
    }));
    driver.pass(ms(699));
    assert_eq!(driver.deposits().len(), 1);
    driver.pass(ms(1));
    assert_eq!(driver.deposits().len(), 2);
}

#[test]
fn what_waits_for_a_name_goes_as_soon_as_the_registry_tells_of_it_again() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "a");
    let slot = id_of(&driver.deposits()[0].forward).slot;
    driver.delta(2, Change::Removed { name: name("bob") });
    driver.hear(FromRegistry::DepositRefused {
        slot,
        reason: DepositRefusal::NoSuchName,
    });
    driver.pass(ms(1_000));
    driver.clear();
    driver.delta(3, Change::Record(online("bob")));
    assert_eq!(driver.deposits().len(), 1);
}

#[test]
fn an_unknown_name_is_looked_up_and_refused_if_nobody_has_it() {
    let mut driver = Driver::registered(&[]);
    driver.send("zed", "a");
    driver.send("zed", "b");
    assert_eq!(driver.to_registry(), [ToRegistry::Lookup { name: name("zed") }]);
    driver.hear(FromRegistry::NotFound { name: name("zed") });
    let asked = driver.to_registry().len();
    assert_eq!(asked, 1, "the end of the first asks no more for the second");
    let events = driver.events();
    assert_eq!(events.len(), 2);
    assert!(matches!(
        events[0],
        Event::Refused {
            reason: Refusal::NoSuchName,
            ..
        }
    ));
    assert_eq!(driver.states(), [3, 3]);
}

#[test]
fn a_record_that_is_not_used_is_not_asked_for_again_at_once() {
    let mut driver = Driver::registered(&[]);
    driver.send("bob", "hi");
    let mut forged = online("bob");
    forged.card.key = person("eve").card().key;
    for _ in 0..5 {
        driver.hear(FromRegistry::Found {
            record: forged.clone(),
        });
    }
    assert_eq!(driver.to_registry(), [ToRegistry::Lookup { name: name("bob") }]);
    for _ in 0..30 {
        driver.pass(ms(1_000));
        driver.sign_of_life(super::others::REGISTRY);
    }
    let asked = driver.to_registry().into_iter();
    let asked = asked.filter(|message| matches!(message, ToRegistry::Lookup { .. }));
    assert_eq!(asked.count(), 3, "at once, and after 5 and 15 seconds");
}

#[test]
fn an_unknown_name_that_is_found_is_written_to() {
    let mut driver = Driver::registered(&[]);
    driver.send("bob", "a");
    driver.hear(FromRegistry::Found {
        record: offline("bob"),
    });
    assert_eq!(driver.deposits().len(), 1);
    assert_eq!(driver.store.image().unwrap().registries[0].pins.len(), 1);
}

#[test]
fn the_answer_to_a_look_up_that_an_update_has_overtaken_changes_nothing() {
    let mut driver = Driver::registered(&[]);
    driver.send("bob", "a");
    driver.delta(2, Change::Record(offline("bob")));
    assert_eq!(driver.deposits().len(), 1);
    // Both were made before bob registered, and before he left.
    for late in [
        FromRegistry::NotFound { name: name("bob") },
        FromRegistry::Found {
            record: online("bob"),
        },
    ] {
        driver.hear(late);
        assert!(driver.client.directory.offline("bob"));
    }
}

#[test]
fn a_pinned_name_that_the_registry_does_not_know_is_not_refused() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "a");
    driver.delta(2, Change::Removed { name: name("bob") });
    let slot = id_of(&driver.deposits()[0].forward).slot;
    driver.clear();
    driver.hear(FromRegistry::DepositRefused {
        slot,
        reason: DepositRefusal::NoSuchName,
    });
    assert_eq!(driver.events(), [Event::Waiting { to: name("bob") }]);
    assert_eq!(driver.states(), [0]);
}

#[test]
fn a_name_that_does_not_come_back_ends_what_waits_for_it_in_its_time() {
    let mut config = Driver::config();
    config.time_to_live = ms(90_000);
    let mut driver = Driver::registered_with(config, &[offline("bob")]);
    driver.send("bob", "a");
    let slot = id_of(&driver.deposits()[0].forward).slot;
    driver.clear();
    let mut refused = 0;
    for _ in 0..130 {
        if !driver.deposits().is_empty() || refused == 0 {
            driver.clear();
            refused += 1;
            let reason = DepositRefusal::NoSuchName;
            driver.hear(FromRegistry::DepositRefused { slot, reason });
        }
        driver.pass_alive(1);
    }
    assert_eq!(refused, 3, "at once, after one minute, and after its time");
    assert_eq!(driver.states(), [4]);
}

#[test]
fn an_unknown_name_waits_while_the_registry_is_away() {
    let mut driver = Driver::registered(&[]);
    driver.lose_registry();
    driver.events();
    driver.send("zed", "a");
    assert_eq!(driver.events(), [Event::Waiting { to: name("zed") }]);
    driver.pass(ms(5_000));
    driver.registry_opens();
    driver.registry_registers();
    assert!(
        driver
            .to_registry()
            .contains(&ToRegistry::Lookup { name: name("zed") })
    );
}

#[test]
fn a_look_up_is_asked_again_until_it_is_answered() {
    let mut driver = Driver::registered(&[]);
    driver.send("zed", "a");
    driver.pass(ms(30));
    driver.sign_of_life(super::others::REGISTRY);
    driver.pass(ms(4_969));
    assert_eq!(driver.to_registry().len(), 1);
    driver.pass(ms(1));
    assert_eq!(driver.to_registry().len(), 2);
}

#[test]
fn lines_written_before_the_registry_was_ever_reached_are_sent_once_it_is() {
    let mut driver = Driver::start();
    driver.send("bob", "early");
    driver.come_up();
    driver.directory(&[offline("bob")]);
    assert_eq!(driver.deposits().len(), 1);

    let mut driver = Driver::start();
    driver.send("bob", "early");
    driver.socket(SocketReply::Opened {
        local: Some(address(40)),
    });
    driver.registry_opens();
    driver.hear(FromRegistry::RegistrationRefused {
        reason: RegistrationRefusal::NameTaken,
    });
    assert_eq!(driver.states(), [0], "accepted, and kept for the next start");
    let waiting = Event::Waiting { to: name("bob") };
    assert_eq!(driver.events()[1..], [waiting, Event::Ended(Ending::Refused)]);
}
