//! Tests of printing around the prompt, with an editor whose queue the test empties.

use super::*;
use crossbeam_channel::TryRecvError;
use rustyline::error::ReadlineError;

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
    direct: Receiver<String>,
    hurry: Sender<Infallible>,
    printer: Printer,
}

fn terminal() -> Terminal {
    let gate = Arc::new(Gate::new());
    let (editor, queue) = bounded(1);
    let (direct, written) = bounded(10);
    let (hurry, hurried) = bounded(0);
    let write = move |text: &str| {
        direct.send(text.to_owned()).unwrap();
        Ok(())
    };
    let screen = Screen::start(Arc::clone(&gate), Editor(editor), Box::new(write), hurried).unwrap();
    Terminal {
        gate,
        queue,
        direct: written,
        hurry,
        printer: Printer::new(Some(screen), Arc::default()),
    }
}

fn edit(gate: &Gate) {
    gate.enter(Phase::Starting);
    gate.editing();
}

fn line(text: &str) -> [String; 1] {
    [text.to_owned()]
}

#[test]
fn without_a_line_on_the_screen_it_writes_directly() {
    let mut terminal = terminal();
    terminal.printer.print(&line("one")).unwrap();
    assert_eq!(terminal.direct.try_recv(), Ok("one\n".to_owned()));
    assert_eq!(terminal.queue.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_line_is_printed_when_the_editor_has_it_behind_it_and_no_sooner() {
    let Terminal {
        gate,
        queue,
        mut printer,
        direct,
        ..
    } = terminal();
    edit(&gate);
    std::thread::scope(|scope| {
        let printing = scope.spawn(|| printer.print(&line("one")));
        assert_eq!(queue.recv().unwrap(), "one\n");
        assert_eq!(queue.recv().unwrap(), NOTHING);
        // The editor has taken the text and one more thing, so it may still be writing the text.
        assert!(!printing.is_finished());
        assert_eq!(queue.recv().unwrap(), NOTHING);
        printing.join().unwrap().unwrap();
    });
    assert!(direct.is_empty());
}

#[test]
fn a_line_that_the_prompt_did_not_print_before_it_closed_is_written_directly() {
    let Terminal {
        gate,
        queue,
        mut printer,
        direct,
        ..
    } = terminal();
    edit(&gate);
    std::thread::scope(|scope| {
        let printing = scope.spawn(|| printer.print(&line("one")));
        // The text is in the queue, and Ctrl+C ends the prompt.
        while queue.is_empty() {
            std::thread::yield_now();
        }
        gate.enter(Phase::Closed);
        drop(queue);
        printing.join().unwrap().unwrap();
    });
    assert_eq!(direct.try_recv(), Ok("one\n".to_owned()));
}

#[test]
fn a_line_that_the_prompt_printed_just_before_it_closed_is_not_repeated() {
    let Terminal {
        gate,
        queue,
        mut printer,
        direct,
        ..
    } = terminal();
    edit(&gate);
    std::thread::scope(|scope| {
        let printing = scope.spawn(|| printer.print(&line("one")));
        assert_eq!(queue.recv().unwrap(), "one\n");
        while queue.is_empty() {
            std::thread::yield_now();
        }
        gate.enter(Phase::Closed);
        drop(queue);
        printing.join().unwrap().unwrap();
    });
    assert!(direct.is_empty());
}

#[test]
fn the_end_of_the_program_does_not_wait_for_an_editor_that_is_busy() {
    let Terminal {
        gate,
        mut printer,
        direct,
        hurry,
        queue: _queue,
    } = terminal();
    edit(&gate);
    drop(hurry);
    printer.print(&line("[Exiting]")).unwrap();
    assert!(direct.try_recv().unwrap().ends_with("[Exiting]\n"));
}

#[test]
fn a_line_finished_in_between_holds_nothing_up() {
    let Terminal {
        gate,
        queue,
        mut printer,
        direct,
        ..
    } = terminal();
    edit(&gate);
    std::thread::scope(|scope| {
        let printing = scope.spawn(|| printer.print(&line("one")));
        while queue.is_empty() {
            std::thread::yield_now();
        }
        // Enter; and the client takes its time with the command, because it waits for the printer.
        gate.enter(Phase::Between);
        let taken = queue.recv().unwrap();
        assert_eq!(taken, "one\n");
        // What was queued before the line was finished may follow.
        for _ in 0..2 {
            if printing.is_finished() {
                break;
            }
            queue.recv_timeout(Duration::from_secs(1)).ok();
        }
        printing.join().unwrap().unwrap();
    });
    assert!(direct.is_empty());
}
