//! The delivery contract, in simulated worlds of every profile (`src/simulation/`).
//!
//! `SIM_SEEDS` says how many seeds each profile gets, `SIM_FIRST` from which on. A seed that finds something is
//! repeated, with its history, by `udpchat simulate --profile <name> --seed <seed> --trace`; one of a test that changes a
//! profile's plan by that test alone.

#![expect(clippy::print_stderr, reason = "a soak says what it came to")]
#![expect(clippy::unwrap_used, reason = "a world that cannot be made fails the test")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use udpchat::client::Receipts;
use udpchat::simulation::{CLIENTS_MAX, Dice, Plan, Profile, Quarters, Report, Trace, run};

/// The seeds of a run of the tests: by default, or as the environment says.
fn seeds(default: u64) -> std::ops::Range<u64> {
    let read = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let first = read("SIM_FIRST").unwrap_or(0);
    first..first + read("SIM_SEEDS").unwrap_or(default)
}

/// Whether these are all the seeds of a run of the tests: in fewer, what is rare may not happen.
fn are_enough(default: u64) -> bool {
    seeds(default).count() >= usize::try_from(default).unwrap()
}

fn live_all(profile: Profile, default: u64) -> Report {
    let sum = live_each(profile, seeds(default));
    assert!(sum.accepted > 0 && sum.direct > 0, "somebody wrote to somebody");
    sum
}

fn live_each(profile: Profile, seeds: impl Iterator<Item = u64>) -> Report {
    let mut sum = Report::default();
    for seed in seeds {
        let report = run(profile.plan(seed), Trace::OFF).unwrap();
        assert_eq!(report.violations, [], "profile {} seed {seed}", profile.name());
        sum.merge(&report);
    }
    eprintln!("{}: {sum:?}", profile.name());
    sum
}

#[test]
fn the_contract_holds_on_a_cable() {
    let sum = live_all(Profile::Lan, 60);
    assert_eq!(sum.delivered(), sum.accepted);
    assert_eq!(sum.through_registry, 0, "nobody was away");
}

#[test]
fn the_contract_holds_in_a_flat_with_many_neighbours() {
    let sum = live_all(Profile::Wifi, 60);
    assert_eq!(sum.delivered(), sum.accepted);
}

#[test]
fn the_contract_holds_on_a_train() {
    let sum = live_all(Profile::Mobile, 60);
    assert_eq!(sum.delivered(), sum.accepted);
}

#[test]
fn the_contract_holds_over_a_satellite() {
    let sum = live_all(Profile::Satellite, 60);
    assert_eq!(sum.delivered(), sum.accepted);
}

#[test]
fn the_contract_holds_on_a_mesh_of_radios() {
    let sum = live_all(Profile::Mesh, 60);
    assert_eq!(sum.delivered(), sum.accepted);
}

/// Hell takes longest: three tests share its seeds, and run side by side.
fn live_in_hell(third: u64) {
    let sum = live_each(Profile::Hell, seeds(300).filter(|seed| seed % 3 == third));
    let had_all = [sum.direct, sum.through_registry, sum.duplicates, sum.repeated]
        .iter()
        .all(|count| *count > 0);
    assert!(!are_enough(300) || had_all);
}

#[test]
fn the_contract_holds_in_the_first_third_of_hell() {
    live_in_hell(0);
}

#[test]
fn the_contract_holds_in_the_second_third_of_hell() {
    live_in_hell(1);
}

#[test]
fn the_contract_holds_in_the_last_third_of_hell() {
    live_in_hell(2);
}

#[test]
fn the_contract_holds_where_people_stay_away_and_lifetimes_end() {
    let mut sum = Report::default();
    for seed in seeds(12) {
        let mut plan = Profile::Hell.plan(seed);
        plan.minutes = 25;
        plan.trouble.messages = 3;
        plan.trouble.lives = std::time::Duration::from_secs(60);
        plan.trouble.away = std::time::Duration::from_secs(600);
        let report = run(plan, Trace::OFF).unwrap();
        assert_eq!(report.violations, [], "seed {seed}");
        sum.merge(&report);
    }
    eprintln!("away: {sum:?}");
    assert!(!are_enough(12) || (sum.expired > 0 && sum.refused > 0 && sum.through_registry > 0));
}

