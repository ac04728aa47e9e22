//! Tests of what the database counts of rooms: who has what and who left without it, held against a plain count; and what
//! a large room costs.

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

use super::*;
use crate::id::{Epoch, Sequence};
use crate::registry::rooms::storage::LogBounds;
use crate::registry::storage::{Reply, Request};
use crate::store::database;
use crate::store::registry::SCHEMA;
use crate::wire::message::Forward;

const DEN: RoomKey = RoomKey(1);
const KEEP_UNTIL: Age = Age::from_ms(1 << 50);

/// So many members are known.
fn register(db: &Connection, members: u32) {
    let each = "WITH RECURSIVE each (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM each WHERE id < ?1)
        INSERT INTO member SELECT id, 'p' || id, 'p' || id, randomblob(32), zeroblob(32), zeroblob(64), 1 FROM each";
    db.execute(each, [members]).unwrap();
}

fn den(owner: u32) -> RoomRow {
    RoomRow {
        key: DEN,
        id: RoomId([1; 16]),
        name: "den".parse().unwrap(),
        owner: Some(MemberId(owner)),
        head: PostNumber(0),
    }
}

pub(in crate::store) fn new_post(number: u64, author: MemberId) -> NewPost {
    NewPost {
        row: Row(number),
        room: DEN,
        author,
        slot: numbered(number),
        hash: EnvelopeHash([0; 16]),
        expires: KEEP_UNTIL,
        bounds: None,
        keep_until: KEEP_UNTIL,
        forward: Forward {
            floor: Sequence(0),
            envelope: vec![0; 100],
        },
    }
}

const fn numbered(number: u64) -> Slot {
    Slot {
        epoch: Epoch(1),
        sequence: Sequence(number),
    }
}

/// A post, as a plain count has it.
struct Counted {
    author: MemberId,
    bytes: u64,
    due: BTreeSet<MemberId>,
    lost: BTreeSet<MemberId>,
}

/// A room in a database, and the same as a plain count has it.
struct Both {
    db: Connection,
    rng: ChaCha12Rng,
    head: u64,
    cursors: BTreeMap<MemberId, u64>,
    posts: BTreeMap<u64, Counted>,
}

const MEMBERS: u32 = 6;

