//! What is wrong before anything runs; what runs is tried with a registry in `tests/program`.

use super::options::registry_at;
use super::*;

#[test]
fn what_is_wrong_with_the_options_is_said_before_anything_runs() {
    let why = |options: Options| options.ephemeral().connect().unwrap_err();
    assert!(matches!(why(Options::new("", "127.0.0.1:7")), Error::Name { .. }));
    for registry in [
        "",
        "127.0.0.1",
        ":7",
        "127.0.0.1:70000",
        "127.0.0.1:0",
        "::1:7",
        "127.0.0.1:7:8",
    ] {
        let error = why(Options::new("alice", registry));
        assert!(matches!(error, Error::Registry(_)), "{registry}: {error}");
    }
    let unknown = why(Options::new("alice", "no.such.host.invalid:7"));
    assert!(matches!(unknown, Error::Failed(_)), "{unknown}");
    for seconds in [0, 9, 30 * 86_400 + 1] {
        let span = Duration::from_secs(seconds);
        let error = why(Options::new("alice", "127.0.0.1:7").time_to_live(span));
        assert_eq!(error, Error::TimeToLive(span));
    }
}

#[test]
fn addresses_of_both_families_are_registries() {
    assert_eq!(registry_at("[::1]:7"), Ok("[::1]:7".parse().unwrap()));
    assert_eq!(
        registry_at("[::ffff:127.0.0.1]:7"),
        Ok("127.0.0.1:7".parse().unwrap())
    );
    assert_eq!(registry_at("localhost:7").map(|address| address.port()), Ok(7));
}

#[test]
fn a_folder_that_cannot_be_used_is_told_and_nothing_runs() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Options::new("alice", "127.0.0.1:7")
        .data_dir(file.path())
        .connect()
        .unwrap_err();
    assert!(
        matches!(&error, Error::Failed(why) if why.contains("cannot be used")),
        "{error}"
    );
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a port at which nobody answers")]
fn a_registry_that_never_was_there_is_told() {
    let unused = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let registry = unused.local_addr().unwrap().to_string();
    let error = Options::new("alice", registry).ephemeral().connect().unwrap_err();
    assert_eq!(error, Error::NoRegistry);
}

#[test]
fn every_end_is_an_answer() {
    let judged = |result| judge(result, Some("why".to_owned()));
    assert_eq!(judged(Ok(Exit::Done)), Ok(()));
    assert_eq!(judged(Ok(Exit::ServerSilent)), Err(Error::NoRegistry));
    assert_eq!(judged(Ok(Exit::Refused)), Err(Error::Refused("why".to_owned())));
    for exit in [Exit::Port, Exit::Storage] {
        assert_eq!(judged(Ok(exit)), Err(Error::Failed("why".to_owned())));
    }
    let bug = Fault {
        exit: Exit::Storage,
        sentence: "the engine has failed".to_owned(),
    };
    assert_eq!(
        judged(Err(bug)),
        Err(Error::Failed("the engine has failed".to_owned()))
    );
}
