//! The UDP socket: bound for both address families where possible, received from and sent to in batches.
//!
//! Receives with recvmmsg and GRO, sends with GSO: runs of datagrams of one size to one address cost one system
//! call (udp(7), UDP_SEGMENT). Knows nothing of what is in a datagram. A datagram that cannot be sent is loss,
//! which the transport mends; it is counted and never an error.
//! Invariant: the rest of the program sees IPv4 addresses as IPv4, whatever the socket's family.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use quinn_udp::{RecvMeta, UdpSocketState};
use socket2::{Domain, Protocol, Socket as RawSocket, Type};

use crate::limits::DATAGRAM_BYTES_MAX;
use crate::transport::{Route, Transmit};

/// Kernel buffers asked for: a burst of some 3,000 full datagrams, while the loop is busy for 20 ms. The system
/// may grant less (`net.core.rmem_max`).
const KERNEL_BYTES: usize = 4 * 1024 * 1024;

/// Buffers of one receive call. Each takes what the kernel has coalesced: at most 64 KiB, 64 datagrams.
const BUFFERS: usize = 8;
/// What one of them holds: the largest UDP payload there is.
const BUFFER_BYTES: usize = 65_536;

/// Datagrams that one GSO call carries: below the largest IP packet.
const SEGMENTS_MAX: usize = 65_000 / DATAGRAM_BYTES_MAX;

/// Datagrams kept while the kernel's buffer is full. More are dropped: they would be late anyway.
const QUEUE_MAX: usize = 4_096;

/// Where to bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// On which address; `None`: on all.
    pub address: Option<IpAddr>,
    /// Which port; 0: any free one.
    pub port: u16,
}

/// What became of datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Received.
    pub received: u64,
    /// Given to the kernel.
    pub sent: u64,
    /// Not sent: the kernel refused, or its buffer stayed full.
    pub unsent: u64,
}

/// A bound socket.
#[derive(Debug)]
pub struct Socket {
    socket: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    buffers: Vec<u8>,
    run: Vec<u8>,
    queue: VecDeque<Transmit>,
    counters: Counters,
}

impl Socket {
    /// Binds. The error is a sentence for a person.
    pub fn bind(place: Place) -> Result<Self, String> {
        let socket = bind(place).map_err(|error| explain(place, &error))?;
        Self::new(socket).map_err(|error| explain(place, &error))
    }

    fn new(raw: RawSocket) -> io::Result<Self> {
        for set in [RawSocket::set_recv_buffer_size, RawSocket::set_send_buffer_size] {
            if let Err(error) = set(&raw, KERNEL_BYTES) {
                tracing::debug!(%error, "socket buffer not resized");
            }
        }
        let socket: UdpSocket = raw.into();
        let state = UdpSocketState::new((&socket).into())?;
        let local = socket.local_addr()?;
        tracing::info!(
            %local,
            // Linux reports twice what holds payload (socket(7)).
            receive_bytes = state.recv_buffer_size((&socket).into())?,
            send_bytes = state.send_buffer_size((&socket).into())?,
            gso_segments = state.max_gso_segments(),
            gro_segments = state.gro_segments(),
            "socket bound"
        );
        Ok(Self {
            socket,
            state,
            local,
            buffers: vec![0; BUFFERS * BUFFER_BYTES],
            run: Vec::new(),
            queue: VecDeque::new(),
            counters: Counters::default(),
        })
    }

    /// What was bound.
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// The port that was bound.
    pub const fn port(&self) -> u16 {
        self.local.port()
    }

