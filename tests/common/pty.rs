//! The program on a terminal: keys go in, a screen comes out.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use vt100::Parser;

use super::{PATIENCE, PROGRAM, World};

/// Enter.
pub const ENTER: &str = "\r";
/// Ctrl+C.
pub const CTRL_C: &str = "\u{3}";
/// Ctrl+D.
pub const CTRL_D: &str = "\u{4}";

/// How often somebody presses Ctrl+C who wants to be gone: not so fast that it passes for one press.
const IMPATIENCE: Duration = Duration::from_millis(300);

/// A program and the terminal that it runs on.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    // Kept open: the program would be hung up otherwise.
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: Parser,
    rings: usize,
}

impl Terminal {
    /// Starts it on a terminal of 24 lines of 80 columns.
    pub fn start(world: &World, arguments: &[String]) -> Self {
        Self::with_lines(24, world, arguments)
    }

    /// Starts it on a terminal of so many lines.
    pub fn with_lines(lines: u16, world: &World, arguments: &[String]) -> Self {
        Self::open((lines, 80), &[], world, arguments)
    }

    /// Starts it on a terminal of so many lines and columns, with these variables in its environment.
    pub fn open(
        (rows, cols): (u16, u16),
        variables: &[(&str, &str)],
        world: &World,
        arguments: &[String],
    ) -> Self {
        let (pixel_width, pixel_height) = (0, 0);
        let size = PtySize {
            rows,
            cols,
            pixel_width,
            pixel_height,
        };
        let (rows, columns) = (NonZero::new(rows), NonZero::new(cols));
        let (rows, columns) = rows.zip(columns).expect("a terminal with lines");
        let screen = Parser::new(rows, columns, 0);
        let pair = native_pty_system().openpty(size).expect("a pseudo terminal");
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(arguments);
        command.env("XDG_DATA_HOME", world.folder());
        command.env("XDG_CONFIG_HOME", world.settings());
        command.env("TERM", "xterm-256color");
        command.env("TZ", "UTC");
        command.env_remove("NO_COLOR");
        for (name, value) in variables {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("the built program");
        drop(pair.slave);
        let output = read_bytes(pair.master.try_clone_reader().expect("its output"));
        Self {
            child,
            keys: pair.master.take_writer().expect("its keys"),
            master: pair.master,
            output,
            screen,
            rings: 0,
        }
    }

    /// The terminal has so many lines and columns from now on, and the program is told.
    pub fn resize(&mut self, rows: u16, cols: u16) {
        let (pixel_width, pixel_height) = (0, 0);
        self.master
            .resize(PtySize {
                rows,
                cols,
                pixel_width,
                pixel_height,
            })
            .expect("a terminal of another size");
        let size = NonZero::new(rows).zip(NonZero::new(cols));
        let (rows, cols) = size.expect("a terminal with lines");
        self.screen.screen_mut().set_size(rows, cols);
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("a terminal");
        self.keys.flush().expect("a terminal");
    }

    /// The screen: its lines, without empty ones at the end. A line that wraps is one line.
    pub fn lines(&self) -> Vec<String> {
        let contents = self.screen.screen().contents();
        contents.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// How a line is coloured that begins so: the colour of its first character, and whether that is dim.
    pub fn color_of(&self, beginning: &str) -> (vt100::Color, bool) {
        self.color_in(beginning, 0)
    }

    /// The same of the character in this column of that line.
    pub fn color_in(&self, beginning: &str, column: u16) -> (vt100::Color, bool) {
        let screen = self.screen.screen();
        let columns = screen.size().1.get();
        let row = screen.rows(0, columns).position(|row| row.starts_with(beginning));
        let row = row.and_then(|row| u16::try_from(row).ok()).expect("the line");
        let cell = screen.cell(row, column).expect("its character");
        (cell.fgcolor(), cell.dim())
    }

    /// Whether what is left of the cursor's line after the cursor is dim, and what it is.
    pub fn dim_after_cursor(&self) -> String {
        let screen = self.screen.screen();
        let (row, column) = screen.cursor_position();
        let cells = (column..screen.size().1.get()).filter_map(|column| screen.cell(row, column));
        cells
            .filter(|cell| cell.dim())
            .map(vt100::Cell::contents)
            .collect()
    }

    /// How often the bell was rung.
    pub const fn rings(&self) -> usize {
        self.rings
    }

    fn see(&mut self, bytes: &[u8]) {
        self.rings += bytes.iter().filter(|byte| **byte == 0x07).count();
        self.screen.process(bytes);
    }

    /// Where the cursor is: row and column, from 0.
    pub fn cursor(&self) -> (u16, u16) {
        self.screen.screen().cursor_position()
    }

    /// Waits until the cursor is where a line begins, below all that is written: there is no prompt.
    pub fn wait_no_prompt(&mut self) {
        while self.cursor().1 != 0 {
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.see(&bytes),
                Err(error) => panic!("still a prompt ({error}):\n{}", self.lines().join("\n")),
            }
        }
    }

    /// Waits until it writes nothing more: what was written for a terminal of one size is nothing for one of another.
    pub fn rest(&mut self) {
        while let Ok(bytes) = self.output.recv_timeout(IMPATIENCE) {
            self.see(&bytes);
        }
    }

    /// Waits until the cursor is in this column.
    pub fn wait_column(&mut self, column: u16) {
        while self.cursor().1 != column {
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.see(&bytes),
                Err(error) => panic!(
                    "the cursor is at {:?}, not in {column} ({error}):\n{}",
                    self.cursor(),
                    self.lines().join("\n")
                ),
            }
        }
    }

