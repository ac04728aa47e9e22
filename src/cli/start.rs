//! From a checked command line to an exit code: joins what is typed and shown to the programs of `runtime`.
//!
//! Opens the terminal and nothing else. What keeps a program from running is said here, in one line on
//! standard error.
//! Invariant: the exit codes are those of `runtime::start::Exit` and of `usage::UsageExit`.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;

use crossbeam_channel::bounded;

use crate::cli::args::{
    ChatOptions, Data, ExportOptions, Host, Invocation, ScreenOptions, ServeOptions, TalkOptions, Task,
};
use crate::cli::console::{self, Flow, Input, Talk};
use crate::cli::exporting;
use crate::cli::focus::Focus;
use crate::cli::format::Format;
use crate::cli::grammar::{Grammar, WITH_REGISTRY, WITHOUT_REGISTRY};
use crate::cli::hook::Hook;
use crate::cli::line_history::{self, LineHistory};
use crate::cli::printer::Printer;
use crate::cli::receiving;
use crate::cli::sending;
use crate::cli::simulate::simulate;
use crate::cli::streams::{self, write_out};
use crate::cli::table::table;
use crate::cli::usage::UsageExit;
use crate::client::Receipts;
use crate::client::interface::{Command, Notice};
use crate::id::Name;
use crate::registry::interface;
use crate::runtime::child::{Programs, can_wait};
use crate::runtime::client::Company;
use crate::runtime::outlet::Knell;
use crate::runtime::program::{Hatch, Typist};
use crate::runtime::start::{Exit, Fault, Keep, resolve};
use crate::runtime::{client, log, registry, signal};
use crate::store::folder;
use crate::store::profile::Profile;

/// Runs what was asked for; the result is the exit code.
pub fn run(invocation: Invocation) -> u8 {
    let result = match invocation {
        Invocation::Serve(options) => serve(options).map(code),
        Invocation::Chat(options) => chat(options).map(code),
        Invocation::Talk(options) => talk(options).map(code),
        Invocation::Export(options) => export(options).map(code),
        Invocation::Simulate(options) => simulate(&options),
    };
    match result {
        Ok(code) => code,
        Err(fault) => report(&fault),
    }
}

/// Prints what `args::parse` has to say: to standard output if it was asked for, otherwise to standard error. The result
/// is the exit code.
pub fn explain(usage: &UsageExit) -> u8 {
    if usage.code() == UsageExit::DONE {
        return match streams::judge(write_out(usage.text())) {
            Ok(()) => UsageExit::DONE,
            Err(fault) => report(&fault),
        };
    }
    streams::write_err(usage.text());
    usage.code()
}

/// Says why the program ends; the result is the exit code, which says it too.
fn report(fault: &Fault) -> u8 {
    streams::write_err(&format!("udpchat: {fault}\n"));
    fault.exit as u8
}

const fn code(exit: Exit) -> u8 {
    exit as u8
}

fn serve(options: ServeOptions) -> Result<Exit, Fault> {
    log::start(log::REGISTRY, options.verbosity);
    signal::heed_ignored();
    if let Some(name) = options.release {
        return release(options.data, options.port, &name);
    }
    let setup = registry::Setup {
        port: options.port,
        bind: options.bind,
        keep: keep(options.data),
        restored: options.restored,
        mail_bytes_max: options.mail_bytes,
        new_names_per_hour: options.new_names,
        lobby: options.lobby,
    };
    let mut printer = io::stdout().is_terminal().then(Printer::plain);
    let show = move |events: &[interface::Event]| {
        let mut shown = Vec::new();
        for event in events {
            if let interface::Event::Table(rows) = event {
                if let Some(printer) = &mut printer {
                    printer.print(&table(rows))?;
                }
                shown.push(interface::Command::Shown);
            }
        }
        Ok(shown)
    };
    registry::run(setup, Box::new(show))
}

/// Done is done, whether or not it can be said where it is expected.
fn release(data: Data, port: u16, name: &Name) -> Result<Exit, Fault> {
    let refused = registry::release(keep(data), port, name)?;
    let done = format!("The nickname {name} is free; {refused} waiting messages are refused.");
    if let Err(error) = write_out(&format!("[{done}]\n")) {
        streams::write_err(&format!(
            "udpchat: {done} Only standard output cannot be written: {error}\n"
        ));
    }
    Ok(Exit::Done)
}

