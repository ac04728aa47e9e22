//! Where a program keeps its database and its identity: one folder each, one process per folder.
//!
//! `<data>/clients/<lowercase name>/`, `<data>/peers/<lowercase name>/` and `<data>/registries/<port>/`, where `<data>` is
//! `--data-dir` or `$XDG_DATA_HOME/udpchat` (XDG Base Directory Specification 0.8). Opens no database.
//! Invariant: while a `Folder` lives, no other process has one on the same path.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::identity_file::{self, IdentityError, Seed};
use crate::id::Name;

/// A folder in use by this process.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

/// Why a folder cannot be used. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Nobody said where home is.
    #[error("there is no place for data: neither XDG_DATA_HOME nor HOME is set. Name one with --data-dir.")]
    Homeless,
    /// Another process is at work there.
    #[error(
        "another udpchat is running on {}. Its messages are safe. End it, or choose another folder with \
         --data-dir.", .path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// It cannot be created or written.
    #[error(
        "the folder {} cannot be used ({error}). No message is lost. Make it writable for this user, or choose \
         another with --data-dir.", .path.display()
    )]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// There is a database whose identity is gone.
    #[error(
        "{} has a database but no file `identity`. A new identity could neither keep the name nor read the mail. \
         Restore the file from a backup, or move the folder away to start afresh.", .path.display()
    )]
    IdentityLost {
        /// The folder.
        path: PathBuf,
    },
    /// As it says.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// `<data>`: what the person chose, or the place that the system's conventions name.
pub fn data_root(
    chosen: Option<PathBuf>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<PathBuf, FolderError> {
    if let Some(path) = chosen {
        return Ok(path);
    }
    let absolute = |name| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|path| path.join("udpchat"))
        .ok_or(FolderError::Homeless)
}

/// A client's folder. Names that differ only in case are the same name.
pub fn of_client(root: &Path, name: &Name) -> PathBuf {
    root.join("clients").join(name.folded())
}

/// The folder of a client without a registry. Not [`of_client`]: a registry has no part in who that is, and both may run.
pub fn of_peer(root: &Path, name: &Name) -> PathBuf {
    root.join("peers").join(name.folded())
}

/// A registry's folder.
pub fn of_registry(root: &Path, port: u16) -> PathBuf {
    root.join("registries").join(port.to_string())
}

/// The database's file in a folder.
const DATABASE: &str = "database.sqlite";

/// The identity's file in a folder.
const IDENTITY: &str = "identity";
/// The file with a client's name.
const SPELLING: &str = "name";

/// Whether there is a database in this folder. Makes nothing.
pub fn has_database(path: &Path) -> Result<bool, FolderError> {
    path.join(DATABASE)
        .try_exists()
        .map_err(|error| FolderError::Unwritable {
            path: path.to_owned(),
            error,
        })
}

/// What lies in a folder, for whoever only reads there beside its owner.
#[derive(Debug)]
pub struct Glance {
    /// The database's file.
    pub database: PathBuf,
    /// The identity that lives there.
    pub seed: Seed,
    /// How its client's name was spelled first.
    pub name: Name,
}

impl Glance {
    /// Looks into the folder of the client of this name; `None` if there is no database.
    pub fn at(path: &Path, name: &Name) -> Result<Option<Self>, FolderError> {
        if !has_database(path)? {
            return Ok(None);
        }
        let seed = identity_file::read(&path.join(IDENTITY))?;
        let seed = seed.ok_or_else(|| FolderError::IdentityLost {
            path: path.to_owned(),
        })?;
        Ok(Some(Self {
            database: path.join(DATABASE),
            seed,
            name: kept_spelling(path, name)
                .unwrap_or(None)
                .unwrap_or_else(|| name.clone()),
        }))
    }
}

/// How a client's name was spelled first, if that is the same name.
fn kept_spelling(path: &Path, name: &Name) -> io::Result<Option<Name>> {
    let text = std::fs::read_to_string(path.join(SPELLING))?;
    Ok(text.parse().ok().filter(|kept| name.matches(kept)))
}

