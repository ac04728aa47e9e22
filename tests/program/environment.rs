//! The built program in surroundings that will not do: each has its sentence and its exit code, and loses nothing.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "helpers of tests fail as tests do, and hold ports"
)]

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rusqlite::Connection;
use tempfile::TempDir;

/// The registry's port: bound by the test, so that nothing starts by mistake, unless the test frees it.
struct Scene {
    data: TempDir,
    port: UdpSocket,
}

impl Scene {
    fn new() -> Self {
        Self {
            data: tempfile::tempdir().unwrap(),
            port: UdpSocket::bind("127.0.0.1:0").unwrap(),
        }
    }

    fn port(&self) -> u16 {
        self.port.local_addr().unwrap().port()
    }

    /// The arguments of a registry and of a client, and their folders, with identities.
    fn both(&self) -> [(Vec<String>, PathBuf); 2] {
        let port = self.port().to_string();
        let registry = ["-s", &port].map(str::to_owned).to_vec();
        let client = ["-c", "alice", "127.0.0.1", "9", "0"].map(str::to_owned).to_vec();
        [
            (registry, self.home("registries", &port)),
            (client, self.home("clients", "alice")),
        ]
    }

    fn home(&self, kind: &str, name: &str) -> PathBuf {
        let folder = self.data.path().join(kind).join(name);
        fs::create_dir_all(&folder).unwrap();
        let identity = folder.join("identity");
        fs::write(&identity, [7; 32]).unwrap();
        fs::set_permissions(&identity, fs::Permissions::from_mode(0o600)).unwrap();
        folder
    }

    /// The exit code and the words of a program that cannot start.
    fn run(&self, arguments: &[String]) -> (i32, String) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        run(&arguments, self.data.path())
    }
}

fn run(arguments: &[&str], data: &Path) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_udpchat"))
        .args(arguments)
        .arg("--data-dir")
        .arg(data)
        .env_remove("UDPCHAT_LOG")
        .env("UDPCHAT_CONFIG", "none")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let words = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8_lossy(&words).into_owned(),
    )
}

fn database(folder: &Path) -> PathBuf {
    folder.join("database.sqlite")
}

#[test]
fn a_taken_port_ends_with_4() {
    let scene = Scene::new();
    let port = scene.port().to_string();
    for arguments in [vec!["-s", &port], vec!["-c", "alice", "127.0.0.1", "9", &port]] {
        let (code, words) = run(&arguments, scene.data.path());
        assert_eq!(code, 4, "{words}");
        assert!(words.contains("in use by another program"), "{words}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_ends_with_5() {
    let scene = Scene::new();
    let file = scene.data.path().join("file");
    fs::write(&file, b"").unwrap();
    for (arguments, _) in scene.both() {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, words) = run(&arguments, &file);
        assert_eq!(code, 5, "{words}");
        assert!(words.contains("--data-dir"), "says what to do: {words}");
    }
}

#[test]
fn a_locked_database_ends_with_5() {
    let scene = Scene::new();
    for (arguments, folder) in scene.both() {
        let other = Connection::open(database(&folder)).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let (code, words) = scene.run(&arguments);
        assert_eq!(code, 5, "{words}");
        assert!(words.contains("in use by another process"), "{words}");
    }
}

#[test]
fn a_corrupt_database_ends_with_5_and_is_kept() {
    let scene = Scene::new();
    for (arguments, folder) in scene.both() {
        let database = database(&folder);
        fs::write(&database, "no database ".repeat(1_000)).unwrap();
        let (code, words) = scene.run(&arguments);
        assert_eq!(code, 5, "{words}");
        assert!(words.contains("damaged or not a database"), "{words}");
        assert!(fs::read_to_string(&database).unwrap().starts_with("no database"));
    }
}

#[test]
fn a_database_with_a_value_that_nobody_writes_ends_with_5() {
    let scene = Scene::new();
    let [registry, client] = scene.both();
    let number_beyond_all_tables = "INSERT INTO member (id, name, folded, identity, key, signature, counter)
         VALUES (4294967295, 'ann', 'ann', zeroblob(32), zeroblob(32), zeroblob(64), 1)";
    let address_that_is_none =
        "INSERT INTO registry (registry, identity, counter) VALUES (1, zeroblob(32), 0);
         INSERT INTO registry_address (address, registry) VALUES ('nowhere', 1)";
    assert!(udpchat::store::registry::RegistryStore::open(&database(&registry.1), [7; 16]).is_ok());
    assert!(udpchat::store::client::ClientStore::open(&database(&client.1)).is_ok());
    for ((arguments, folder), damage) in [
        (registry, number_beyond_all_tables),
        (client, address_that_is_none),
    ] {
        let connection = Connection::open(database(&folder)).unwrap();
        connection.execute_batch(damage).unwrap();
        drop(connection);
        let (code, words) = scene.run(&arguments);
        assert_eq!(code, 5, "{words}");
        assert!(words.contains("damaged or not a database"), "{words}");
        assert!(
            words.contains("Restore it from a backup"),
            "says what to do: {words}"
        );
    }
}

#[test]
fn a_database_that_may_not_grow_ends_with_5() {
    let scene = Scene::new();
    for (arguments, folder) in scene.both() {
        // As with a quota that is used up: writing fails, and not for want of space.
        let output = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_udpchat"))
            .args(&arguments)
            .arg("--data-dir")
            .arg(scene.data.path())
            .env("UDPCHAT_CONFIG", "none")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(5), "{words}");
        assert!(words.contains("a quota used up"), "{words}");
        assert!(database(&folder).exists(), "it was begun: {words}");
    }
}

