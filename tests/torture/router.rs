//! Hosts of their own network namespaces, and the router that joins them: one thread that reads what a host sends,
//! asks `fate.rs` what becomes of it, and writes it to the host that it is for.
//!
//! Needs `unshare`, `nsenter`, `setpriv`, `ip` and `/dev/net/tun`. Knows nothing of what is in a packet but its address.
//! Invariant: what is under way is bounded; hosts are gone, with their addresses, when their test is.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tun_rs::{DeviceBuilder, SyncDevice};

use crate::fate::{self, NETWORK};
use crate::player::now;

/// Everybody: the registry, then the clients.
pub(crate) const HOSTS: usize = 4;
pub(crate) type Map = fate::Map<HOSTS>;
/// Its name in each host.
const DEVICE: &str = "tun0";
/// Packets under way; what comes beyond that is lost, as in any router.
const UNDER_WAY_MAX: usize = 20_000;
/// How often the router looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(20);
/// Larger than any packet on a device of 1,500 bytes.
const PACKET_BYTES: usize = 2_048;

/// A host: a network namespace and its address.
pub(crate) struct Host {
    number: usize,
    /// Its address changes: the last part of it.
    last: u8,
    /// A process that does nothing but hold the namespace; it ends when its input does.
    holder: Child,
}

impl Host {
    fn new(number: usize) -> (Self, SyncDevice) {
        let mut holder = Command::new("unshare")
            .args(["-n", "sh", "-c", "echo; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It is there once it says so.
        holder.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let host = Self {
            number,
            last: 1,
            holder,
        };
        let space = File::open(host.space()).unwrap();
        // A thread of its own enters the namespace, makes the device, and ends; the device stays.
        #[expect(
            clippy::disallowed_methods,
            reason = "a thread can be in a network of its own"
        )]
        let device = std::thread::spawn(move || {
            move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            DeviceBuilder::new().name(DEVICE).build_sync().unwrap()
        });
        let device = device.join().unwrap();
        device.set_nonblocking(true).unwrap();
        let [a, b] = NETWORK;
        for words in [
            "link set lo up",
            &format!("link set {DEVICE} up mtu 1500"),
            &format!("addr add {}/32 dev {DEVICE}", host.address()),
            &format!("route add {a}.{b}.0.0/16 dev {DEVICE}"),
        ] {
            host.ip(words);
        }
        (host, device)
    }

    fn space(&self) -> String {
        format!("/proc/{}/ns/net", self.holder.id())
    }

    pub(crate) fn address(&self) -> String {
        let [a, b] = NETWORK;
        format!("{a}.{b}.{}.{}", self.number, self.last)
    }

    /// A program that is to run here, and dies with us whatever ends us.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.space()));
        command.args(["setpriv", "--pdeathsig", "KILL", program]);
        command
    }

    fn ip(&self, words: &str) {
        let done = self.command("ip").args(words.split(' ')).status().unwrap();
        assert!(done.success(), "ip {words}");
    }

    /// From now on it has another address.
    pub(crate) fn moves(&mut self) {
        let old = self.address();
        self.last = self.last % 250 + 1;
        self.ip(&format!("addr add {}/32 dev {DEVICE}", self.address()));
        self.ip(&format!("addr del {old}/32 dev {DEVICE}"));
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        self.holder.wait().unwrap();
    }
}

/// What the router did with packets.
#[derive(Default)]
struct Counts {
    brought: AtomicU64,
    lost: AtomicU64,
    again: AtomicU64,
}

/// The thread that carries packets.
pub(crate) struct Router {
    map: Arc<Mutex<Map>>,
    counts: Arc<Counts>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Router {
    /// Some hosts and what joins them; the seed says what becomes of which packet.
    pub(crate) fn start(seed: u64) -> (Self, Vec<Host>) {
        let (hosts, devices) = (0..HOSTS).map(Host::new).unzip();
        let map = Arc::new(Mutex::new(Map::FAIR));
        let (counts, over) = (Arc::<Counts>::default(), Arc::<AtomicBool>::default());
        let mut carrier = Carrier {
            devices,
            map: Arc::clone(&map),
            counts: Arc::clone(&counts),
            dice: ChaCha12Rng::seed_from_u64(seed),
            under_way: BinaryHeap::new(),
            number: 0,
        };
        let stop = Arc::clone(&over);
        #[expect(clippy::disallowed_methods, reason = "the router's thread")]
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                carrier.turn();
            }
        });
        let router = Self {
            map,
            counts,
            over,
            thread: Some(thread),
        };
        (router, hosts)
    }

    /// The roads, to be changed.
    pub(crate) fn map(&self) -> std::sync::MutexGuard<'_, Map> {
        self.map.lock().unwrap()
    }

    pub(crate) fn summary(&self) -> String {
        let [brought, lost, again] = [&self.counts.brought, &self.counts.lost, &self.counts.again]
            .map(|count| count.load(Ordering::Relaxed));
        format!("packets brought {brought}, lost {lost}, twice {again}")
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// A packet under way: when it is due, its number, for whom, its bytes.
type Packet = (Instant, u64, usize, Vec<u8>);

struct Carrier {
    devices: Vec<SyncDevice>,
    map: Arc<Mutex<Map>>,
    counts: Arc<Counts>,
    dice: ChaCha12Rng,
    under_way: BinaryHeap<Reverse<Packet>>,
    number: u64,
}

impl Carrier {
    fn turn(&mut self) {
        self.wait();
        for from in 0..self.devices.len() {
            self.read(from);
        }
        self.deliver();
    }

    /// Until somebody sends, or something is due.
    fn wait(&self) {
        let due = self.under_way.peek().map(|Reverse((due, ..))| *due);
        let wait = due.map_or(LOOK, |due| due.saturating_duration_since(now().0).min(LOOK));
        let timeout = Timespec::try_from(wait).unwrap();
        let watch = |device| PollFd::new(device, PollFlags::IN);
        let mut devices: Vec<_> = self.devices.iter().map(watch).collect();
        poll(&mut devices, Some(&timeout)).unwrap();
    }

    fn read(&mut self, from: usize) {
        let mut buffer = [0; PACKET_BYTES];
        loop {
            match self.devices[from].recv(&mut buffer) {
                Ok(length) => self.take(from, &buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("host {from}: {error}"),
            }
        }
    }

    fn take(&mut self, from: usize, packet: &[u8]) {
        let Some(to) = fate::destination(packet, HOSTS) else {
            return;
        };
        let road = self.map.lock().unwrap().0[from][to];
        let mut copies = road.copies(&mut self.dice);
        copies.truncate(UNDER_WAY_MAX.saturating_sub(self.under_way.len()));
        match copies.len() {
            0 => self.counts.lost.fetch_add(1, Ordering::Relaxed),
            1 => 0,
            _ => self.counts.again.fetch_add(1, Ordering::Relaxed),
        };
        for copy in copies {
            self.number += 1;
            let due = now().0 + copy;
            self.under_way
                .push(Reverse((due, self.number, to, packet.to_vec())));
        }
    }

    fn deliver(&mut self) {
        let now = now().0;
        while let Some(Reverse((due, ..))) = self.under_way.peek()
            && *due <= now
            && let Some(Reverse((_, _, to, packet))) = self.under_way.pop()
        {
            // A host whose queue is full loses it, as any would.
            match self.devices[to].send(&packet) {
                Ok(_) => self.counts.brought.fetch_add(1, Ordering::Relaxed),
                Err(_) => self.counts.lost.fetch_add(1, Ordering::Relaxed),
            };
        }
    }
}
