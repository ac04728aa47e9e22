//! An endpoint that others have filled: what is still kept for it, and what ended sessions may leave behind.
//!
//! The crowd is made of sessions that are only entries in the tables; whoever comes last is real.

use std::sync::Arc;
use std::time::Duration;

use super::established::LEFT_BYTES_MAX;
use super::link::{Link, Origin};
use super::respond::ACCEPTED_MAX;
use super::seal::Keys;
use super::*;
use crate::identity::Role;
use crate::limits::SESSION_MESSAGES_MAX;
use crate::transport::CloseCause;
use crate::transport::session::Session;
use crate::wire::frame::{self, Frame};

const NOW: Instant = Instant::from_micros(1_000_000);

fn endpoint(seed: u8) -> Endpoint {
    let identity = Identity::from_seed(&[seed; 32], Role::Client);
    Endpoint::new(Arc::new(identity), Service::Peer, [seed; 32])
}

fn address(seed: u8) -> SocketAddr {
    ([192, 0, 2, seed], 1_000).into()
}

/// Sessions that others have begun, under these indexes.
fn fill(endpoint: &mut Endpoint, indexes: std::ops::Range<u64>) {
    let card = *Identity::from_seed(&[99; 32], Role::Client).card();
    for index in indexes {
        let origin = Origin {
            remote: index,
            card,
            reset_token: [0; 16],
            service: Service::Peer,
            ours: false,
            opened: NOW,
        };
        let keys = Keys::new([1; 32], [2; 32]);
        endpoint.insert_link(
            index,
            Link::finished(
                origin,
                address(99).into(),
                NOW,
                Session::new(NOW, None),
                (keys, [0; 16]),
            ),
        );
    }
}

fn transmits(endpoint: &mut Endpoint) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| endpoint.poll_transmit(NOW))
        .map(|transmit| transmit.bytes)
        .collect()
}

/// Whether `from` gets a session with `to`.
fn opens(from: &mut Endpoint, to: &mut Endpoint) -> bool {
    let before = from.sessions() + to.sessions();
    from.connect(
        NOW,
        Connect {
            attempt: Attempt(1),
            address: address(2),
            service: Service::Peer,
            expect: None,
            interval: Duration::from_secs(1),
            initials: 1,
        },
    );
    for _ in 0..3 {
        for bytes in transmits(from) {
            to.handle_datagram(NOW, address(1), &bytes);
        }
        for bytes in transmits(to) {
            from.handle_datagram(NOW, address(2), &bytes);
        }
    }
    from.sessions() + to.sessions() == before + 2
}

#[test]
fn others_cannot_take_the_places_that_are_kept_for_own_sessions() {
    let (mut crowded, mut last, mut late) = (endpoint(1), endpoint(2), endpoint(3));
    fill(&mut crowded, 0..ACCEPTED_MAX as u64 - 1);
    assert!(
        opens(&mut last, &mut crowded),
        "there is one place left for others"
    );
    assert!(!opens(&mut late, &mut crowded));
    assert_eq!(crowded.sessions(), ACCEPTED_MAX);
    let mut registry = endpoint(4);
    assert!(opens(&mut crowded, &mut registry), "its own has a place");
}

/// Ends sessions that hold as many empty messages as they may, while nobody listens.
fn end_with_empty_messages(endpoint: &mut Endpoint, indexes: std::ops::Range<u64>) {
    fill(endpoint, indexes.clone());
    for index in indexes {
        let link = endpoint.links.get_mut(&index).unwrap();
        for message in 0..SESSION_MESSAGES_MAX {
            let mut plain = Vec::new();
            let part = Frame::Part {
                message,
                offset: 0,
                last: true,
                bytes: b"",
            };
            frame::encode_into(&part, &mut plain);
            link.session
                .handle_packet(NOW, message, &plain, &mut endpoint.pool)
                .unwrap();
        }
        endpoint.end_link(NOW, index, CloseCause::Silent, None);
    }
}

#[test]
fn what_ended_sessions_leave_behind_is_bounded_even_if_it_is_empty() {
    let mut endpoint = endpoint(1);
    let at_most = LEFT_BYTES_MAX / size_of::<Queued>();
    for round in 0..2 {
        end_with_empty_messages(&mut endpoint, round * 100..round * 100 + 8);
        let events: Vec<_> = std::iter::from_fn(|| endpoint.poll_event(NOW)).collect();
        let messages = events
            .iter()
            .filter(|event| matches!(event, SessionEvent::Message { .. }))
            .count();
        assert_eq!(
            messages, at_most,
            "round {round}: as many as have room, and room comes back"
        );
        assert_eq!(events.len() - messages, 8, "and how each ended");
    }
}

#[test]
fn whether_a_message_waits_to_be_taken_is_told() {
    let (mut one, mut other) = (endpoint(1), endpoint(2));
    assert!(opens(&mut one, &mut other));
    let opened = |endpoint: &mut Endpoint| match endpoint.poll_event(NOW) {
        Some(SessionEvent::Opened { session, .. }) => session,
        event => panic!("{event:?}"),
    };
    let (ours, theirs) = (opened(&mut one), opened(&mut other));
    let unheard = |endpoint: &Endpoint| endpoint.path(theirs).is_some_and(|path| path.unheard);
    assert!(other.poll_event(NOW).is_none() && !unheard(&other));
    one.send(NOW, ours, b"hi".to_vec()).unwrap();
    for bytes in transmits(&mut one) {
        other.handle_datagram(NOW, address(1), &bytes);
    }
    assert!(unheard(&other));
    assert!(matches!(
        other.poll_event(NOW),
        Some(SessionEvent::Message { .. })
    ));
    assert!(other.poll_event(NOW).is_none() && !unheard(&other));
}