#[test]
fn the_contract_holds_in_rooms() {
    for profile in Profile::ALL {
        let mut sum = Report::default();
        for seed in seeds(10) {
            let mut plan = profile.plan(seed);
            plan.trouble.posts = 10;
            plan.trouble.rooms = 3;
            let report = run(plan, Trace::OFF).unwrap();
            assert_eq!(report.violations, [], "profile {} seed {seed}", profile.name());
            sum.merge(&report);
        }
        eprintln!("rooms, {}: {sum:?}", profile.name());
        assert!(
            sum.posts_received > sum.posted,
            "some were posted to more than one: {sum:?}"
        );
    }
}

#[test]
fn the_contract_holds_where_there_is_no_registry() {
    for profile in Profile::ALL {
        let mut sum = Report::default();
        for seed in seeds(10) {
            let report = run(profile.plan(seed).without_registry(), Trace::OFF).unwrap();
            assert_eq!(report.violations, [], "profile {} seed {seed}", profile.name());
            sum.merge(&report);
        }
        eprintln!("no registry, {}: {sum:?}", profile.name());
        assert!(sum.accepted > 0 && sum.through_registry == 0);
        assert!(profile == Profile::Hell || sum.delivered() == sum.accepted);
    }
}

#[test]
fn without_a_registry_strangers_get_nothing_in_and_nobody_is_taken_for_another() {
    let (mut turned_away, mut found, mut expired) = (0, 0, 0);
    for seed in seeds(12) {
        let mut plan = Profile::Hell.plan(seed).without_registry();
        plan.minutes = 15;
        plan.trouble.messages = 6;
        plan.trouble.moves = 4;
        plan.trouble.attacks = 6;
        plan.trouble.relapses = 0;
        plan.trouble.lives = std::time::Duration::from_secs(180);
        let said = [
            "reads Contact(NotListed",
            "reads Contact(Changed",
            "reads Contact(Expired",
        ];
        let [unlisted, others, ends] = lines_of(plan, said);
        turned_away += unlisted;
        found += others;
        expired += ends;
    }
    eprintln!("turned away: {turned_away}, found another: {found}, expired: {expired}");
    assert!(!are_enough(12) || (turned_away > 0 && found > 0 && expired > 0));
}

#[test]
fn the_contract_holds_in_rooms_that_are_full_and_in_one_for_everybody() {
    let mut counts = [0; 4];
    for seed in seeds(25) {
        let mut plan = Profile::Hell.plan(seed);
        plan.trouble.posts = 20;
        plan.trouble.rooms = 6;
        plan.trouble.quarters = Quarters::small(&mut Dice::new(seed, 0));
        let said = [
            "reads Room(Missed",
            "RoomFull",
            "TooManyRooms",
            "reads Room(Offered",
        ];
        let lines = lines_of(plan, said);
        counts
            .iter_mut()
            .zip(lines)
            .for_each(|(count, line)| *count += line);
    }
    eprintln!("missed, full, too many, offered: {counts:?}");
    assert!(!are_enough(25) || counts.iter().all(|count| *count > 0));
}

#[test]
fn the_contract_holds_on_lines_of_ten_kilobits_a_second() {
    for profile in [Profile::Satellite, Profile::Mobile, Profile::Mesh, Profile::Wifi] {
        for seed in seeds(5) {
            let mut plan = profile.plan(seed);
            plan.weather.rate = Some(10_000);
            let report = run(plan, Trace::OFF).unwrap();
            assert_eq!(report.violations, [], "profile {} seed {seed}", profile.name());
        }
    }
}

#[test]
fn the_contract_holds_among_as_many_as_there_may_be() {
    let mut plan = Profile::Wifi.plan(1);
    plan.clients = CLIENTS_MAX;
    plan.minutes = 1;
    plan.trouble.messages = 2;
    let report = run(plan, Trace::OFF).unwrap();
    assert_eq!(report.violations, []);
    assert_eq!(report.delivered(), report.accepted);
    assert!(report.accepted >= 90, "{}", report.accepted);
}

