//! Disks that are lost: what a machine had committed is gone, or is again what a copy has.
//!
//! Who loses what, and when, is `life`'s business; what may still be expected then is the ledger's.
//! Invariant: what a copy has is what was committed when it was made.

use super::ledger::{Books, Folder};
use super::world::{Site, World, WorldFault, broken};
use crate::store::client::ClientStore;
use crate::store::registry::RegistryStore;

/// A copy of the registry's database.
#[derive(Clone)]
pub(super) struct Copy {
    /// How much had been committed.
    commits: usize,
    books: Books,
}

/// A copy of somebody's folder.
#[derive(Clone)]
pub(super) struct FolderCopy {
    commits: usize,
    folder: Folder,
}

impl World {
    /// Somebody makes a copy of his folder.
    pub(super) fn copy_folder(&mut self, number: usize) {
        self.note(Site::Person(number), || "is copied".into());
        let folder = self.ledger.copy_of_folder(number);
        if let Some(person) = self.people.get_mut(number) {
            let commits = person.machine.disk.commits();
            person.copy = Some(FolderCopy { commits, folder });
        }
    }

    /// Somebody's program dies, and his database is lost; the copy takes its place, if there is one and it is wanted. Who
    /// he is, his folder knows still.
    pub(super) fn lose_folder(&mut self, number: usize, is_restored: bool) -> Result<(), WorldFault> {
        self.kill(Site::Person(number));
        let (store, _) = ClientStore::open_in_memory().map_err(broken)?;
        let Some(person) = self.people.get_mut(number) else {
            return Ok(());
        };
        person.copy = person.copy.take().filter(|_| is_restored);
        let (commits, folder) = match &person.copy {
            Some(copy) => (copy.commits, copy.folder.clone()),
            None => (0, Folder::default()),
        };
        person.machine.disk.replace(store, commits).map_err(broken)?;
        self.note(Site::Person(number), || {
            format!("has lost his database, but for {commits} commits")
        });
        self.ledger.other_folder(self.now.at, number, &folder);
        Ok(())
    }

    /// The registry's operator makes a copy of its database.
    pub(super) fn copy_registry(&mut self) {
        self.note(Site::Registry, || "is copied".into());
        self.copy = Some(Copy {
            commits: self.registry.disk.commits(),
            books: self.ledger.copy_of_books(),
        });
    }

    /// The registry dies, and its database is lost; the copy takes its place, if there is one and it is wanted. Either way
    /// it says that it is another database, as `--restored` does.
    pub(super) fn lose_registry(&mut self, is_restored: bool) -> Result<(), WorldFault> {
        self.kill(Site::Registry);
        let mut store_id = [0; 16];
        self.seeds.fill(&mut store_id);
        let (store, _) = RegistryStore::open_in_memory(store_id).map_err(broken)?;
        // What was committed since is forgotten, and with it a copy that is not used.
        self.copy = self.copy.take().filter(|_| is_restored);
        let (commits, books) = match &self.copy {
            Some(copy) => (copy.commits, copy.books.clone()),
            None => (0, Books::new(store_id)),
        };
        self.note(Site::Registry, || {
            format!("has lost its database, but for {commits} commits")
        });
        self.registry.disk.replace(store, commits).map_err(broken)?;
        self.ledger.other_books(self.now.at, books, store_id);
        self.compare_mailboxes();
        Ok(())
    }
}
