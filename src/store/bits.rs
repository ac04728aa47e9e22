//! Numbers of the program in the columns of SQLite.
//!
//! Invariant: what was written is read back.

use std::fmt;

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

/// A `u64` in an INTEGER column, by its bits: SQLite has signed ones only.
///
/// The column's order is that of the numbers below 2^63 only: sort random ones by nothing. Arrays of bytes need
/// no such help: rusqlite reads and writes `[u8; N]` as BLOB and checks the length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits(pub u64);

impl ToSql for Bits {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.cast_signed()))
    }
}

impl FromSql for Bits {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(|number| Self(number.cast_unsigned()))
    }
}

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