    /// What was sent and received so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Hands over what has come, one call's worth: at most 512 datagrams.
    pub fn receive(&mut self, mut take: impl FnMut(Route, &[u8])) {
        let mut metas = [RecvMeta::default(); BUFFERS];
        let mut slices: Vec<IoSliceMut<'_>> = self
            .buffers
            .chunks_mut(BUFFER_BYTES)
            .map(IoSliceMut::new)
            .collect();
        let count = match self.state.recv((&self.socket).into(), &mut slices, &mut metas) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) => {
                tracing::debug!(%error, "receive failed");
                return;
            }
        };
        drop(slices);
        for (meta, buffer) in metas.iter().zip(self.buffers.chunks(BUFFER_BYTES)).take(count) {
            let route = Route {
                from: canonical(meta.addr),
                local: meta.dst_ip.map(|ip| ip.to_canonical()).filter(can_be_named),
            };
            let bytes = buffer.get(..meta.len).unwrap_or_default();
            // Nothing has no chunks, but is a datagram: whoever takes it counts what is none of his.
            let empty = bytes.is_empty().then_some(bytes);
            for datagram in bytes.chunks(meta.stride.max(1)).chain(empty) {
                self.counters.received += 1;
                take(route, datagram);
            }
        }
    }

    /// Queues a datagram for the next `flush`, or an earlier one if many wait.
    pub fn queue(&mut self, transmit: Transmit) {
        if self.queue.len() >= QUEUE_MAX {
            self.flush();
        }
        if self.queue.len() < QUEUE_MAX {
            self.queue.push_back(transmit);
        } else {
            // What waits is older and nearer to being useful: its retransmission is further away.
            self.counters.unsent += 1;
        }
    }

    /// Sends what is queued, in order, as far as the kernel takes it.
    pub fn flush(&mut self) {
        while let Some(first) = self.queue.front() {
            let (to, from, size) = (first.to, first.from, first.bytes.len());
            let count = self.run_length(first);
            self.run.clear();
            for transmit in self.queue.iter().take(count) {
                self.run.extend_from_slice(&transmit.bytes);
            }
            match self.send(to, from, &self.run, size) {
                Ok(()) => self.counters.sent += count as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => self.send_singly(count, &error),
            }
            self.queue.drain(..count);
        }
    }

    /// Whether the kernel's buffer was full: `flush` again when the socket is writable.
    pub fn blocked(&self) -> bool {
        !self.queue.is_empty()
    }

    /// How many datagrams from the front one call can carry: same way, same size; the last may be shorter.
    fn run_length(&self, first: &Transmit) -> usize {
        let most = self.state.max_gso_segments().min(SEGMENTS_MAX);
        let size = first.bytes.len();
        if size == 0 || size > DATAGRAM_BYTES_MAX {
            return 1;
        }
        let mut count = 0;
        for transmit in self.queue.iter().take(most) {
            let length = transmit.bytes.len();
            let same_way = (transmit.to, transmit.from) == (first.to, first.from);
            if !same_way || length > size || length == 0 {
                break;
            }
            count += 1;
            if length < size {
                break;
            }
        }
        count.max(1)
    }

    /// Sends from the address that is asked for, or, if this machine does not have it any more, from any.
    fn send(&self, to: SocketAddr, from: Option<IpAddr>, contents: &[u8], size: usize) -> io::Result<()> {
        let mut transmit = quinn_udp::Transmit {
            destination: self.reachable(to),
            ecn: None,
            contents,
            segment_size: (contents.len() > size).then_some(size),
            src_ip: from,
        };
        match self.state.try_send((&self.socket).into(), &transmit) {
            Err(error) if from.is_some() && error.kind() != io::ErrorKind::WouldBlock => {
                tracing::debug!(%error, ?from, "send failed from there");
                transmit.src_ip = None;
                self.state.try_send((&self.socket).into(), &transmit)
            }
            sent => sent,
        }
    }

    /// A run was refused: some network cards cannot do runs, and one bad address must not cost more than its own.
    fn send_singly(&mut self, count: usize, error: &io::Error) {
        tracing::debug!(%error, count, "send failed");
        let mut unsent = count as u64;
        if count > 1 {
            for transmit in self.queue.iter().take(count) {
                if self
                    .send(transmit.to, transmit.from, &transmit.bytes, transmit.bytes.len())
                    .is_ok()
                {
                    unsent -= 1;
                }
            }
        }
        self.counters.unsent += unsent;
        self.counters.sent += count as u64 - unsent;
    }

    /// The address as this socket's family writes it.
    fn reachable(&self, to: SocketAddr) -> SocketAddr {
        match (self.local.ip(), to.ip()) {
            (IpAddr::V6(_), IpAddr::V4(ip)) => SocketAddr::new(ip.to_ipv6_mapped().into(), to.port()),
            _ => to,
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// This machine's address on the way to `to`, as the routing table has it. Sends nothing.
#[expect(clippy::disallowed_methods, reason = "a socket asks the routing table")]
pub fn local_towards(to: SocketAddr, port: u16) -> Option<SocketAddr> {
    let any: IpAddr = match to.ip() {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(to).ok()?;
    let local = socket.local_addr().ok()?;
    Some(SocketAddr::new(local.ip(), port))
}

/// One address has one form: an IPv4 address that IPv6 has wrapped is unwrapped; all others stay, with their zone.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        IpAddr::V6(_) => address,
    }
}

/// Whether a datagram can be sent from this address by naming it. A link's own needs the link named, too.
const fn can_be_named(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => true,
        IpAddr::V6(ip) => !ip.is_unicast_link_local(),
    }
}

/// A socket for both families; for IPv4 alone where the system has no IPv6. Never shared: a second program on
/// the port must fail, not take half of the datagrams.
fn bind(place: Place) -> io::Result<RawSocket> {
    let address = match place.address {
        Some(address) => SocketAddr::new(address, place.port),
        None => SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), place.port),
    };
    let bound = bind_to(address, place.address.is_none());
    match bound {
        Err(error) if place.address.is_none() && lacks_ipv6(&error) => {
            bind_to(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), place.port), false)
        }
        bound => bound,
    }
}

#[expect(clippy::disallowed_methods, reason = "the program's socket")]
fn bind_to(address: SocketAddr, both: bool) -> io::Result<RawSocket> {
    let socket = RawSocket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!both)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// No such family, or no such address: IPv6 left out of the kernel, or switched off.
fn lacks_ipv6(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.kind() == io::ErrorKind::Unsupported
        || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

/// What happened, and what to do.
fn explain(place: Place, error: &io::Error) -> String {
    let port = place.port;
    match (error.kind(), place.address) {
        (io::ErrorKind::AddrInUse, _) => {
            format!("port {port} is in use by another program; end that one or choose another port")
        }
        (io::ErrorKind::PermissionDenied, _) => {
            format!("port {port} needs privileges that this user does not have; choose one from 1024 on")
        }
        (io::ErrorKind::AddrNotAvailable, Some(address)) => {
            format!("{address} is not an address of this machine; choose one that is, or leave --bind away")
        }
        _ => format!("port {port} cannot be opened: {error}"),
    }
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
