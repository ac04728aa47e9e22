//! Who there is, who comes and goes, and how else commands are spelled, through pipes.

use crate::common::World;
use crate::common::pipes::Program;

#[test]
fn who_is_there_is_listed_and_who_comes_and_goes_is_told() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    x.type_line("presence on");
    x.expect("[Arrivals and departures are told.]");
    let mut yvonne = Program::client(&world, "yvonne");
    x.expect("[yvonne is online.]");
    x.type_line("userlist");
    x.expect("[Clients: 2, online: 2]");
    x.expect("name          status  since                address");
    for name in ["x             ", "yvonne (new)  "] {
        let row = x.expect_start(name).replace(" (new)", "");
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!((cells.len(), cells[1]), (5, "online"), "{row}");
        assert_eq!((cells[2].len(), cells[3].len()), (10, 8), "{row}");
        assert!(cells[4].starts_with("127.0.0.1:"), "{row}");
    }
    yvonne.type_line("quit");
    assert_eq!(yvonne.end().0, 0);
    x.expect("[yvonne is offline.]");
    x.type_line("userlist");
    x.expect("[Clients: 2, online: 1]");
    let row = x.expect_start("yvonne");
    assert!(
        row.starts_with("yvonne (new)  offline  ") && row.ends_with("  -"),
        "{row}"
    );
    x.type_line("presence off");
    x.expect("[Arrivals and departures are not told.]");
}

#[test]
fn commands_are_understood_as_other_systems_spell_them() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    let mut y = Program::client(&world, "y");
    for list in ["$userlist", "#ls", "ls", ":userlist"] {
        x.type_line(list);
        x.expect_start("[Clients: ");
    }
    for (typed, text) in [("@y: one: two", "one: two"), ("@y three", "three")] {
        x.type_line(typed);
        y.expect(&format!("x: {text}"));
    }
    x.type_line("create_group den");
    x.expect_start("[You have joined den of x.");
    x.type_line("list_groups");
    x.expect("den  1/1 online, of x");
    y.type_line("$roomjoin den");
    y.expect_start("[You have joined den of x.");
    y.type_line("send_group den hello");
    x.expect("den: y: hello");
    x.type_line("list_members");
    x.expect("[Members of den: 2]");
    y.type_line("leave_group den");
    y.expect("[You have left den.]");
    y.type_line("subscribe");
    y.expect_start("[lobby: nothing has changed, there is no such room.");
    y.type_line("send_all hello");
    y.expect("[Message not sent: you are not in lobby. To enter it: roomjoin lobby]");
    y.type_line("help aliases");
    y.expect("send_all                    post lobby");
    for (mut who, end) in [(x, ":q"), (y, "q")] {
        who.type_line(end);
        assert_eq!(who.end().0, 0);
    }
}

#[test]
fn a_lobby_is_offered_to_whoever_is_not_in_it() {
    let world = World::new();
    let mut serve = world.serve();
    serve.push("--lobby".to_owned());
    let registry = Program::start(&world, &serve);
    registry.expect_error("socket bound");
    let mut x = Program::client(&world, "x");
    x.expect("[There is a room for everybody. To enter it: roomjoin lobby]");
    x.type_line("subscribe");
    x.expect_start("[You have joined lobby. Member count=1]");
    x.type_line("quit");
    assert_eq!(x.end().0, 0);
    let mut x = Program::returning_client(&world, "x");
    x.type_line("quit");
    let (code, lines) = x.end();
    assert_eq!(code, 0);
    assert!(
        !lines.iter().any(|line| line.contains("for everybody")),
        "{lines:#?}"
    );
}

#[test]
fn what_is_unfinished_is_listed_and_of_a_post_who_has_it() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    x.type_line("status");
    x.expect("[No message is unfinished.]");
    x.type_line("roomcreate den");
    x.expect_start("[You have joined den");
    for name in ["yvonne", "zed"] {
        let mut other = Program::client(&world, name);
        other.type_line("roomjoin den");
        other.expect_start("[You have joined den");
        if name == "yvonne" {
            other.type_line("quit");
            assert_eq!(other.end().0, 0);
        } else {
            x.type_line("post den hello");
            other.expect("den: x: hello");
            x.type_line("send yvonne hi");
            x.expect("[Messages received by the server and saved]");
            x.expect("[Messages received by the server and saved]");
            other.type_line("quit");
            assert_eq!(other.end().0, 0);
        }
    }
    x.type_line("status");
    x.expect("[Unfinished messages: 2]");
    assert!(
        x.expect_start(">1      #den ")
            .ends_with("at the server, until all members have it")
    );
    assert!(
        x.expect_start(">2      yvonne ")
            .ends_with("at the server, until yvonne comes")
    );
    let readers = x.expect_start("[Message of ");
    assert!(
        readers.ends_with(" to den: 1 of 2 have it; not yet: yvonne.]"),
        "{readers}"
    );
    let mut yvonne = Program::returning_client(&world, "yvonne");
    yvonne.expect_start("den: x: ");
    while !x
        .expect_start("[Message of ")
        .ends_with("received by everybody in den.]")
    {}
}

#[test]
fn fingerprints_are_shown_to_be_compared() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = Program::client(&world, "x");
    y.type_line("whoami");
    let own = y.expect_start("[Fingerprint of yourself: ");
    x.expect("[Client table updated.]");
    x.type_line("fingerprint y");
    let listed = x.expect_start("[Fingerprint of y, as the server says: ");
    x.type_line("send y hi");
    y.expect("x: hi");
    x.type_line("fingerprint y");
    let used = x.expect_start("[Fingerprint of y: ");
    let digits = |line: &str| line.split_once(": ").unwrap().1.to_owned();
    assert_eq!([digits(&listed), digits(&used)], [digits(&own), digits(&own)]);
    x.type_line("fingerprint nobody");
    x.expect("[No identity of nobody is known yet.]");
}
