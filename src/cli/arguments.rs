//! What follows the word of a command: how it is shown, and what may stand there.
//!
//! The table of commands is made of these; usages, hints and completion come from them. What a command makes of its
//! arguments is its own to say.
//! Invariant: what takes the rest of the line is the last.

/// An argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// As help shows it: `<name>`, or `[name]` if it may be left out.
    pub shown: &'static str,
    /// What may stand there.
    pub what: What,
}

/// What may stand in the place of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody's name.
    Person,
    /// As `Person`, or the word for everybody.
    Member,
    /// Somebody's name, or a room's with a `#` before it.
    Conversation,
    /// One's own name.
    Own,
    /// The name of a room that there is.
    Room,
    /// The word of a command, or of what else there is help on.
    Command,
    /// On or off.
    Switch,
    /// A word that only who types it knows.
    Word,
    /// As `Word`, and all that follows: the rest of the line.
    Rest,
}

const fn argument(shown: &'static str, what: What) -> Argument {
    Argument { shown, what }
}

pub(super) const PERSON: Argument = argument("<name>", What::Person);
pub(super) const ANY_PERSON: Argument = argument("[name]", What::Person);
pub(super) const ANY_MEMBER: Argument = argument("[name/all]", What::Member);
pub(super) const OWN_NAME: Argument = argument("[own name]", What::Own);
pub(super) const ROOM: Argument = argument("<room>", What::Room);
pub(super) const ANY_ROOM: Argument = argument("[room]", What::Room);
pub(super) const NEW_ROOM: Argument = argument("<room>", What::Word);
pub(super) const ANY_COMMAND: Argument = argument("[command]", What::Command);
pub(super) const SWITCH: Argument = argument("on/off", What::Switch);
pub(super) const CONVERSATION: Argument = argument("<name>", What::Conversation);
pub(super) const ANY_CONVERSATION: Argument = argument("[name]", What::Conversation);
pub(super) const ANY_MESSAGE: Argument = argument("[number/name]", What::Conversation);
pub(super) const COUNT: Argument = argument("[number]", What::Word);
pub(super) const WORDS: Argument = argument("<words>", What::Rest);
pub(super) const ADDRESS: Argument = argument("<ip:port>", What::Word);
pub(super) const FINGERPRINT: Argument = argument("<fingerprint>", What::Rest);
pub(super) const ANY_FINGERPRINT: Argument = argument("[fingerprint]", What::Rest);
pub(super) const TEXT: Argument = argument("<text>", What::Rest);

impl Argument {
    /// Whether it may be left out.
    pub(super) fn is_optional(self) -> bool {
        self.shown.starts_with('[')
    }
}

/// Arguments as they are shown one after the other.
pub(super) fn shown(arguments: &[Argument]) -> String {
    let words: Vec<&str> = arguments.iter().map(|argument| argument.shown).collect();
    words.join(" ")
}