impl Both {
    fn new(seed: u64) -> Self {
        let db = database::open_in_memory(&SCHEMA).unwrap();
        register(&db, MEMBERS);
        apply(&db, &RoomRequest::MakeRoom(den(1))).unwrap();
        Self {
            db,
            rng: ChaCha12Rng::seed_from_u64(seed),
            head: 0,
            cursors: BTreeMap::from([(MemberId(1), 0)]),
            posts: BTreeMap::new(),
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound
    }

    fn somebody(&mut self) -> MemberId {
        MemberId(u32::try_from(1 + self.below(MEMBERS.into())).unwrap())
    }

    fn step(&mut self) {
        let who = self.somebody();
        match self.below(8) {
            0..=1 => {
                self.cursors.entry(who).or_insert(self.head);
                let enter = RoomRequest::Enter {
                    room: DEN,
                    member: who,
                };
                apply(&self.db, &enter).unwrap();
            }
            2..=4 => self.post(who),
            5 => self.advance(who),
            6 => self.depart(Who::One(who)),
            _ if self.below(4) == 0 => self.depart(Who::AllBut(who)),
            _ => {}
        }
        self.check();
    }

    fn post(&mut self, author: MemberId) {
        if !self.cursors.contains_key(&author) {
            return;
        }
        self.head += 1;
        let due = self.cursors.keys().copied().filter(|who| *who != author);
        let due = due.collect();
        let bytes = 100 + self.below(100);
        let counted = Counted {
            author,
            bytes,
            due,
            lost: BTreeSet::new(),
        };
        let mut new = new_post(self.head, author);
        new.forward.envelope.resize(usize::try_from(bytes).unwrap(), 0);
        if self.below(3) == 0 {
            let mut usage = |posts| Usage {
                messages: 1 + self.below(posts),
                bytes: 100 + self.below(posts * 150),
            };
            new.bounds = Some(LogBounds {
                room: usage(8),
                author: usage(3),
            });
        }
        let bounds = new.bounds;
        let reply = apply(&self.db, &RoomRequest::Post(Box::new(new))).unwrap();
        self.posts.insert(self.head, counted);
        let RoomReply::Posted {
            kept: Kept::Fresh(_),
            gave_way,
            ..
        } = reply
        else {
            panic!("{reply:?}");
        };
        match bounds {
            Some(bounds) => self.gives_way(author, bounds, &gave_way),
            None => assert_eq!(gave_way, []),
        }
    }

    /// What stands in the log, and of it what is this author's; and his oldest post, or else anybody's, beside the last.
    fn open(&self, author: MemberId) -> (Usage, Usage, Option<u64>, Option<u64>) {
        let sum = |usage: Usage, post: &Counted| usage.plus(Usage::one(post.bytes));
        let his = || self.posts.iter().filter(|(_, post)| post.author == author);
        let oldest = |number: Option<(&u64, &Counted)>| number.map(|(number, _)| *number);
        let before = |(number, _): &(&u64, &Counted)| **number < self.head;
        (
            self.posts.values().fold(Usage::default(), sum),
            his().map(|(_, post)| post).fold(Usage::default(), sum),
            oldest(his().find(before)),
            oldest(self.posts.iter().find(before)),
        )
    }

    /// The author pays while his part is full and he has something there; then whoever was first. None goes needlessly.
    fn gives_way(&mut self, author: MemberId, bounds: LogBounds, gave_way: &[PostEnd]) {
        let pays = self.open(author).1.exceeds(bounds.author);
        for post in gave_way {
            let (all, his, his_oldest, oldest) = self.open(author);
            let his_oldest = his_oldest.filter(|_| pays);
            let is_due = all.exceeds(bounds.room) || (his_oldest.is_some() && his.exceeds(bounds.author));
            assert!(is_due, "{post:?} for {bounds:?}, where {all:?} stand, {his:?}");
            assert_eq!(Some(post.notice.slot.sequence.0), his_oldest.or(oldest));
            self.end(std::slice::from_ref(post));
        }
        let (all, his, his_oldest, oldest) = self.open(author);
        assert!(!his.exceeds(bounds.author) || his_oldest.is_none(), "{his:?}");
        assert!(!all.exceeds(bounds.room) || oldest.is_none(), "{all:?}");
    }

    fn advance(&mut self, member: MemberId) {
        let number = self.below(self.head + 1);
        if let Some(cursor) = self.cursors.get_mut(&member) {
            *cursor = number.max(*cursor);
        }
        let number = PostNumber(number);
        self.ends(&RoomRequest::Advance {
            room: DEN,
            member,
            number,
            keep_until: KEEP_UNTIL,
        });
    }

    fn depart(&mut self, who: Who) {
        let (gone, stay) = std::mem::take(&mut self.cursors)
            .into_iter()
            .partition(|(member, _)| match who {
                Who::One(one) => *member == one,
                Who::AllBut(one) => *member != one,
            });
        self.cursors = stay;
        self.lose(gone);
        self.ends(&RoomRequest::Depart {
            room: DEN,
            who,
            keep_until: KEEP_UNTIL,
        });
    }

    fn lose(&mut self, gone: BTreeMap<MemberId, u64>) {
        for (member, cursor) in gone {
            let behind = self.posts.range_mut(cursor + 1..).map(|(_, post)| post);
            behind
                .filter(|post| post.due.contains(&member))
                .for_each(|post| assert!(post.lost.insert(member)));
        }
    }

    fn ends(&mut self, request: &RoomRequest) {
        let reply = apply(&self.db, request).unwrap();
        let RoomReply::PostsEnded { posts, .. } = reply else {
            panic!("{reply:?}");
        };
        self.end(&posts);
    }

    fn end(&mut self, posts: &[PostEnd]) {
        for post in posts {
            let number = post.notice.slot.sequence.0;
            assert_eq!(post.notice.end, self.expected(number), "of {number}");
            let counted = self.posts.remove(&number).unwrap();
            assert_eq!((post.author, post.bytes), (counted.author, counted.bytes));
        }
    }

    fn expected(&self, number: u64) -> End {
        let post = &self.posts[&number];
        let has = |who: &&MemberId| {
            let is_behind = self.cursors.get(*who).is_some_and(|cursor| *cursor < number);
            !post.lost.contains(who) && !is_behind
        };
        let count = |number: usize| u32::try_from(number).unwrap();
        End::Posted {
            received: count(post.due.iter().filter(has).count()),
            of: count(post.due.len()),
        }
    }

    /// What is counted of the log is what stands in it.
    fn check_sums(&self) {
        let sum = "SELECT coalesce(sum(posts), 0), coalesce(sum(bytes), 0) FROM";
        let usage = |table: &str| {
            let sums = self.db.query_row(&format!("{sum} {table}"), [], |row| {
                Ok(Usage {
                    messages: row.get::<_, Bits>(0)?.0,
                    bytes: row.get::<_, Bits>(1)?.0,
                })
            });
            sums.unwrap()
        };
        for author in (1..=MEMBERS).map(MemberId) {
            let (all, his, ..) = self.open(author);
            assert_eq!(usage("room"), all);
            assert_eq!(usage(&format!("authored WHERE author = {}", author.0)), his);
        }
    }

    /// Of each post it is said who has it, and nothing is kept of posts that have ended.
    fn check(&mut self) {
        self.check_sums();
        for (number, post) in &self.posts {
            let readers = readers(&self.db, post.author, numbered(*number)).unwrap();
            let RoomReply::Readers(Some(Readers { received, of, .. })) = readers else {
                panic!("{readers:?}");
            };
            assert_eq!(
                End::Posted { received, of },
                self.expected(*number),
                "of {number}"
            );
        }
        let stray = "SELECT count(*) FROM lost WHERE number <= (SELECT coalesce(max(head), 0) FROM room)
            AND number NOT IN (SELECT number FROM mail WHERE outcome IS NULL)";
        let stray: u32 = self.db.query_row(stray, [], |row| row.get(0)).unwrap();
        assert_eq!(stray, 0);
    }
}

#[test]
fn who_has_a_post_and_who_left_without_it_is_as_a_plain_count_has_it() {
    for seed in 0..40 {
        let mut both = Both::new(seed);
        for _ in 0..150 {
            both.step();
        }
        let gone = std::mem::take(&mut both.cursors);
        both.lose(gone);
        both.ends(&RoomRequest::EndRoom {
            room: DEN,
            keep_until: KEEP_UNTIL,
        });
        while !both.posts.is_empty() {
            both.ends(&RoomRequest::Settle {
                room: DEN,
                keep_until: KEEP_UNTIL,
            });
        }
        let left: u32 = both
            .db
            .query_row(
                "SELECT (SELECT count(*) FROM lost) + (SELECT count(*) FROM authored)",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(left, 0, "nothing is kept of a room that has ended");
    }
}

/// A room with so many members; posts of the first of them follow, and each of the others has as many as `has` says.
pub(in crate::store) fn large(db: &Connection, members: u32, posts: u64, has: &str) {
    register(db, members);
    let begin = db.unchecked_transaction().unwrap();
    apply(db, &RoomRequest::MakeRoom(den(1))).unwrap();
    db.execute(
        "INSERT INTO membership SELECT 1, id, 0 FROM member WHERE id > 1",
        [],
    )
    .unwrap();
    for number in 1..=posts {
        let post = Box::new(new_post(number, MemberId(1)));
        apply(db, &RoomRequest::Post(post)).unwrap();
    }
    let cursors = format!("UPDATE membership SET cursor = {has}");
    db.execute(&cursors, []).unwrap();
    begin.commit().unwrap();
}

#[test]
fn leaving_changes_as_much_as_there_are_places_where_members_are_and_not_each_post() {
    let db = database::open_in_memory(&SCHEMA).unwrap();
    large(&db, 300, 200, "member % 3");
    let kick = RoomRequest::Depart {
        room: DEN,
        who: Who::AllBut(MemberId(1)),
        keep_until: KEEP_UNTIL,
    };
    apply(&db, &kick).unwrap();
    let rows: Vec<(u64, i64)> = db
        .prepare("SELECT number, members FROM lost ORDER BY number")
        .unwrap()
        .query_map([], |row| Ok((row.get::<_, Bits>(0)?.0, row.get(1)?)))
        .unwrap()
        .collect::<Result<_>>()
        .unwrap();
    // The author is at 1, so that the first post has ended: all who were at 0 and at 1 are counted from the second on.
    assert_eq!(rows, [(2, 199), (3, 100), (201, -299)]);
}

#[test]
fn no_statement_goes_through_members_for_each_post_or_through_all_mail() {
    let db = database::open_in_memory(&SCHEMA).unwrap();
    for is in ["=", "<>"] {
        let plan: Vec<String> = db
            .prepare(&format!("EXPLAIN QUERY PLAN {}", lose(is)))
            .unwrap()
            .query_map([1, 1, 1], |row| row.get(3))
            .unwrap()
            .collect::<Result<_>>()
            .unwrap();
        let of = |table: &str| {
            let named = move |step: &&String| step.contains(&format!(" {table} "));
            plan.iter().filter(named).cloned().collect::<Vec<_>>()
        };
        let of_room = |step: &String| {
            ["mail_posted", "mail_authored"]
                .iter()
                .any(|index| step.contains(&format!("{index} (room=?")))
        };
        assert!(of("mail").iter().all(of_room), "{plan:?}");
        let searched = |step: &String| step.contains("(room=?");
        assert!(of("membership").iter().all(searched), "{plan:?}");
        let joined = of("membership").pop().unwrap();
        assert!(joined.ends_with("PRIMARY KEY (room=? AND member=?)"), "{plan:?}");
    }
}

/// On a disk, and with its syncs: `cargo test --release -- --ignored --nocapture a_large_room_is_left`.
#[test]
#[ignore = "a measurement, which asserts nothing about time: cargo test --release -- --ignored --nocapture a_large_room"]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn a_large_room_is_left() {
    const NOWHERE: &str = "iif(member = 1, 10000, 0)";
    const EVERYWHERE: &str = "iif(member = 1, 10000, member)";
    for (posts, has) in [
        (0, NOWHERE),
        (100, NOWHERE),
        (1_000, NOWHERE),
        (10_000, NOWHERE),
        (10_000, EVERYWHERE),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut db = database::open(&folder.path().join("registry.sqlite"), &SCHEMA).unwrap();
        large(&db, 10_000, posts, has);
        let mut timed = |request: RoomRequest| {
            let requests = [(crate::engine::Ticket(0), Request::Room(request))];
            let start = std::time::Instant::now();
            let replies = database::commit_batch(&mut db, &requests, |db, request| match request {
                Request::Room(request) => apply(db, request).map(Reply::Room),
                other => panic!("{other:?}"),
            });
            let span = start.elapsed();
            let more = matches!(
                &replies[0].1,
                Ok(Reply::Room(RoomReply::PostsEnded { more: true, .. }))
            );
            (span, more)
        };
        let depart = |who| RoomRequest::Depart {
            room: DEN,
            who,
            keep_until: KEEP_UNTIL,
        };
        let (first, _) = timed(depart(Who::One(MemberId(2))));
        let (one, _) = timed(depart(Who::One(MemberId(3))));
        let (all, mut more) = timed(RoomRequest::EndRoom {
            room: DEN,
            keep_until: KEEP_UNTIL,
        });
        let mut steps = Vec::new();
        while more {
            let (span, again) = timed(RoomRequest::Settle {
                room: DEN,
                keep_until: KEEP_UNTIL,
            });
            steps.push(span);
            more = again;
        }
        let longest = steps.iter().max();
        println!(
            "{posts} posts, cursors at {has}: one leaves {first:?}, another {one:?}; the room ends {all:?}, then {} steps of \
             at most {longest:?}",
            steps.len()
        );
    }
}