fn chat(options: ChatOptions) -> Result<Exit, Fault> {
    log::start(log::CLIENT, options.verbosity);
    signal::heed_ignored();
    let receipts = match options.task {
        Task::Talk => Receipts::Committed,
        Task::Send(_) | Task::Receive(_) => Receipts::Handled,
    };
    let profile = Profile {
        server: options.server.to_string(),
        server_port: options.server_port,
        port: options.port,
    };
    let registry = match options.server {
        Host::Address(ip) => SocketAddr::new(ip.to_canonical(), options.server_port),
        Host::Name(name) => resolve(&name, options.server_port)?,
    };
    let setup = client::Setup {
        company: Company::Registry(registry),
        name: options.name,
        bind: None,
        port: options.port,
        keep: keep(options.data),
        remember: Some(profile),
        time_to_live: options.ttl,
        keep_history: options.keep_history,
        join: options.join,
        heeds_signals: true,
        receipts,
    };
    match options.task {
        Task::Talk => converse(setup, &WITH_REGISTRY, options.format, options.screen),
        Task::Send(task) => sending::send(setup, task, options.format),
        Task::Receive(task) => receiving::receive(setup, task, options.format),
    }
}

fn talk(options: TalkOptions) -> Result<Exit, Fault> {
    log::start(log::CLIENT, options.verbosity);
    signal::heed_ignored();
    let setup = client::Setup {
        company: Company::Contacts(options.contacts),
        name: options.name,
        join: None,
        bind: options.bind,
        port: options.port,
        keep: keep(options.data),
        remember: None,
        time_to_live: options.ttl,
        keep_history: options.keep_history,
        heeds_signals: true,
        receipts: Receipts::Committed,
    };
    converse(setup, &WITHOUT_REGISTRY, options.format, options.screen)
}

/// Nothing runs: what is in the folder is read.
fn export(options: ExportOptions) -> Result<Exit, Fault> {
    signal::heed_ignored();
    let place = if options.alone {
        folder::of_peer
    } else {
        folder::of_client
    };
    let root = match options.data {
        Data::Folder(folder) => Some(folder),
        Data::Default | Data::Ephemeral => None,
    };
    let root = folder::data_root(root, |name| std::env::var_os(name))?;
    exporting::export(&place(&root, &options.name), &options.name, options.paper)
}

/// Runs a client at its terminal.
fn converse(
    setup: client::Setup,
    grammar: &'static Grammar,
    format: Format,
    options: ScreenOptions,
) -> Result<Exit, Fault> {
    let history = options
        .line_history
        .then(|| setup.file(line_history::FILE))
        .flatten();
    let programs = options.on_message.as_ref().map(|_| Programs::new());
    let hook = match options.on_message.clone().zip(programs.clone()) {
        Some(_) if !can_wait() => return Err(Fault::children_ignored()),
        Some((command, programs)) => Some(Hook::start(command, format, programs)?),
        None => None,
    };
    let stop_programs = move || {
        if let Some(programs) = &programs {
            programs.stop();
        }
    };
    let talk = Talk {
        own: setup.name.clone(),
        grammar,
        focus: setup.join.clone().map(Focus::Room),
        format,
        screen: options,
        hook,
        history: LineHistory::new(history),
    };
    let (console, mut front) = console::open(talk)?;
    let hurry = front.closing.hurry();
    let knell = Knell::new(move || {
        stop_programs();
        hurry();
    });
    let typist = |mut hatch: Hatch<Command>| console.run_input(|input| hand_over(&mut hatch, input));
    attend(setup, Box::new(typist), move |events| front.show(events), knell)
}

/// Runs a client to its end. What `show` has shown is marked as seen; its result is what it wants of the client.
fn attend(
    setup: client::Setup,
    typist: Typist<Command>,
    mut show: impl FnMut(&[Notice]) -> io::Result<Vec<Command>> + Send + 'static,
    knell: Knell,
) -> Result<Exit, Fault> {
    let mut seen = 0;
    let (failed, failure) = bounded(1);
    let show = move |events: &[Notice]| match show(events) {
        Ok(mut wanted) => {
            seen += u64::try_from(events.len()).unwrap_or(u64::MAX);
            wanted.push(Command::Seen { events: seen });
            Ok(wanted)
        }
        Err(error) => {
            let told = io::Error::from(error.kind());
            // There is one such failure: nothing is shown after it.
            let kept = failed.try_send(error);
            debug_assert!(kept.is_ok(), "the first failure");
            Err(told)
        }
    };
    let exit = client::run(setup, typist, Box::new(show), knell)?;
    // What was not shown is not marked as shown: it is there at the next start.
    streams::judge(failure.try_recv().map_or(Ok(()), Err))?;
    Ok(exit)
}

/// Whoever has typed that he leaves needs only one Ctrl+C more to leave at once.
fn hand_over(hatch: &mut Hatch<Command>, input: Input) -> Flow {
    if matches!(input, Input::Interrupt | Input::Command(Command::Leave)) {
        signal::asked();
    }
    let wanted = match input {
        Input::Command(command) => hatch.submit(command),
        Input::Interrupt => {
            hatch.stop();
            false
        }
    };
    if wanted { Flow::Continue } else { Flow::Stop }
}

fn keep(data: Data) -> Keep {
    match data {
        Data::Default => Keep::Under(None),
        Data::Folder(folder) => Keep::Under(Some(folder)),
        Data::Ephemeral => Keep::Nothing,
    }
}
