//! The texts of `udpchat --help` and `man udpchat` that are not about one option: examples, the prompt, files, exit codes.
//!
//! The list of commands is made from the command table; the rest is written here once.
//! Invariant: no line has more than 80 columns.

use crate::cli::commands;

/// What it is, in a line.
pub(super) const ABOUT: &str =
    "A messenger that needs nothing but UDP: direct messages, stored mail, and one true state for each";

/// The ways to call it, as clap prints them after "Usage: ".
pub(super) const USAGE: &str = "\
udpchat -s <PORT> [OPTIONS]
       udpchat -c <NAME> [<SERVER> <SERVER-PORT> <CLIENT-PORT>] [OPTIONS]
       udpchat -p <NAME> <PORT> <PEER>... [OPTIONS]
       udpchat simulate [OPTIONS]
       udpchat completions <SHELL>
       udpchat man [PAGE]";

/// The ways to talk, in a sentence.
pub(super) const EITHER: &str = "-s <port> for a registry, or -c <name> <server> <server-port> <client-port> for a client (without a registry: -p)";

/// What `-c` takes, with an example.
pub(super) const CHAT_VALUES: &str =
    "<name> <server> <server-port> <client-port>, like: -c alice 127.0.0.1 12345 1232";

/// What `-p` takes, with an example.
pub(super) const PEERS_VALUES: &str = "<name> <port> <ip:port>..., like: -p alice 4000 192.0.2.7:4000";

/// After the options of `-h`.
pub(super) const SHORT_EPILOGUE: &str = "\
More in 'udpchat --help': examples, the commands at the prompt, files.";

/// After the options of `--help`.
pub(super) fn epilogue() -> String {
    let sections: Vec<String> = sections()
        .iter()
        .map(|(title, body)| format!("{title}:\n{}", body.trim_end()))
        .collect();
    sections.join("\n\n")
}

/// What `--help` and the manual page say besides the options: titles, and lines.
pub(super) fn sections() -> [(&'static str, String); 6] {
    let commands: String = commands::overview()
        .iter()
        .map(|line| format!("  {line}\n"))
        .collect();
    [
        ("Examples", EXAMPLES.to_owned()),
        ("At the client's prompt", format!("{commands}\n{PROMPT}")),
        ("Files", FILES.to_owned()),
        ("Configuration", CONFIGURATION.to_owned()),
        ("Environment", ENVIRONMENT.to_owned()),
        ("Exit codes", EXIT_CODES.to_owned()),
    ]
}

/// What the manual page begins with.
pub(super) const DESCRIPTION: &str = "\
Messages go straight from client to client whenever that works; a registry keeps
the table of clients, and the mail of those who are away. From the moment a
message is accepted, you always see which one of five states it is in: waiting,
stored on the server, delivered, refused or expired.
";

const EXAMPLES: &str = "\
  udpchat -s 12345                          a registry on port 12345
  udpchat -c alice 127.0.0.1 12345 1232     a client on the same machine
  udpchat -c alice                          the same again
  udpchat -c alice --tui                    and on the full screen
  udpchat -c bob chat.example.org 12345 0   a client elsewhere, on any port
  udpchat -c test ::1 12345 0 --ephemeral   a try that leaves nothing behind
  udpchat -p alice 4000 192.0.2.7:4000      no registry: to bob, at that address
  echo 'send bob hi' | udpchat -c alice
  udpchat -c alice --send bob \"Disk full\" --wait delivered
  udpchat -c alice --export markdown > letters.md
  udpchat -c alice --recv --exec 'logger -t \"$UDPCHAT_FROM\"'
";

const PROMPT: &str = "\
  After poke or roomjoin, lines that are no command go to that person or room,
  and the prompt shows it. There are other words for most: help aliases.

  Every message is said to be received, saved by the server, waiting, refused
  or expired. What waits is sent as soon as the recipient or the server can be
  reached, also after a restart of the client. A paste of several lines is one
  message. A second Ctrl+C ends at once. Tab completes, Ctrl+R searches what was
  typed, also in earlier runs (--no-line-history). With --tui the client fills
  the screen: F1 says there what the keys do; commands have a / before them.

  Without a terminal, commands are read from standard input, a line each, and
  there is no prompt. At the end of the input the client stays until each
  message has reached one of those states, those of earlier runs included, and
  the mail that was kept is there (15 seconds at most of silence); then it
  deregisters and ends.

  Without a registry (-p) every line goes to all who are listed, but for the
  words :q, q, quit, exit, help, :status, :net and :fingerprint alone on a line,
  and for what begins with :trust, :history, :search or :forget.
";

const FILES: &str = "\
  $XDG_DATA_HOME/udpchat/clients/<name>/      a client's identity, database,
                                              and typed lines
  $XDG_DATA_HOME/udpchat/peers/<name>/        the same, without a registry
  $XDG_DATA_HOME/udpchat/registries/<port>/   a registry's identity and database
  $XDG_CONFIG_HOME/udpchat/config.toml        the configuration file

  Without XDG_DATA_HOME it is ~/.local/share. With --data-dir that folder stands
  for $XDG_DATA_HOME/udpchat. Whoever has the identity file is its owner: keep
  it secret. To move to another machine, move the folder, and use one copy only.

  Without XDG_CONFIG_HOME it is ~/.config. The configuration need not be there.
  In a client's folder the file profile has the server and ports that it was
  registered with last.
";

const CONFIGURATION: &str = "\
  What an option says may stand in the configuration file, below [client],
  [registry] or [peers]: ttl = \"12h\" for --ttl 12h, json = true for --json. So
  may name, server, server-port and port; then -c alone is enough. What -c was
  not told and nothing else says is what it was when that name registered last.

  An option wins over the environment, the environment over the file, and the
  file over the default; whatever does not go with the one that wins is left
  out. An empty text stands for the default.
";

const ENVIRONMENT: &str = "\
  XDG_DATA_HOME, HOME     where databases and identities are
  XDG_CONFIG_HOME, HOME   where the configuration file is
  UDPCHAT_CONFIG          the configuration file, or none
  UDPCHAT_TTL, ...        what each option says, here --ttl; so for every key of
                          the configuration file. Of a switch: true or false
  UDPCHAT_LOG             what is logged: warn, debug, or for one part
                          udpchat::transport=debug; it wins over --verbose
  TZ                      the zone of the times on the screen
  NO_COLOR, TERM          no colours with --color auto: the first is set, or the
                          second is dumb
";

const EXIT_CODES: &str = "\
  0  done
  1  the server does not respond; of simulate: a promise was broken
  2  wrong arguments
  3  refused: the name is taken, you are not admitted, or a key has changed
  4  the port cannot be opened
  5  the database or its folder cannot be used, or standard output cannot be
     written
  6  --send: the server keeps it, and --wait delivered was given; or not
     everybody in the room has it, and nobody else will
  7  --send: it waits; nobody could be reached in time
  8  --send: it was refused for good
  9  --send: it has expired
  10  --send: it was not accepted, and nothing of it is kept
  11  --recv: fewer messages than --count came within --timeout, or before it
     was ended
  130  ended at once, by a second Ctrl+C
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fits_a_narrow_terminal() {
        for line in epilogue()
            .lines()
            .chain(SHORT_EPILOGUE.lines())
            .chain(USAGE.lines())
            .chain(DESCRIPTION.lines())
        {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
