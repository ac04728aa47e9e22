//! Has the program built anew when a migration is added: they are embedded, and the compiler sees only those
//! that were there before.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=src/store/testdata");
}
