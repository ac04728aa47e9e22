//! The seed of an identity, in a file of 32 bytes that only its owner may read.
//!
//! What is derived from the seed is `identity.rs`'s business. Who has the file is the person: the registry and
//! the peers know him by nothing else, so it is never replaced.
//! Invariant: a seed file is either absent or whole; what is there is never overwritten.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use zeroize::Zeroizing;

/// Bytes of a seed.
const SEED_BYTES: usize = 32;

/// A seed, wiped when dropped.
pub type Seed = Zeroizing<[u8; SEED_BYTES]>;

/// Why there is no identity. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It has not the size of a seed.
    #[error(
        "the identity file {} has {bytes} bytes and should have {SEED_BYTES}: it is damaged, or something else. \
         Restore it from a backup; without it, the name and the mail that belong to it cannot be had.",
        .path.display()
    )]
    Size {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// Others may read or write it.
    #[error(
        "the identity file {} can be used by others (mode {mode:03o}). If nobody has copied it, protect it with: \
         chmod 600 {}", .path.display(), .path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is another user's: he can read it, and change it.
    #[error(
        "the identity file {} belongs to another user (number {owner}). Start udpchat as its owner, or put a copy of your \
         own in its place.", .path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// It is a folder, a pipe or a device.
    #[error("the identity file {} is no file.", .path.display())]
    NotAFile {
        /// Where it should be.
        path: PathBuf,
    },
    /// The system said no.
    #[error("the identity file {} cannot be used: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// No random numbers.
    #[error("the system gives no random numbers for a new identity: {0}")]
    Random(getrandom::Error),
}

/// Draws a seed that nobody keeps.
pub fn draw() -> Result<Seed, IdentityError> {
    let mut seed = Seed::default();
    getrandom::fill(&mut *seed).map_err(IdentityError::Random)?;
    Ok(seed)
}

/// Reads the seed; `None` if there is no file.
pub fn read(path: &Path) -> Result<Option<Seed>, IdentityError> {
    let io = |error| IdentityError::Io {
        path: path.into(),
        error,
    };
    // A pipe in its place must not hold us up. A link is followed: it is what it leads to that counts.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let about = file.metadata().map_err(io)?;
    if !about.is_file() {
        return Err(IdentityError::NotAFile { path: path.into() });
    }
    let me = rustix::process::geteuid().as_raw();
    if about.uid() != me {
        return Err(IdentityError::Foreign {
            path: path.into(),
            owner: about.uid(),
        });
    }
    let mode = about.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(IdentityError::Exposed {
            path: path.into(),
            mode,
        });
    }
    if about.len() != SEED_BYTES as u64 {
        return Err(IdentityError::Size {
            path: path.into(),
            bytes: about.len(),
        });
    }
    let mut seed = Seed::default();
    file.read_exact(&mut *seed).map_err(io)?;
    Ok(Some(seed))
}

/// Draws a seed and keeps it at `path`, where nothing may be. On disk when this returns.
pub fn create(path: &Path) -> Result<Seed, IdentityError> {
    let seed = draw()?;
    write_new(path, &*seed).map_err(|error| IdentityError::Io {
        path: path.into(),
        error,
    })?;
    Ok(seed)
}

/// Writes a private file whole: to another name, synced, then given its own, where nothing may be.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft(path, bytes)?;
    give_name(&draft, path, rename_to_free)?;
    sync_folder(path)
}

/// Writes a private file whole, in place of what is there.
///
/// # Errors
/// The disk does not take it: then what was there is there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::rename(draft(path, bytes)?, path)?;
    sync_folder(path)
}

/// Writes what a file is to have beside it.
fn draft(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        // Left by a start that was cut off, or absent.
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(draft)
}

/// Gives a file its own name, which nothing may have. A file system may lack either way, so both are tried: exFAT, for
/// example, has no links, and NFS renames only over what is there.
fn give_name(draft: &Path, path: &Path, rename: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    match rename(draft, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            tracing::debug!(%error, "no rename to a free name here");
        }
        done => return done,
    }
    // A link never replaces what is there either.
    fs::hard_link(draft, path)?;
    fs::remove_file(draft)
}

/// renameat2(2) with RENAME_NOREPLACE.
fn rename_to_free(draft: &Path, path: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, draft, CWD, path, RenameFlags::NOREPLACE)?)
}

/// Makes the names in a file's folder as durable as the files.
fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Creates a folder and those above it, for its owner only.
pub(super) fn create_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_seed_is_kept_privately_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity");
        assert!(read(&path).unwrap().is_none());
        let seed = create(&path).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), seed);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn a_file_gets_its_name_where_only_one_way_is_to_be_had_and_takes_nobody_s() {
        let without_rename = |_: &Path, _: &Path| Err(io::ErrorKind::InvalidInput.into());
        // What the first way does is all that a file system without links has.
        let ways: [fn(&Path, &Path) -> io::Result<()>; 2] = [rename_to_free, without_rename];
        for (number, way) in ways.into_iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let (draft, path) = (folder.path().join("draft"), folder.path().join("file"));
            fs::write(&draft, b"first").unwrap();
            give_name(&draft, &path, way).unwrap();
            assert!(!draft.exists(), "way {number}");
            fs::write(&draft, b"second").unwrap();
            let error = give_name(&draft, &path, way).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "way {number}");
            assert_eq!(fs::read(&path).unwrap(), b"first", "way {number}");
        }
    }

    #[test]
    fn an_identity_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity");
        let seed = create(&path).unwrap();
        assert!(matches!(create(&path), Err(IdentityError::Io { .. })));
        assert_eq!(read(&path).unwrap().unwrap(), seed);
    }

    #[test]
    fn a_start_that_was_cut_off_does_not_hinder_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity");
        fs::write(path.with_extension("new"), b"half").unwrap();
        create(&path).unwrap();
        assert!(read(&path).unwrap().is_some());
    }

    #[test]
    fn what_a_link_leads_to_is_what_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (folder.path().join("identity"), folder.path().join("elsewhere"));
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        assert!(create(&path).is_err(), "a link to nothing is not written through");
        let seed = create(&elsewhere).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), seed);
        fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            read(&path),
            Err(IdentityError::Exposed { mode: 0o640, .. })
        ));
    }

    #[test]
    fn a_folder_in_its_place_is_named_as_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(folder.path()).unwrap_err();
        assert!(matches!(error, IdentityError::NotAFile { .. }), "{error}");
    }

    #[test]
    fn another_users_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity");
        create(&path).unwrap();
        // Only root can give files away; whoever is not has to take this on trust.
        if !rustix::process::geteuid().is_root() {
            return;
        }
        std::os::unix::fs::chown(&path, Some(12_345), None).unwrap();
        let error = read(&path).unwrap_err();
        assert!(
            matches!(error, IdentityError::Foreign { owner: 12_345, .. }),
            "{error}"
        );
    }

    #[test]
    fn a_file_of_another_size_or_open_to_others_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity");
        create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, [0; 31]).unwrap();
        assert!(matches!(
            read(&path).unwrap_err(),
            IdentityError::Size { bytes: 31, .. }
        ));
    }
}
