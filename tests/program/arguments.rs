//! The built program's command line: one line for what is wrong, the exit codes, and what fails at the start.

#![expect(clippy::disallowed_methods, reason = "somebody else's sockets")]

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;

use crate::common::World;
use crate::common::pipes::Program;

#[test]
fn bad_arguments_are_one_line_and_exit_2() {
    let world = World::new();
    for arguments in [
        &[][..],
        &["-s"],
        &["-s", "0"],
        &["-s", "65536"],
        &["-s", "abc"],
        &["-c"],
        &["-c", "alice"],
        &["-c", "alice", "127.0.0.1", "12345"],
        &["-c", "al/ice", "127.0.0.1", "12345", "1"],
        &["-c", "alice", "1.2.3", "12345", "1"],
        &["-c", "alice", "127.0.0.1", "0", "1"],
        &["-c", "alice", "127.0.0.1", "12345", "99999"],
        &["-s", "1", "-c", "a", "::1", "1", "1"],
        &["--nonsense"],
    ] {
        let (code, lines, errors) = Program::run(&world, arguments);
        assert_eq!(code, 2, "{arguments:?}");
        assert_eq!(lines, [""; 0], "{arguments:?}");
        assert_eq!(errors.len(), 1, "{arguments:?}: {errors:#?}");
        assert!(errors[0].starts_with("udpchat: "), "{errors:#?}");
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    let world = World::new();
    let (code, lines, errors) = Program::run(&world, &["--help"]);
    assert_eq!((code, errors.len()), (0, 0));
    let help = lines.join("\n");
    for part in [
        "Usage:",
        "Examples:",
        "send <name> <text>",
        "Files:",
        "Environment:",
        "Exit codes:",
    ] {
        assert!(help.contains(part), "{part}");
    }
    let (code, lines, _) = Program::run(&world, &["--version"]);
    assert_eq!(
        (code, lines),
        (0, vec![format!("udpchat {}", env!("CARGO_PKG_VERSION"))])
    );
}

#[test]
fn verbose_twice_tells_of_every_datagram_that_is_dropped() {
    let world = World::new();
    let registry = Program::start(&world, &[world.serve(), vec!["-vv".to_owned()]].concat());
    registry.expect_error("socket bound");
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    for bytes in [&b""[..], b"x"] {
        stranger.send_to(bytes, ("127.0.0.1", world.port)).unwrap();
        let line = registry.expect_error("datagram dropped");
        let what = format!("len={} cause=Malformed", bytes.len());
        assert!(line.contains(&what), "{line}");
    }
}

#[test]
fn a_server_that_is_not_there_is_exit_1() {
    let world = World::new();
    let client = Program::start(&world, &world.chat("alice"));
    let (code, lines) = client.end();
    assert_eq!(lines, ["[Server not responding]", "[Exiting]"]);
    assert_eq!(code, 1);
}

#[test]
fn a_taken_port_is_exit_4() {
    let world = World::new();
    let taken = UdpSocket::bind(("0.0.0.0", world.port)).unwrap();
    let port = world.port.to_string();
    let (code, _, errors) = Program::run(&world, &["-s", &port]);
    assert_eq!(code, 4, "{errors:#?}");
    assert!(errors.iter().any(|line| line.contains(&port)), "{errors:#?}");
    let (code, lines, errors) = Program::run(&world, &["-c", "alice", "127.0.0.1", "9", &port]);
    assert_eq!(code, 4, "{lines:#?} {errors:#?}");
    drop(taken);
}

#[test]
fn a_folder_that_cannot_be_used_is_exit_5() {
    let world = World::new();
    let file = world.folder().join("file");
    fs::write(&file, "no folder").unwrap();
    let folder = file.join("below").to_string_lossy().into_owned();
    for arguments in [
        ["-s", &world.port.to_string(), "--data-dir", &folder].to_vec(),
        ["-c", "alice", "127.0.0.1", "9", "0", "--data-dir", &folder].to_vec(),
    ] {
        let (code, lines, errors) = Program::run(&world, &arguments);
        assert_eq!(code, 5, "{lines:#?} {errors:#?}");
        assert!(
            errors.iter().chain(&lines).any(|line| line.contains("below")),
            "{lines:#?} {errors:#?}"
        );
    }
}

#[test]
fn a_database_that_is_none_is_exit_5_and_stays_as_it_is() {
    let world = World::new();
    let registry = Program::registry(&world);
    registry.interrupt();
    assert_eq!(registry.end().0, 0);
    let folder = world.registry_folder();
    let database = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3")))
        .expect("a database");
    let garbage = vec![b'x'; 8192];
    fs::write(&database, &garbage).unwrap();
    let (code, lines, errors) = Program::run(&world, &["-s", &world.port.to_string()]);
    assert_eq!(code, 5, "{lines:#?} {errors:#?}");
    assert_eq!(fs::read(&database).unwrap(), garbage);
}

#[test]
fn identities_are_kept_from_others() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let client = Program::client(&world, "Alice");
    client.interrupt();
    assert_eq!(client.end().0, 0);
    for folder in [world.client_folder("alice"), world.registry_folder()] {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            if entry.file_name().to_string_lossy().contains("identity") {
                assert_eq!(mode & 0o777, 0o600, "{entry:?}");
            }
        }
    }
}

#[test]
fn one_client_at_a_time_uses_an_identity() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let _first = Program::client(&world, "alice");
    let second = Program::start(&world, &world.chat("alice"));
    let errors = second.errors();
    let (code, lines) = second.end();
    assert_eq!(code, 5, "{lines:#?} {errors:#?}");
}

#[test]
fn an_ephemeral_client_leaves_nothing() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut arguments = world.chat("alice");
    arguments.push("--ephemeral".to_owned());
    let mut client = Program::start(&world, &arguments);
    client.expect("[Welcome, You are registered.]");
    client.interrupt();
    assert_eq!(client.end().0, 0);
    assert!(!world.client_folder("alice").exists());
}

#[test]
fn both_families_and_names_reach_the_registry() {
    let world = World::new();
    let _registry = Program::registry(&world);
    for (name, server) in [("four", "127.0.0.1"), ("six", "::1"), ("named", "localhost")] {
        let arguments = ["-c", name, server, &world.port.to_string(), "0"].map(str::to_owned);
        let mut client = Program::start(&world, &arguments);
        client.expect("[Welcome, You are registered.]");
    }
}
