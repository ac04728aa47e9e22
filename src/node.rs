//! A role and its endpoint, joined: the thing that is driven (see [`crate::engine`]).
//!
//! Carries the role's actions to the endpoint and the endpoint's events to the role, and hands out what
//! remains for the world. Decides nothing.
//! Invariant: what a role asked for is done in the order asked, and before anything new is told to it.

use crate::clock::{Instant, Now};
use crate::engine::{Action, Context, Output, Role, SocketReply, StoreFault, Ticket};
use crate::transport::{Endpoint, Route};

/// An engine.
pub struct Node<R> {
    endpoint: Endpoint,
    role: R,
    paused: bool,
}

impl<R: Role> Node<R> {
    /// Joins the two.
    pub const fn new(endpoint: Endpoint, role: R) -> Self {
        Self {
            endpoint,
            role,
            paused: false,
        }
    }

    /// The endpoint, to look at.
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The role, to look at.
    pub const fn role(&self) -> &R {
        &self.role
    }

    /// A datagram came.
    pub fn handle_datagram(&mut self, now: Now, route: impl Into<Route>, bytes: &[u8]) {
        self.endpoint.handle_datagram(now.at, route, bytes);
    }

    /// The user asks for something. Only while [`Self::takes_commands`], but for the one that ends.
    pub fn handle_command(&mut self, now: Now, command: R::Command) {
        self.role.handle_command(
            &Context {
                now,
                sessions: &self.endpoint,
            },
            command,
        );
    }

    /// The store has committed, or failed.
    pub fn handle_store_reply(&mut self, now: Now, ticket: Ticket, reply: Result<R::Reply, StoreFault>) {
        self.role.handle_store_reply(
            &Context {
                now,
                sessions: &self.endpoint,
            },
            ticket,
            reply,
        );
    }

    /// The port was opened, or not.
    pub fn handle_socket(&mut self, now: Now, reply: SocketReply) {
        self.role.handle_socket(
            &Context {
                now,
                sessions: &self.endpoint,
            },
            reply,
        );
    }

    /// The deadline has come, or not yet: early calls do nothing.
    pub fn handle_timeout(&mut self, now: Now) {
        self.endpoint.handle_timeout(now.at);
        self.role.handle_timeout(&Context {
            now,
            sessions: &self.endpoint,
        });
    }

    /// The next deadline of endpoint and role.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.endpoint.poll_timeout(), self.role.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether messages, and answers to events, may come.
    pub fn ready(&self) -> bool {
        self.role.ready()
    }

    /// Whether other commands may come. The one that ends the role always may.
    pub fn takes_commands(&self) -> bool {
        self.role.takes_commands()
    }

    /// While paused, sessions are not listened to, as while the role is not ready: for a driver whose outlet is
    /// full. Everything else goes on.
    pub const fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// What to do next; to be drained after each call above. `now` is that call's.
    pub fn poll_output(&mut self, now: Now) -> Option<Output<R::Request, R::Event>> {
        loop {
            while let Some(action) = self.role.poll_action() {
                if let Some(output) = self.carry_out(now, action) {
                    return Some(output);
                }
            }
            let event = if self.ready() && !self.paused {
                self.endpoint.poll_event(now.at)
            } else {
                None
            };
            match event {
                Some(event) => self.role.handle_session(
                    &Context {
                        now,
                        sessions: &self.endpoint,
                    },
                    event,
                ),
                None => return self.endpoint.poll_transmit(now.at).map(Output::Transmit),
            }
        }
    }

    /// Does what is the endpoint's; gives back what is the world's.
    fn carry_out(
        &mut self,
        now: Now,
        action: Action<R::Request, R::Event>,
    ) -> Option<Output<R::Request, R::Event>> {
        match action {
            Action::Connect(connect) => self.endpoint.connect(now.at, connect),
            Action::Abandon(attempt) => self.endpoint.abandon(attempt),
            Action::Close { session, code } => self.endpoint.close(now.at, session, code),
            Action::Send { session, bytes } => {
                if let Err(fault) = self.endpoint.send(now.at, session, bytes) {
                    // Requests are issued again until they are answered. News of rooms are said once: where somebody must hear
                    // them, the registry looks for room first, and closes his session if there is none.
                    tracing::debug!(?session, %fault, "message not sent");
                }
            }
            Action::Store { ticket, request } => return Some(Output::Store { ticket, request }),
            Action::Event(event) => return Some(Output::Event(event)),
            Action::Socket(request) => return Some(Output::Socket(request)),
        }
        None
    }
}
