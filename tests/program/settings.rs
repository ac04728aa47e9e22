//! The built program's settings: its configuration file, its environment, and what a name was registered with.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::World;
use crate::common::pipes::Program;

/// Writes the configuration file of a world's users.
fn configure(world: &World, text: &str) {
    let folder = world.settings().join("udpchat");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), text).unwrap();
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn leave(client: Program) {
    client.interrupt();
    assert_eq!(client.end().0, 0);
}

#[test]
fn a_name_alone_comes_back_to_where_it_was_registered() {
    let world = World::new();
    let registry = Program::registry(&world);
    leave(Program::client(&world, "Alice"));
    let mut again = Program::start(&world, &words("-c alice"));
    again.expect("[Welcome back, You are registered.]");
    leave(again);
    let profile = world.client_folder("alice").join("profile");
    let mode = fs::metadata(&profile).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept = fs::read_to_string(&profile).unwrap();
    assert_eq!(
        kept,
        format!("server = \"127.0.0.1\"\nserver-port = {}\nport = 0\n", world.port)
    );
    // A start that no registry has taken changes nothing.
    registry.interrupt();
    assert_eq!(registry.end().0, 0);
    let (code, _, _) = Program::run(&world, &["-c", "alice", "127.0.0.1", "9", "0"]);
    assert_eq!(code, 1);
    assert_eq!(fs::read_to_string(&profile).unwrap(), kept);
}

#[test]
fn where_nothing_is_known_it_says_what_to_give() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut arguments = world.chat("alice");
    arguments.push("--ephemeral".to_owned());
    let mut client = Program::start(&world, &arguments);
    client.expect("[Welcome, You are registered.]");
    leave(client);
    let (code, lines, errors) = Program::run(&world, &["-c", "alice"]);
    assert_eq!((code, lines.len()), (2, 0));
    assert_eq!(
        errors,
        [
            "udpchat: no server is known for alice yet, so -c needs four values: <name> <server> <server-port> \
             <client-port>, like: -c alice 127.0.0.1 12345 1232"
        ]
    );
    assert!(!world.client_folder("alice").exists(), "nothing is opened");
}

#[test]
fn settings_are_read_from_the_file_and_the_environment_and_options_win() {
    let world = World::new();
    configure(
        &world,
        &format!(
            "[registry]\nport = {0}\nlobby = true\n[client]\nserver = '127.0.0.1'\nserver-port = {0}\nport = 0\n\
             join = 'lobby'\njson = true\n",
            world.port
        ),
    );
    let registry = Program::start(&world, &words("-s"));
    registry.expect_error("socket bound");
    let mut client = Program::start(&world, &words("-c alice"));
    client.expect_start("{\"event\":\"registered\"");
    client.expect_start("{\"event\":\"room-entered\"");
    leave(client);
    let environment = [("UDPCHAT_JSON", "false"), ("UDPCHAT_JOIN", "")];
    let mut client = Program::start_with(&world, &words("-c alice"), &environment);
    client.expect("[Welcome back, You are registered.]");
    leave(client);
    let port = world.port.to_string();
    let mut client = Program::start(
        &world,
        &["-c", "bob", "127.0.0.1", &port, "0", "--config", "none"].map(str::to_owned),
    );
    client.expect("[Welcome, You are registered.]");
    leave(client);
}

#[test]
fn what_is_wrong_in_the_file_is_one_line_and_exit_2() {
    let world = World::new();
    let file = world.settings().join("udpchat/config.toml");
    let file = file.display();
    for (text, expected) in [
        (
            "[client]\n\nttl = 5\n",
            format!("{file}:3: [client] ttl: needs a span from 10s to 30d, like 90s, 15m or 12h, not '5'"),
        ),
        (
            "[client]\ntll = '5m'\n",
            format!("{file}:2: [client] tll: no such key; did you mean ttl?"),
        ),
        ("[registry]\nlobby = 'perhaps'\n[client\n", format!("{file}:3: ")),
    ] {
        configure(&world, text);
        let (code, lines, errors) = Program::run(&world, &["-c", "alice", "127.0.0.1", "9", "0"]);
        assert_eq!((code, lines.len(), errors.len()), (2, 0, 1), "{errors:#?}");
        assert!(
            errors[0].starts_with(&format!("udpchat: {expected}")),
            "{errors:#?}"
        );
    }
    assert!(
        !world.client_folder("alice").exists(),
        "it is read before anything is opened"
    );
    let (code, _, errors) = Program::run(&world, &["-s", "1", "--config", "/nowhere/config.toml"]);
    assert_eq!((code, errors.len()), (2, 1));
    assert!(
        errors[0].contains("/nowhere/config.toml cannot be read"),
        "{errors:#?}"
    );
    let (code, lines, _) = Program::run(&world, &["simulate", "--minutes", "1"]);
    assert_eq!(
        (code, lines.is_empty()),
        (0, false),
        "a simulation has no settings"
    );
}