#[test]
fn a_database_of_a_newer_program_ends_with_5_and_is_kept() {
    let scene = Scene::new();
    for ((arguments, folder), mark) in scene.both().into_iter().zip([b"udcR", b"udcC"]) {
        let database = database(&folder);
        let newer = Connection::open(&database).unwrap();
        let application = i32::from_be_bytes(*mark);
        newer.pragma_update(None, "application_id", application).unwrap();
        newer.pragma_update(None, "user_version", 99).unwrap();
        drop(newer);
        let (code, words) = scene.run(&arguments);
        assert_eq!(code, 5, "{words}");
        assert!(words.contains("newer udpchat"), "{words}");
        let kept: i64 = Connection::open(&database)
            .unwrap()
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(kept, 99);
    }
}

#[test]
fn an_identity_that_others_can_read_or_that_is_gone_ends_with_5() {
    let scene = Scene::new();
    for (arguments, folder) in scene.both() {
        let identity = folder.join("identity");
        fs::set_permissions(&identity, fs::Permissions::from_mode(0o644)).unwrap();
        let (code, words) = scene.run(&arguments);
        assert_eq!(code, 5, "{words}");
        assert!(words.contains("chmod 600"), "{words}");
        fs::remove_file(&identity).unwrap();
        fs::write(identity.with_file_name("database.sqlite"), b"").unwrap();
        let (code, words) = scene.run(&arguments);
        assert_eq!(code, 5, "{words}");
        assert!(!identity.exists(), "none is drawn in its place: {words}");
    }
}

#[test]
fn a_folder_in_use_ends_with_5() {
    let scene = Scene::new();
    for (arguments, folder) in scene.both() {
        let lock = fs::File::create(folder.join("lock")).unwrap();
        lock.lock().unwrap();
        let (code, words) = scene.run(&arguments);
        assert_eq!(code, 5, "{words}");
        assert!(words.contains("another udpchat"), "{words}");
    }
}

#[test]
fn a_server_without_a_name_ends_with_1() {
    let scene = Scene::new();
    let (code, words) = run(
        &["-c", "alice", "no.such.host.invalid", "9", "0"],
        scene.data.path(),
    );
    assert_eq!(code, 1, "{words}");
    assert!(words.contains("no.such.host.invalid"), "{words}");
}
