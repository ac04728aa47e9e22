//! Who there is, and who comes and goes, as lines.
//!
//! Pure. Invariant: as `render`'s; names, times and addresses hold nothing but what they are made of.

use std::net::SocketAddr;

use super::marks::marked;
use super::render::{OffsetAt, timestamp};
use super::table::aligned;
use crate::client::interface::{User, Users};
use crate::id::Name;

/// How many there are, then a row for each, then what is doubtful about it.
pub(super) fn list(users: &Users, offset_at: OffsetAt) -> Vec<String> {
    let online = users.users.iter().filter(|user| user.online).count();
    let mut lines = vec![format!("[Clients: {}, online: {online}]", users.users.len())];
    let rows = users.users.iter().map(|user| row(user, offset_at));
    lines.extend(aligned(["name", "status", "since", "address"], rows));
    if !users.current {
        lines.push("[The server is not there: this is what it told last.]".to_owned());
    }
    if !users.all {
        lines.push("[There may be others: the server has told of these only.]".to_owned());
    }
    lines
}

fn row(user: &User, offset_at: OffsetAt) -> [String; 4] {
    let dash = || "-".to_owned();
    let plain = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    [
        marked(&user.name, user.trust),
        if user.online { "online" } else { "offline" }.to_owned(),
        user.since.map_or_else(dash, |since| timestamp(since, offset_at)),
        user.address
            .map_or_else(dash, |address| plain(address).to_string()),
    ]
}

pub(super) fn presence(name: &Name, online: bool) -> String {
    let status = if online { "online" } else { "offline" };
    format!("[{name} is {status}.]")
}

pub(super) fn told(on: bool) -> String {
    let not = if on { "" } else { "not " };
    format!("[Arrivals and departures are {not}told.]")
}

#[cfg(test)]
pub(in crate::cli) mod tests {
    use super::*;
    use crate::client::interface::{Event, Trust};
    use crate::clock::WallTime;

    /// Each event, with its first line.
    pub(in crate::cli) fn faces() -> Vec<(Event, &'static str)> {
        let presence = |online| Event::Presence {
            name: "bob".parse().unwrap(),
            online,
        };
        let told = |on| Event::PresenceTold { on };
        let users = Users {
            users: Vec::new(),
            all: true,
            current: true,
        };
        vec![
            (Event::Users(users), "[Clients: 0, online: 0]"),
            (presence(true), "[bob is online.]"),
            (presence(false), "[bob is offline.]"),
            (told(true), "[Arrivals and departures are told.]"),
            (told(false), "[Arrivals and departures are not told.]"),
        ]
    }

    fn user(name: &str, online: bool, address: Option<&str>) -> User {
        User {
            name: name.parse().unwrap(),
            trust: if online { Trust::Known } else { Trust::New },
            online,
            since: address.map(|_| WallTime::from_unix_ms(1_767_323_045_678)),
            address: address.map(|text| text.parse().unwrap()),
        }
    }

    #[test]
    fn a_list_is_a_table_and_says_what_is_doubtful_about_it() {
        let mut users = Users {
            users: vec![
                user("alice", true, Some("127.0.0.1:1232")),
                user("bob-the-second", false, None),
                user("c", true, Some("[::ffff:10.1.2.3]:9")),
                user("d", true, Some("[2001:db8::1]:65535")),
            ],
            all: true,
            current: true,
        };
        let zone = |_| time::UtcOffset::from_hms(2, 0, 0).unwrap();
        let table = [
            "[Clients: 4, online: 3]",
            "name                  status   since                address",
            "alice                 online   2026-01-02 05:04:05  127.0.0.1:1232",
            "bob-the-second (new)  offline  -                    -",
            "c                     online   2026-01-02 05:04:05  10.1.2.3:9",
            "d                     online   2026-01-02 05:04:05  [2001:db8::1]:65535",
        ];
        assert_eq!(list(&users, zone), table);
        (users.all, users.current) = (false, false);
        assert_eq!(
            list(&users, zone)[6..],
            [
                "[The server is not there: this is what it told last.]",
                "[There may be others: the server has told of these only.]",
            ]
        );
    }
}
