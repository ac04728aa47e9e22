//! The built program and the machine that it runs on: signals that are not for it, and sleep.
//!
//! A machine cannot be put to sleep here; that the loop waits on the clock that goes on meanwhile can be seen.

use crate::common::World;
use crate::common::classic::WELCOME;
use crate::common::pipes::Program;
use rustix::process::Signal;

#[test]
fn what_was_ignored_at_the_start_stays_ignored() {
    for (name, signal) in [("HUP", Signal::HUP), ("INT", Signal::INT)] {
        let world = World::new();
        let registry = Program::start_ignoring(name, &world, &world.serve());
        registry.expect_error("socket bound");
        registry.signal(signal);
        assert!(crate::common::ignores(&registry.status(), signal), "{name}");
        let mut x = Program::start(&world, &world.chat("x"));
        x.expect(WELCOME);
        x.signal(Signal::TERM);
        assert_eq!(x.end().0, 0);
        registry.signal(Signal::TERM);
        assert_eq!(registry.end().0, 0, "{name}: other signals are heard");
    }
}

#[test]
fn who_hangs_up_ends_what_he_did_not_start_otherwise() {
    let world = World::new();
    let registry = Program::registry(&world);
    registry.signal(Signal::HUP);
    assert_eq!(registry.end().0, 0);
}

#[test]
fn it_wakes_on_a_clock_that_goes_on_while_the_machine_sleeps() {
    const BOOT_TIME: &str = "clockid: 7";
    const NOT_SET: &str = "it_value: (0, 0)";
    let world = World::new();
    let _registry = Program::registry(&world);
    let x = Program::client(&world, "x");
    let descriptors = x.descriptors();
    let alarm = descriptors.iter().find(|info| info.contains(BOOT_TIME));
    let alarm = alarm.unwrap_or_else(|| unreachable!("no alarm in {descriptors:?}"));
    assert!(!alarm.contains(NOT_SET), "{alarm}");
}
