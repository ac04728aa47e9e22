//! The lines that the classic sessions end with, whatever they are played on.
//!
//! Spelled out here and not taken from the program: they are its face, and scripts rely on them. Invariant: a line
//! that changes here is a change that users see.

pub const SAVED: &str = "[Messages received by the server and saved]";
pub const OFFLINE: &str = "[You are Offline. Bye.]";
pub const WELCOME: &str = "[Welcome, You are registered.]";
pub const WELCOME_BACK: &str = "[Welcome back, You are registered.]";
pub const SILENT: &str = "[Server not responding]";
pub const BACK: &str = "[The server is responding again.]";
pub const WAITS: &str = "[Message to y is waiting; it will be sent when y or the server can be reached.]";

/// What x, y and z have on their screens at the end of the first session.
pub fn everybody_was_there() -> [Vec<&'static str>; 3] {
    [
        vec![
            WELCOME,
            "[Message received by y.]",
            "[Message received by z.]",
            "y: y to x",
            "z: z to x",
            OFFLINE,
            WELCOME_BACK,
            "[You have messages]",
            "y: <time> while you were away",
            "z: <time> me too",
            OFFLINE,
        ],
        vec![
            WELCOME,
            "x: x to y",
            "[Message received by x.]",
            "[Message received by z.]",
            "z: z to y",
            "[x is offline, message sent to server.]",
            SAVED,
            "[Message of <time> received by x.]",
            OFFLINE,
        ],
        vec![
            WELCOME,
            "x: x to z",
            "y: y to z",
            "[Message received by x.]",
            "[Message received by y.]",
            "[x is offline, message sent to server.]",
            SAVED,
            "[Message of <time> received by x.]",
            OFFLINE,
        ],
    ]
}

/// What x, y and z have on their screens at the end of the second session.
pub fn the_server_was_away() -> [Vec<&'static str>; 3] {
    [
        vec![
            WELCOME,
            "[Message received by z.]",
            SILENT,
            WAITS,
            "[Message received by z.]",
            BACK,
            SAVED,
            "[Message of <time> received by y.]",
            OFFLINE,
        ],
        vec![
            WELCOME,
            OFFLINE,
            WELCOME_BACK,
            "[You have messages]",
            "x: <time> are you there?",
            OFFLINE,
        ],
        vec![WELCOME, "x: x to z", SILENT, "x: x to z", BACK, OFFLINE],
    ]
}