/// How often each of these was said in a run's history.
fn lines_of<const N: usize>(plan: Plan, said: [&'static str; N]) -> [u32; N] {
    let counts = Rc::new(Cell::new([0; N]));
    let sink = Rc::clone(&counts);
    let trace = Trace::to(Box::new(move |line| {
        let mut counts = sink.get();
        for (count, what) in counts.iter_mut().zip(said) {
            *count += u32::from(line.contains(what));
        }
        sink.set(counts);
    }));
    let report = run(plan, trace).unwrap();
    assert_eq!(report.violations, [], "seed {}", plan.seed);
    counts.get()
}

#[test]
fn the_contract_holds_where_a_registry_loses_its_database() {
    let (mut lost, mut told) = (0, 0);
    for seed in seeds(25) {
        let mut plan = Profile::Hell.plan(seed);
        plan.trouble.disasters = 1;
        let [losses, lines] = lines_of(plan, ["has lost its database", "reads StoredAgain"]);
        lost += losses;
        told += lines;
    }
    eprintln!("lost: {lost}, told: {told}");
    assert!(!are_enough(25) || (lost > 0 && told > 0));
}

#[test]
fn what_is_written_after_a_folder_was_restored_is_held_to_the_contract() {
    let (mut lost, mut conflicts) = (0, 0);
    for seed in seeds(25) {
        let mut plan = Profile::Hell.plan(seed);
        plan.trouble.relapses = 1;
        let [losses, renumbered] = lines_of(plan, ["has lost his database", "commits Renumber"]);
        lost += losses;
        conflicts += renumbered;
    }
    eprintln!("lost: {lost}, numbered anew: {conflicts}");
    assert!(!are_enough(25) || (lost > 0 && conflicts > 0));
}

#[test]
fn programs_whose_input_ends_leave_what_they_say_and_come_back() {
    let (mut typed, mut done, mut unreached) = (0, 0, 0);
    for seed in seeds(25) {
        let mut plan = Profile::Hell.plan(seed);
        plan.trouble.endings = 4;
        let said = ["types no more", "reads Ended(Done)", "reads Ended(Unreached)"];
        let [inputs, ends, vain] = lines_of(plan, said);
        typed += inputs;
        done += ends;
        unreached += vain;
    }
    eprintln!("inputs ended: {typed}, done: {done}, not reached: {unreached}");
    assert!(typed >= done + unreached);
    assert!(!are_enough(25) || (done > 0 && unreached > 0));
}

#[test]
fn the_contract_holds_where_messages_are_handled_before_they_are_receipted() {
    for seed in seeds(25) {
        let mut plan = Profile::Hell.plan(seed);
        plan.trouble.receipts = Receipts::Handled;
        let report = run(plan, Trace::OFF).unwrap();
        assert_eq!(report.violations, [], "seed {seed}");
        let mut plan = Profile::Lan.plan(seed);
        plan.trouble.receipts = Receipts::Handled;
        let report = run(plan, Trace::OFF).unwrap();
        assert_eq!(report.violations, [], "seed {seed}");
        assert_eq!(report.delivered(), report.accepted, "seed {seed}");
    }
}

#[test]
fn the_contract_holds_in_rooms_whose_members_handle_posts_before_they_say_that_they_have_them() {
    for profile in [Profile::Lan, Profile::Mobile, Profile::Hell] {
        let mut sum = Report::default();
        for seed in seeds(8) {
            let mut plan = profile.plan(seed);
            plan.trouble.posts = 10;
            plan.trouble.rooms = 3;
            plan.trouble.receipts = Receipts::Handled;
            let report = run(plan, Trace::OFF).unwrap();
            assert_eq!(report.violations, [], "profile {} seed {seed}", profile.name());
            sum.merge(&report);
        }
        assert!(sum.posts_received > sum.posted, "{sum:?}");
    }
}

#[test]
fn what_is_said_to_be_unfinished_is_so() {
    let (mut asked, mut answered) = (0, 0);
    for profile in [Profile::Lan, Profile::Mobile, Profile::Hell] {
        for seed in seeds(8) {
            let mut plan = profile.plan(seed);
            plan.trouble.questions = 30;
            plan.trouble.posts = 5;
            let [status, readers] = lines_of(plan, ["reads Status", "reads Room(Readers"]);
            asked += status;
            answered += readers;
        }
    }
    eprintln!("status was told {asked} times, who has a post {answered} times");
    assert!(!are_enough(8) || (asked > 1_000 && answered > 100));
}

#[test]
fn what_was_forgotten_is_not_shown_again() {
    let (mut told, mut in_vain) = (0, 0);
    for profile in [Profile::Mobile, Profile::Hell] {
        for seed in seeds(6) {
            let mut plan = profile.plan(seed);
            plan.trouble.forgets = 30;
            plan.trouble.relapses = 1;
            for plan in [plan, plan.without_registry()] {
                let [all, none] = lines_of(plan, ["reads Forgotten: ", "reads Forgotten: 0,"]);
                told += all;
                in_vain += none;
            }
        }
    }
    eprintln!("forgotten {told} times, {in_vain} of them nothing");
    assert!(!are_enough(6) || (in_vain > 0 && told > in_vain + 100));
}

/// Seeds that once broke the contract; the older ones with their minutes, when nobody's input ended.
#[test]
fn the_contract_holds_where_it_was_broken_once() {
    for (minutes, seed) in [(25, 91), (25, 177), (5, 3_000_813), (5, 4_001_227), (5, 2112)] {
        let mut plan = Profile::Hell.plan(seed);
        plan.minutes = minutes;
        plan.trouble.endings = 0;
        plan = as_before(plan);
        let report = run(plan, Trace::OFF).unwrap();
        assert_eq!(report.violations, [], "{minutes} minutes of seed {seed}");
    }
    // A Finish that somebody had kept; what was asked for, and ended before the answer.
    for seed in [1973, 5005] {
        let report = run(as_before(Profile::Hell.plan(seed)), Trace::OFF).unwrap();
        assert_eq!(report.violations, [], "seed {seed}");
    }
}

/// As it was when nobody asked what was unfinished, or handled messages.
const fn as_before(mut plan: Plan) -> Plan {
    plan.trouble.questions = 0;
    plan.trouble.receipts = Receipts::Committed;
    plan
}

#[test]
fn whoever_has_no_keys_changes_nothing() {
    for seed in seeds(10) {
        let mut plan = Profile::Lan.plan(seed);
        plan.trouble.messages = 30;
        plan.trouble.attacks = 60;
        let report = run(plan, Trace::OFF).unwrap();
        assert_eq!(report.violations, [], "seed {seed}");
        assert_eq!(report.delivered(), report.accepted, "seed {seed}");
    }
    for seed in seeds(2) {
        let mut plan = Profile::Lan.plan(seed).without_registry();
        plan.trouble.messages = 30;
        plan.trouble.attacks = 60;
        let report = run(plan, Trace::OFF).unwrap();
        assert_eq!(report.violations, [], "seed {seed}, no registry");
        assert_eq!(report.delivered(), report.accepted, "seed {seed}, no registry");
    }
}

#[test]
fn one_seed_gives_one_history() {
    let history = |plan: Plan| {
        let lines = Rc::new(RefCell::new(Vec::new()));
        let sink = Rc::clone(&lines);
        let trace = Trace::to(Box::new(move |line| sink.borrow_mut().push(line.to_owned())));
        let report = run(plan, trace).unwrap();
        (lines.take(), report)
    };
    for seed in 0..3 {
        let (lines, report) = history(Profile::Hell.plan(seed));
        assert!(lines.len() > 100, "{}", lines.len());
        assert_eq!((lines, report), history(Profile::Hell.plan(seed)));
    }
    assert_ne!(history(Profile::Hell.plan(1)).0, history(Profile::Hell.plan(2)).0);
}
