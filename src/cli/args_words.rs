//! The values of `-c`, `-s` and `-p`. Those that are not typed are in the settings; a client's also in what it is remembered by.
//!
//! Invariant: a server's port that is remembered is used with that server only.

use std::net::SocketAddr;

use crate::cli::args::{Data, Host};
use crate::cli::args_values::{parse_host, parse_name, parse_peers, parse_port};
use crate::cli::manual;
use crate::cli::said::Said;
use crate::cli::sanitise::escape;
use crate::cli::settings::Settings;
use crate::cli::surroundings::Surroundings;
use crate::id::Name;
use crate::store::folder;
use crate::store::profile::Profile;

/// The value of `-s`.
pub(super) fn parse_serve(typed: &[String], settings: &Settings) -> Result<u16, String> {
    settings
        .word(typed, 0, "port")
        .ok_or_else(|| "-s needs a value: its port, like: -s 12345".to_owned())?
        .read(|text| parse_port(text, "the registry's port", 1))
}

/// The first value of `-c` or `-p`: whose client it is.
pub(super) fn named(typed: &[String], settings: &Settings) -> Result<Name, String> {
    let needed = || "--export needs -c or -p with a name: udpchat -c alice --export jsonl".to_owned();
    settings
        .word(typed, 0, "name")
        .ok_or_else(needed)?
        .read(parse_name)
}

/// Who a client is, and where.
pub(super) struct Seat {
    pub(super) name: Name,
    pub(super) server: Host,
    pub(super) server_port: u16,
    pub(super) port: u16,
}

impl Seat {
    /// The values of `-c`.
    pub(super) fn find(
        typed: &[String],
        settings: &Settings,
        data: &Data,
        around: &dyn Surroundings,
    ) -> Result<Self, String> {
        let needed = || format!("-c needs four values: {}", manual::CHAT_VALUES);
        let said = |at, key| settings.word(typed, at, key);
        let name = said(0, "name").ok_or_else(needed)?.read(parse_name)?;
        let (mut server, mut server_port, mut port) =
            (said(1, "server"), said(2, "server-port"), said(3, "port"));
        if [&server, &server_port, &port].iter().any(|said| said.is_none())
            && let Some(known) = Remembered::of(&name, data, around)?
        {
            let is_there = |said: &Said| said.text().eq_ignore_ascii_case(&known.profile.server);
            if server.as_ref().is_none_or(is_there) {
                let (there, at) = (
                    known.profile.server.clone(),
                    known.profile.server_port.to_string(),
                );
                server = server.or(Some(known.says("server", there)));
                server_port = server_port.or(Some(known.says("server-port", at)));
            }
            port = port.or(Some(known.says("port", known.profile.port.to_string())));
        }
        let unknown = |what: &str| {
            let first = format!("no {what} is known for {name} yet, so");
            format!("{first} {}", needed())
        };
        Ok(Self {
            server: server.ok_or_else(|| unknown("server"))?.read(parse_host)?,
            server_port: server_port
                .ok_or_else(|| unknown("port of that server"))?
                .read(|text| parse_port(text, "the server port", 1))?,
            port: port
                .ok_or_else(|| unknown("client port"))?
                .read(|text| parse_port(text, "the client port", 0))?,
            name,
        })
    }
}

/// What a client's folder says of its last start.
struct Remembered {
    profile: Profile,
    /// The file, as it is shown.
    path: String,
}

impl Remembered {
    fn of(name: &Name, data: &Data, around: &dyn Surroundings) -> Result<Option<Self>, String> {
        let chosen = match data {
            Data::Ephemeral => return Ok(None),
            Data::Folder(folder) => Some(folder.clone()),
            Data::Default => None,
        };
        // Without a home nothing is remembered; that there is none is told when the folder is to be opened.
        let Ok(root) = folder::data_root(chosen, |name| around.variable(name)) else {
            return Ok(None);
        };
        let file = Profile::path(&folder::of_client(&root, name));
        let path = escape(&file.to_string_lossy()).into_owned();
        let profile = match around.read(&file) {
            Ok(text) => Profile::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(error.to_string()),
        };
        match profile {
            Ok(profile) => Ok(Some(Self { profile, path })),
            Err(why) => Err(format!(
                "what {name} was told last cannot be read from {path} ({why}); give all four values: {}",
                manual::CHAT_VALUES
            )),
        }
    }

    fn says(&self, key: &str, text: String) -> Said {
        Said::at(format!("{}: {key}", self.path), text)
    }
}

/// Who talks without a registry, and with whom.
pub(super) struct Circle {
    pub(super) name: Name,
    pub(super) port: u16,
    pub(super) contacts: Vec<SocketAddr>,
}

impl Circle {
    /// The values of `-p`.
    pub(super) fn find(typed: &[String], settings: &Settings) -> Result<Self, String> {
        let needed = || format!("-p needs {}", manual::PEERS_VALUES);
        let said = |at, key| settings.word(typed, at, key).ok_or_else(needed);
        Ok(Self {
            name: said(0, "name")?.read(parse_name)?,
            port: said(1, "port")?.read(|text| parse_port(text, "your port", 0))?,
            contacts: match (typed.get(2..), settings.word(&[], 0, "contacts")) {
                (Some(peers @ [_, ..]), _) => parse_peers(peers)?,
                (_, Some(said)) => said.read(|text| {
                    let peers: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
                    parse_peers(&peers)
                })?,
                (_, None) => parse_peers(&[])?,
            },
        })
    }
}
