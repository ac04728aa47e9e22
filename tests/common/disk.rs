//! A small disk that a test can fill, and namespaces of the test's own.
//!
//! The test runs once more as a process apart (`unshare`), where a small file system in memory is the disk. That needs
//! root, or a kernel that lets users have namespaces; where neither is to be had such tests fail, and say how to leave
//! them out. Invariant: nothing is mounted, and no network made, where anybody else can see it.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do, and say what they leave out"
)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Says, inside, where the small disk is.
const DISK: &str = "UDPCHAT_TEST_DISK";
/// Set to anything: these tests are left out.
const LEAVE_OUT: &str = "UDPCHAT_TEST_NO_MOUNTS";

/// What a test has for itself.
#[derive(Clone, Copy, Debug)]
pub enum Apart {
    /// What is mounted.
    Mounts,
    /// That, and networks.
    MountsAndNetworks,
}

/// A small disk.
pub struct Disk {
    /// Where it is.
    pub path: PathBuf,
}

impl Disk {
    /// Plays `scene` with a small disk: in a process of its own, which runs the test of this name again.
    pub fn with(test: &str, bytes: u32, apart: Apart, scene: impl FnOnce(&Self)) {
        if let Some(path) = std::env::var_os(DISK) {
            return scene(&Self { path: path.into() });
        }
        if std::env::var_os(LEAVE_OUT).is_some() {
            eprintln!("NOT TESTED: {test}, because {LEAVE_OUT} is set");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let script = format!(
            "mount -t tmpfs -o size={bytes} tmpfs \"${DISK}\" && exec \"$0\" --exact \"$1\" --nocapture"
        );
        let mut command = Command::new("unshare");
        command.arg(match apart {
            Apart::Mounts => "-m",
            Apart::MountsAndNetworks => "-mn",
        });
        if !rustix::process::geteuid().is_root() {
            command.arg("-Ur");
        }
        let mut child = command
            .args(["sh", "-c", &script])
            .arg(std::env::current_exe().unwrap())
            .arg(test)
            .env(DISK, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let passed = lines.filter(|line| line.as_ref().unwrap().contains("1 passed"));
        let passed = passed.count() == 1;
        assert!(
            child.wait().unwrap().success() && passed,
            "it failed, as said above. If no namespaces can be had here, set {LEAVE_OUT}=1 to leave such tests out."
        );
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }

    /// Takes all the room that there is.
    pub fn fill(&self) {
        let filler = File::options().create(true).append(true).open(self.filler());
        let mut file = filler.unwrap();
        for piece in [vec![1; 4_096], vec![1; 1]] {
            loop {
                match file.write_all(&piece) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => unreachable!("{error}"),
                }
            }
        }
    }

    /// Takes all the room but this many bytes, or what of them there was.
    pub fn fill_but(&self, spare: u64) {
        self.fill();
        let file = File::options().write(true).open(self.filler()).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(spare)).unwrap();
    }

    /// Gives it back.
    pub fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}