impl Folder {
    /// Creates the folder if need be, for this user only, and takes it for this process.
    pub fn open(path: PathBuf) -> Result<Self, FolderError> {
        let lock = identity_file::create_private_folder(&path).and_then(|()| {
            OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(path.join("lock"))
        });
        let lock = match lock {
            Ok(lock) => lock,
            Err(error) => return Err(FolderError::Unwritable { path, error }),
        };
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse { path }),
            Err(TryLockError::Error(error)) => Err(FolderError::Unwritable { path, error }),
        }
    }

    /// The database's file, there or not.
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// How its client's name was spelled first. It stands in every message: another spelling of an unfinished one would
    /// make it another message.
    pub fn spelling(&self, name: &Name) -> Result<Name, FolderError> {
        let io = |error| FolderError::Unwritable {
            path: self.path.clone(),
            error,
        };
        match kept_spelling(&self.path, name) {
            Ok(kept) => Ok(kept.unwrap_or_else(|| name.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                identity_file::write_new(&self.path.join(SPELLING), name.as_str().as_bytes()).map_err(io)?;
                Ok(name.clone())
            }
            Err(error) => Err(io(error)),
        }
    }

    /// The identity that lives here; drawn at the first start.
    pub fn seed(&self) -> Result<Seed, FolderError> {
        let path = self.path.join(IDENTITY);
        if let Some(seed) = identity_file::read(&path)? {
            return Ok(seed);
        }
        if self.database().exists() {
            return Err(FolderError::IdentityLost {
                path: self.path.clone(),
            });
        }
        Ok(identity_file::create(&path)?)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_lives_where_it_was_chosen_or_where_conventions_say() {
        let root = |chosen: Option<&str>, xdg: &str, home: &str| {
            let (xdg, home) = (xdg.to_owned(), home.to_owned());
            data_root(chosen.map(PathBuf::from), |name| match name {
                "XDG_DATA_HOME" => Some(xdg.clone().into()),
                "HOME" => Some(home.clone().into()),
                _ => None,
            })
        };
        assert_eq!(root(Some("here"), "/x", "/h").unwrap(), Path::new("here"));
        assert_eq!(root(None, "/x", "/h").unwrap(), Path::new("/x/udpchat"));
        let at_home = Path::new("/h/.local/share/udpchat");
        assert_eq!(root(None, "", "/h").unwrap(), at_home);
        assert_eq!(root(None, "relative", "/h").unwrap(), at_home, "as XDG demands");
        assert!(matches!(root(None, "", ""), Err(FolderError::Homeless)));
    }

    #[test]
    fn names_that_differ_in_case_share_a_folder() {
        let folder = |name: &str| of_client(Path::new("/d"), &name.parse().unwrap());
        assert_eq!(folder("Alice"), folder("aLICE"));
        assert_eq!(folder("Alice"), Path::new("/d/clients/alice"));
        assert_eq!(
            of_registry(Path::new("/d"), 12345),
            Path::new("/d/registries/12345")
        );
    }

    #[test]
    fn a_name_keeps_its_first_spelling() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path().join("clients/alice")).unwrap();
        let name = |text: &str| text.parse::<Name>().unwrap();
        assert_eq!(folder.spelling(&name("Alice")).unwrap(), name("Alice"));
        assert_eq!(folder.spelling(&name("aliCE")).unwrap(), name("Alice"));
    }

    #[test]
    fn one_process_has_a_folder_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/b");
        let first = Folder::open(path.clone()).unwrap();
        assert!(matches!(
            Folder::open(path.clone()),
            Err(FolderError::InUse { .. })
        ));
        drop(first);
        assert!(Folder::open(path).is_ok());
    }

    #[test]
    fn an_identity_stays_and_is_not_drawn_anew_beside_a_database() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path().join("a")).unwrap();
        let seed = folder.seed().unwrap();
        assert_eq!(folder.seed().unwrap(), seed);
        std::fs::write(folder.database(), b"").unwrap();
        std::fs::remove_file(folder.path().join("identity")).unwrap();
        assert!(matches!(folder.seed(), Err(FolderError::IdentityLost { .. })));
    }

    #[test]
    fn a_place_that_cannot_be_a_folder_is_explained() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let error = Folder::open(file.join("sub")).unwrap_err();
        assert!(error.to_string().contains("--data-dir"), "{error}");
    }
}
