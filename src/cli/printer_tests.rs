//! Tests of printing around the prompt, with an editor whose part the test plays.

use super::*;
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use rustyline::error::ReadlineError;
use std::time::Duration;

/// As the real one: a queue of one text, which only a reading prompt empties.
struct Editor(Sender<String>);

impl ExternalPrinter for Editor {
    fn print(&mut self, text: String) -> rustyline::Result<()> {
        self.0.send(text).map_err(|_| ReadlineError::Eof)
    }
}

struct Terminal {
    gate: Arc<Gate>,
    queue: Receiver<String>,
    /// What the printer has written itself. What is drawn is added by the test.
    written: (Sender<String>, Receiver<String>),
    printer: Printer,
}

fn terminal() -> Terminal {
    let gate = Arc::new(Gate::default());
    let (editor, queue) = bounded(1);
    let written = unbounded();
    let direct = Sender::clone(&written.0);
    let write = move |text: &str| {
        direct.send(text.to_owned()).unwrap();
        Ok(())
    };
    let screen = Screen::start(Arc::clone(&gate), Editor(editor), Box::new(write)).unwrap();
    Terminal {
        gate,
        queue,
        written,
        printer: Printer::new(Some(screen), Format::Lines, Look::default(), Arc::default()),
    }
}

fn line(text: &str) -> [String; 1] {
    [text.to_owned()]
}

/// The prompt is drawn for the first time.
fn edit(gate: &Gate) {
    gate.begin_line();
    assert_eq!(gate.draw(), "");
}

#[test]
fn without_a_line_on_the_screen_it_writes_directly() {
    let mut terminal = terminal();
    terminal.printer.print(&line("one")).unwrap();
    assert_eq!(terminal.written.1.try_recv().unwrap(), "one\n");
    assert!(terminal.queue.is_empty());
}

/// "one" is printed while a line is edited; the editor has been asked to draw when `editor` begins, which is told how to
/// see whether the print is over. The gate, and what was written past the editor.
fn print_one(
    editor: impl FnOnce(&Gate, Receiver<String>, &dyn Fn() -> bool),
) -> (Arc<Gate>, Receiver<String>) {
    let Terminal {
        gate,
        queue,
        mut printer,
        written,
    } = terminal();
    edit(&gate);
    std::thread::scope(|scope| {
        let printing = scope.spawn(|| printer.print(&line("one")));
        assert_eq!(queue.recv().unwrap(), NOTHING);
        editor(&gate, queue, &|| printing.is_finished());
        printing.join().unwrap().unwrap();
    });
    (gate, written.1)
}

#[test]
fn a_line_is_printed_when_it_is_drawn_and_the_editor_is_heard_of_again() {
    let (_, written) = print_one(|gate, queue, is_printed| {
        assert_eq!(gate.draw(), "one\n");
        // The prompt's thread may still be writing it.
        assert!(!is_printed());
        assert_eq!(queue.recv().unwrap(), NOTHING);
        assert_eq!(gate.draw(), "");
    });
    assert!(written.is_empty());
}

#[test]
fn a_line_that_was_not_drawn_before_the_prompt_ended_is_written_directly() {
    // Enter; and the client takes its time with the command, because it waits for the printer.
    let (gate, written) = print_one(|gate, _, _| gate.end_line(true));
    assert_eq!(written.try_recv().unwrap(), "one\n");
    edit(&gate);
}

#[test]
fn a_line_that_was_drawn_just_before_the_prompt_ended_is_not_repeated() {
    let (_, written) = print_one(|gate, _, _| {
        assert_eq!(gate.draw(), "one\n");
        gate.end_line(true);
        gate.close();
    });
    assert!(written.is_empty());
}

#[test]
fn the_end_of_the_program_does_not_wait_for_an_editor_that_is_busy() {
    let mut terminal = terminal();
    edit(&terminal.gate);
    terminal.gate.hurry();
    for text in ["one", "[Exiting]"] {
        terminal.printer.print(&line(text)).unwrap();
        let written = terminal.written.1.try_recv().unwrap();
        assert_eq!(written, format!("\r\x1b[J{text}\n"));
    }
    assert_eq!(terminal.gate.draw(), "", "it is not repeated");
}

/// The prompt's thread, as hasty as possible: lines that end after none, one or some drawings, with and without
/// a print of the editor.
fn hasty_prompt(gate: &Gate, queue: &Receiver<String>, screen: &Sender<String>, done: &Receiver<()>) {
    for turn in 0_u32.. {
        gate.begin_line();
        for draw in 0..turn % 4 {
            if draw > 0 && queue.recv_timeout(Duration::from_micros(50)).is_err() {
                break;
            }
            let above = gate.draw();
            if !above.is_empty() {
                screen.send(above).unwrap();
            }
        }
        gate.end_line(true);
        if turn % 3 == 0 {
            std::thread::yield_now();
        }
        if !done.is_empty() {
            return;
        }
    }
}

#[test]
fn each_line_is_written_once_and_in_order_whenever_lines_end() {
    let Terminal {
        gate,
        queue,
        mut printer,
        written,
    } = terminal();
    let lines: Vec<String> = (0..2_000).map(|number| number.to_string()).collect();
    let (finished, done) = bounded(1);
    std::thread::scope(|scope| {
        scope.spawn(|| hasty_prompt(&gate, &queue, &written.0, &done));
        for text in &lines {
            printer.print(std::slice::from_ref(text)).unwrap();
        }
        finished.send(()).unwrap();
    });
    gate.close();
    let screen: String = written.1.try_iter().collect();
    assert_eq!(screen.lines().collect::<Vec<_>>(), lines);
}
