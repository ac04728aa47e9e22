//! What a client was told when a registry last had it: where that was, and its own port. The next start that is told less takes it.
//!
//! A small file in the client's folder, which a person can read. No secret is in it.
//! Invariant: the file is whole, or as it was before.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::identity_file;

/// Where a client is at home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Profile {
    /// The registry's address or host name, as it was typed.
    pub server: String,
    /// The registry's port.
    pub server_port: u16,
    /// The client's own; 0: any free one.
    pub port: u16,
}

impl Profile {
    /// Its file in a client's folder, there or not.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("profile")
    }

    /// What such a file says.
    ///
    /// # Errors
    /// It says something else.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    /// Keeps it in this client's folder. On disk when this returns.
    ///
    /// # Errors
    /// What the system said.
    pub fn keep(&self, folder: &Path) -> io::Result<()> {
        let path = Self::path(folder);
        let text = toml::to_string(self).map_err(io::Error::other)?;
        match std::fs::read_to_string(&path) {
            Ok(kept) if kept == text => Ok(()),
            _ => identity_file::replace(&path, text.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_profile_is_kept_privately_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let read =
            || Profile::parse(&std::fs::read_to_string(Profile::path(folder.path())).unwrap()).unwrap();
        let first = Profile {
            server: "chat.example.org".to_owned(),
            server_port: 12345,
            port: 0,
        };
        first.keep(folder.path()).unwrap();
        assert_eq!(read(), first);
        let odd = Profile {
            server: "fe80::1%\"a\"\n[b".to_owned(),
            ..first
        };
        odd.keep(folder.path()).unwrap();
        assert_eq!(read(), odd, "whatever a zone is called");
        let mode = std::fs::metadata(Profile::path(folder.path()))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn what_is_no_profile_is_told() {
        for text in ["", "server = 1", "server = \"x\"\nserver-port = 70000\nport = 0"] {
            assert!(Profile::parse(text).is_err(), "{text}");
        }
    }
}
