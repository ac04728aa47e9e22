//! Disks that are lost: what a machine had committed is gone, or is again what a copy has.
//!
//! Who loses what, and when, is `life`'s business; what may still be expected then is the ledger's.
//! Invariant: what a copy has is what was committed when it was made.

use super::ledger::Books;
use super::world::{Site, World, WorldFault, broken};
use crate::store::registry::RegistryStore;

/// A copy of the registry's database.
#[derive(Clone)]
pub(super) struct Copy {
    /// How much had been committed.
    commits: usize,
    books: Books,
}

impl World {
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
