//! Standard input and output, as whoever started the program may have left them.
//!
//! A parent may have made them non-blocking, and they stay so for all who share them: what is not ready is waited
//! for. Knows nothing of terminals.
//! Invariant: a text is written whole, or the failure is told.

use std::io::{self, Read, Write};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::AsFd;

use crate::limits::BODY_BYTES_MAX;
use crate::runtime::start::{Exit, Fault};

/// Standard input, without a buffer.
pub(super) struct Input;

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read(io::stdin(), buffer)
    }
}

/// The text of a message: all that standard input has, but for a newline at its end.
///
/// # Errors
/// It cannot be read, or is no text that can be sent.
pub(super) fn read_text() -> Result<String, Fault> {
    let fault = |why: String| Fault {
        exit: Exit::NotAccepted,
        sentence: format!("nothing was sent: {why}"),
    };
    let most = u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    // A newline more than a text may have, and a byte to see that there is too much.
    let read = Input.take(most + 2).read_to_end(&mut bytes);
    read.map_err(|error| fault(format!("standard input cannot be read: {error}")))?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    if bytes.len() > BODY_BYTES_MAX {
        return Err(fault(format!(
            "standard input has more than {BODY_BYTES_MAX} bytes"
        )));
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => Err(fault("standard input is blank".to_owned())),
        Ok(text) => Ok(text),
        Err(_) => Err(fault("standard input is not valid UTF-8".to_owned())),
    }
}

/// Standard output, without a buffer.
struct Output;

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write(io::stdout(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes whole lines to standard output.
///
/// # Errors
/// It cannot be written; how much of the text was is not known.
pub(super) fn write_out(text: &str) -> io::Result<()> {
    // Whoever else writes waits until all of it is written.
    let _whole = io::stdout().lock();
    write_at_once(text)
}

/// As [`write_out`], even if another text is being written: for the very end.
///
/// # Errors
/// As [`write_out`].
pub(super) fn write_at_once(text: &str) -> io::Result<()> {
    Output.write_all(text.as_bytes())
}

/// Writes to standard error what is only for a person who watches.
pub(super) fn write_err(text: &str) {
    if let Err(error) = io::stderr().write_all(text.as_bytes()) {
        tracing::debug!(%error, "nobody reads standard error");
    }
}

/// Whether standard output takes something at once: a terminal that was stopped does not.
pub(super) fn takes_output() -> bool {
    let out = io::stdout();
    let at_once = rustix::time::Timespec::default();
    poll(&mut [PollFd::new(&out, PollFlags::OUT)], Some(&at_once)).is_ok_and(|ready| ready > 0)
}

/// What a failure to write means for the program: nothing, if only nobody reads any more.
///
/// # Errors
/// It means that what was to be said is missing where it was expected.
pub(super) fn judge(written: io::Result<()>) -> Result<(), Fault> {
    match written {
        Err(error) if !nobody_reads(&error) => Err(Fault {
            exit: Exit::Storage,
            sentence: format!("standard output cannot be written: {error}"),
        }),
        Err(error) => {
            tracing::debug!(%error, "nobody reads standard output");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Whether the reader of a pipe has gone, or a terminal was hung up.
fn nobody_reads(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
        || rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::IO)
}

fn read(from: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match rustix::io::read(&from, &mut *buffer) {
            Err(rustix::io::Errno::AGAIN) => wait(&from, PollFlags::IN)?,
            done => return Ok(done?),
        }
    }
}

fn write(to: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match rustix::io::write(&to, bytes) {
            Err(rustix::io::Errno::AGAIN) => wait(&to, PollFlags::OUT)?,
            done => return Ok(done?),
        }
    }
}

fn wait(stream: impl AsFd, what: PollFlags) -> io::Result<()> {
    poll(&mut [PollFd::new(&stream, what)], None)?;
    Ok(())
}