    /// Waits until the screen ends in this, wherever its lines are broken. Spaces do not count: those at the end of
    /// a line cannot be seen.
    pub fn wait_typed(&mut self, text: &str) {
        let dense = |text: &str| text.replace(' ', "");
        let wanted = dense(text);
        self.wait(text, |lines| dense(&lines.concat()).ends_with(&wanted));
    }

    /// Waits until the screen is as wanted.
    pub fn wait(&mut self, what: &str, is_so: impl Fn(&[String]) -> bool) {
        // A full screen is never quiet for long.
        let until = Instant::now() + PATIENCE;
        while !is_so(&self.lines()) {
            match self
                .output
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(bytes) => self.see(&bytes),
                Err(error) => panic!("no {what} ({error}) on the screen:\n{}", self.lines().join("\n")),
            }
        }
    }

    /// Waits for a line.
    pub fn wait_line(&mut self, line: &str) {
        self.wait(line, |lines| lines.iter().any(|seen| seen == line));
    }

    /// Waits until this is the last line: the prompt with what is typed.
    pub fn wait_last(&mut self, line: &str) {
        self.wait(line, |lines| lines.last().is_some_and(|seen| seen == line));
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        super::signal(self.child.process_id().expect("a running program"), signal);
    }

    /// Sends it a signal until it ends; the terminal stays to be looked at. The exit code.
    pub fn end_signalling(&mut self, signal: rustix::process::Signal) -> u32 {
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status.exit_code();
            }
            self.signal(signal);
            // What it says meanwhile is read, or it could not end.
            self.rest();
        }
    }

    /// As `end`, pressing these keys until it comes; the terminal stays to be looked at.
    pub fn end_pressing(&mut self, keys: &str) -> (u32, Vec<String>) {
        self.press(keys);
        loop {
            match self.output.recv_timeout(IMPATIENCE) {
                Ok(bytes) => self.see(&bytes),
                Err(RecvTimeoutError::Disconnected) => return self.ended(),
                Err(RecvTimeoutError::Timeout) => self.press(keys),
            }
        }
    }

    /// Waits for its end: the exit code, and the screen that it leaves behind.
    pub fn end(mut self) -> (u32, Vec<String>) {
        self.ended()
    }

    fn ended(&mut self) -> (u32, Vec<String>) {
        loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.see(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.lines().join("\n")),
            }
        }
        let status = self.child.wait().expect("its end");
        (status.exit_code(), self.lines())
    }

    /// Whether the terminal echoes and edits lines itself, brackets no pastes and shows its first screen, as before and after the
    /// program.
    pub fn is_restored(&self) -> bool {
        let edits = self
            .master
            .get_termios()
            .is_some_and(|settings| format!("{:?}", settings.local_flags).contains("ICANON"));
        let screen = self.screen.screen();
        edits && !screen.bracketed_paste() && !screen.alternate_screen()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Gone already is as good.
        if self.child.kill().is_ok() {
            self.child.wait().expect("its end");
        }
    }
}

/// What a terminal shows, read by a thread so that one can wait for it.
fn read_bytes(mut stream: Box<dyn Read + Send>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // On Linux the end of the last program is an error, EIO.
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            let bytes = buffer.get(..length).unwrap_or_default().to_vec();
            if sender.send(bytes).is_err() {
                return;
            }
        }
    });
    receiver
}
