//! The built program in a world of its own: a folder for its data, ports of this machine, and a way to read.
//!
//! Nothing here sleeps: whoever waits waits for a line, and fails after `PATIENCE` with all that was said.
//! Invariant: no process outlives its test.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: what fails here fails the test, loudly"
)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary takes these files in as its own, and uses its part of them"
)]

pub mod classic;
pub mod disk;
pub mod pipes;
pub mod pty;
pub mod schema;

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

/// How long a line may take. A client that has nothing to say notices a registry that was restarted with its next
/// keep-alive, 20 s later; opening a session and the notices that it asks for come on top, and the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Longer than the second within which changes of the table are told together.
pub const QUIET: Duration = Duration::from_millis(1_500);

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_udpchat");

/// A folder and a port.
pub struct World {
    folder: TempDir,
    /// The registry's.
    pub port: u16,
}

impl World {
    /// An empty world.
    pub fn new() -> Self {
        Self::within(&std::env::temp_dir(), free_port())
    }

    /// A world whose folder is under this one, with a registry at this port.
    pub fn within(folder: &Path, port: u16) -> Self {
        Self {
            folder: TempDir::new_in(folder).expect("a temporary folder"),
            port,
        }
    }

    /// The folder stays when the test is over.
    pub fn keep(&mut self) {
        self.folder.disable_cleanup(true);
    }

    /// Where all databases are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where its users' settings are; there are none at first.
    pub fn settings(&self) -> PathBuf {
        self.folder().join("settings")
    }

    /// A client's own folder.
    pub fn client_folder(&self, name: &str) -> PathBuf {
        self.folder().join("udpchat/clients").join(name)
    }

    /// The registry's own folder.
    pub fn registry_folder(&self) -> PathBuf {
        self.folder()
            .join("udpchat/registries")
            .join(self.port.to_string())
    }

    /// Where programs are told that the registry is.
    pub fn registry_address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The arguments of a registry.
    pub fn serve(&self) -> Vec<String> {
        vec!["-s".to_owned(), self.port.to_string()]
    }

    /// The arguments of a client on any free port.
    pub fn chat(&self, name: &str) -> Vec<String> {
        ["-c", name, "127.0.0.1", &self.port.to_string(), "0"]
            .map(str::to_owned)
            .to_vec()
    }
}

/// A UDP port that nobody has at the moment.
pub fn free_port() -> u16 {
    let [port] = free_ports();
    port
}

/// Such ports, each once.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let sockets = [(); N].map(|()| UdpSocket::bind(("127.0.0.1", 0)).expect("a socket"));
    sockets.map(|socket| socket.local_addr().expect("its address").port())
}

/// Sends a signal.
pub fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.expect("a process id"), signal).expect("a running process");
}

/// Whether a process with this status takes no notice of a signal: it ignores it, or has it blocked.
pub fn ignores(status: &str, signal: rustix::process::Signal) -> bool {
    let bit = 1_u64 << (signal.as_raw() - 1);
    ["SigIgn:", "SigBlk:"].iter().any(|field| {
        let mask = status.lines().find_map(|line| line.strip_prefix(field));
        let mask = u64::from_str_radix(mask.expect("a mask").trim(), 16).expect("a number");
        mask & bit != 0
    })
}

/// A line that is a message out of the mailbox, `<sender>: <timestamp> <text>`, without its time; the time must
/// look like one.
pub fn without_time(line: &str, prefix: &str) -> String {
    let rest = line
        .strip_prefix(prefix)
        .unwrap_or_else(|| panic!("{line:?} does not begin with {prefix:?}"));
    let (time, rest) = rest.split_at_checked(19).expect("a timestamp");
    let shape: String = time
        .chars()
        .map(|character| {
            if character.is_ascii_digit() {
                '0'
            } else {
                character
            }
        })
        .collect();
    assert_eq!(shape, "0000-00-00 00:00:00", "in {line:?}");
    format!("{prefix}<time>{rest}")
}

/// Lines as they are, with the times of stored messages and of later notices taken out.
pub fn timeless(lines: Vec<String>) -> Vec<String> {
    let timeless = |line: String| match line.split_once(' ') {
        Some((sender, rest)) if sender.ends_with(':') && rest.starts_with("20") => {
            without_time(&line, &format!("{sender} "))
        }
        _ if line.starts_with("[Message of ") => without_time(&line, "[Message of "),
        _ => line,
    };
    lines.into_iter().map(timeless).collect()
}
