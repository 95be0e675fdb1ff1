use super::*;
use proptest::prelude::*;

const MAX: Duration = Duration::from_secs(10);

fn policy(launched: bool, held: bool) -> Policy {
    let backoff = Backoff { max: MAX, ..Backoff::default() };
    let idle_release = Duration::from_mins(5);
    Policy { launched, held, backoff, idle_release, drain: Duration::from_secs(7) }
}

fn link(launched: bool, held: bool) -> Link {
    Link::new(policy(launched, held))
}

fn ms(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn input(at: u64, demand: Demand, happening: Happening) -> Input {
    Input { at: ms(at), chance: 0.0, demand, happening }
}

/// Steps while nobody waits.
fn quiet(link: &mut Link, at: u64, happening: Happening) -> Vec<Command> {
    let demand = Demand::QuietSince(ms(0));
    link.step(&input(at, demand, happening)).expect("the link expects this")
}

fn waiting(link: &mut Link, at: u64, happening: Happening) -> Vec<Command> {
    link.step(&input(at, Demand::Waiting, happening)).expect("the link expects this")
}

fn fault(kind: FaultKind) -> Fault {
    Fault::new(kind, "a reason")
}

fn ready(launched: bool, held: bool) -> Link {
    let mut link = link(launched, held);
    assert_eq!(quiet(&mut link, 0, Happening::Wanted), [Command::Connect]);
    quiet(&mut link, 0, Happening::Connected);
    assert_eq!(link.state(), AgentState::Ready);
    link
}

#[test]
fn a_held_link_reconnects_by_itself_and_a_lazy_one_only_while_calls_wait() {
    for (held, demand, state) in [
        (true, Demand::QuietSince(ms(0)), AgentState::Connecting),
        (false, Demand::Waiting, AgentState::Connecting),
        (false, Demand::QuietSince(ms(0)), AgentState::Idle),
    ] {
        let mut link = ready(false, held);
        quiet(&mut link, 1, Happening::Broken(fault(FaultKind::Broken)));
        assert_eq!(link.state(), AgentState::BackingOff);
        link.step(&input(60_000, demand, Happening::Tick)).expect("a tick is always expected");
        assert_eq!(link.state(), state);
    }
}

#[test]
fn an_agent_that_returns_is_connected_at_once() {
    let mut link = link(false, true);
    quiet(&mut link, 0, Happening::Wanted);
    let commands = quiet(&mut link, 1, Happening::Failed(fault(FaultKind::Absent)));
    assert_eq!(commands, [Command::CountFault, Command::Lookout, Command::Wake(ms(101))]);
    assert_eq!(quiet(&mut link, 2, Happening::Returned), [Command::Connect]);
}

#[test]
fn an_agent_that_answers_wrongly_is_not_looked_out_for() {
    let mut link = link(false, true);
    quiet(&mut link, 0, Happening::Wanted);
    let commands = quiet(&mut link, 1, Happening::Failed(fault(FaultKind::Refused)));
    assert_eq!(commands, [Command::CountFault, Command::Wake(ms(101))]);
}

#[test]
fn waits_grow_while_attempts_fail_and_begin_anew_after_the_link_stood_for_long() {
    let mut link = link(false, true);
    quiet(&mut link, 0, Happening::Wanted);
    let mut now = 0;
    for wait in [100, 200, 400, 800] {
        let commands = quiet(&mut link, now, Happening::Failed(fault(FaultKind::Refused)));
        assert_eq!(commands.last(), Some(&Command::Wake(ms(now + wait))));
        now += wait;
        assert_eq!(quiet(&mut link, now, Happening::Tick), [Command::Connect]);
    }
    quiet(&mut link, now, Happening::Connected);
    let commands = quiet(&mut link, now + 9_999, Happening::Broken(fault(FaultKind::Broken)));
    assert_eq!(commands.last(), Some(&Command::Wake(ms(now + 9_999 + 1600))));
    quiet(&mut link, now + 20_000, Happening::Tick);
    quiet(&mut link, now + 20_000, Happening::Connected);
    let commands = quiet(&mut link, now + 30_000, Happening::Broken(fault(FaultKind::Broken)));
    assert_eq!(commands.last(), Some(&Command::Wake(ms(now + 30_100))));
}

#[test]
fn demand_shortens_a_long_backoff_to_one_attempt_a_second() {
    let mut link = link(false, true);
    quiet(&mut link, 0, Happening::Wanted);
    for now in [0, 20_000, 40_000, 60_000, 80_000] {
        quiet(&mut link, now, Happening::Failed(fault(FaultKind::Refused)));
        quiet(&mut link, now + 20_000, Happening::Tick);
    }
    quiet(&mut link, 100_000, Happening::Failed(fault(FaultKind::Refused)));
    assert_eq!(waiting(&mut link, 100_500, Happening::Wanted), [Command::Wake(ms(101_000))]);
    assert_eq!(waiting(&mut link, 101_000, Happening::Tick), [Command::Connect]);
    let commands = waiting(&mut link, 101_100, Happening::Failed(fault(FaultKind::Refused)));
    assert_eq!(commands.last(), Some(&Command::Wake(ms(102_100))));
}

#[test]
fn a_hub_that_ends_leaves_the_calls_of_an_agent_that_goes_on() {
    let mut link = ready(false, true);
    let commands = link.step(&input(1, Demand::Busy, Happening::Parting)).expect("it always may");
    assert_eq!(commands, [Command::Hangup, Command::Stop]);
    assert!(link.is_closed());
}

#[test]
fn a_hub_that_ends_waits_for_calls_that_a_person_stopped() {
    let mut link = ready(false, true);
    assert_eq!(quiet(&mut link, 0, Happening::Dismissed)[0], Command::CancelCalls);
    assert_eq!(quiet(&mut link, 1, Happening::Parting), []);
    assert!(!link.is_closed());
    assert_eq!(quiet(&mut link, 2, Happening::Emptied), [Command::Hangup, Command::Stop]);
    assert!(link.is_closed());
}

#[test]
fn a_lazy_link_that_nobody_uses_goes_idle_and_stops_its_process() {
    let mut link = ready(true, false);
    let at = 300_000;
    let busy = link.step(&input(at, Demand::Busy, Happening::Tick));
    assert_eq!(busy, Ok(vec![Command::Wake(ms(2 * at))]));
    let used = link.step(&input(at, Demand::QuietSince(ms(1000)), Happening::Tick));
    assert_eq!(used, Ok(vec![Command::Wake(ms(1000 + at))]));
    assert_eq!(quiet(&mut link, at, Happening::Tick), [Command::Hangup, Command::Stop]);
    assert_eq!(link.state(), AgentState::Idle);
}

#[test]
fn a_held_link_is_never_released_for_being_idle() {
    let mut link = ready(true, true);
    assert_eq!(quiet(&mut link, u64::MAX, Happening::Tick), []);
    assert_eq!(link.state(), AgentState::Ready);
}

#[test]
fn a_hung_process_is_killed_and_one_whose_stream_broke_is_connected_again() {
    let mut hung = ready(true, true);
    let commands = quiet(&mut hung, 1, Happening::Broken(fault(FaultKind::Hung)));
    assert!(commands.contains(&Command::Kill), "{commands:?}");
    let mut broken = ready(true, true);
    let commands = quiet(&mut broken, 1, Happening::Broken(fault(FaultKind::Broken)));
    assert!(!commands.contains(&Command::Kill), "{commands:?}");
}

#[test]
fn a_process_that_exits_is_started_again_after_the_backoff() {
    let mut link = ready(true, true);
    let commands = quiet(&mut link, 1, Happening::Exited(fault(FaultKind::Exited)));
    assert_eq!(commands, [Command::CountFault, Command::Hangup, Command::Wake(ms(101))]);
    assert_eq!(quiet(&mut link, 101, Happening::Tick), [Command::Connect]);
}

#[test]
fn an_agent_that_goes_away_finishes_and_its_end_is_no_fault() {
    let mut link = ready(false, true);
    assert_eq!(quiet(&mut link, 1, Happening::Draining), []);
    assert_eq!(link.state(), AgentState::Draining);
    let commands = quiet(&mut link, 2, Happening::Broken(fault(FaultKind::Broken)));
    assert!(!commands.contains(&Command::CountFault), "{commands:?}");
    assert_eq!(link.state(), AgentState::BackingOff);
}

#[test]
fn a_dismissed_link_cancels_its_calls_and_ends_when_they_have_or_when_their_time_is_over() {
    for (at, last) in [(2, Happening::Emptied), (7001, Happening::Tick)] {
        let mut link = ready(true, true);
        let commands = quiet(&mut link, 1, Happening::Dismissed);
        assert_eq!(commands, [Command::CancelCalls, Command::Wake(ms(7001))]);
        assert_eq!(quiet(&mut link, at, last), [Command::Hangup, Command::Stop]);
        assert_eq!(link.state(), AgentState::Idle);
    }
}

#[test]
fn a_link_that_is_wanted_while_it_is_released_connects_afterwards() {
    let mut link = ready(false, false);
    quiet(&mut link, 1, Happening::Dismissed);
    waiting(&mut link, 2, Happening::Wanted);
    let commands = waiting(&mut link, 3, Happening::Emptied);
    assert_eq!(commands, [Command::Hangup, Command::Stop, Command::Connect]);
}

#[test]
fn a_link_of_a_hub_that_ends_wants_nothing_more() {
    let mut link = ready(false, true);
    quiet(&mut link, 1, Happening::Closing);
    waiting(&mut link, 2, Happening::Wanted);
    assert!(!link.is_closed());
    waiting(&mut link, 3, Happening::Emptied);
    assert!(link.is_closed());
    assert_eq!(waiting(&mut link, 4, Happening::Wanted), []);
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let mut link = link(false, true);
    for happening in [Happening::Connected, Happening::Health(true), Happening::Returned, Happening::Emptied]
    {
        let refused = link.step(&input(0, Demand::Busy, happening.clone())).expect_err("an idle link");
        assert_eq!(refused, Unexpected { state: AgentState::Idle, happening });
    }
    assert_eq!(link.state(), AgentState::Idle);
}

fn happenings() -> impl Strategy<Value = Happening> {
    let fault = prop_oneof![
        Just(FaultKind::Absent),
        Just(FaultKind::Refused),
        Just(FaultKind::Broken),
        Just(FaultKind::Hung),
        Just(FaultKind::Exited),
    ]
    .prop_map(fault)
    .boxed();
    prop_oneof![
        4 => Just(Happening::Wanted),
        1 => Just(Happening::Dismissed),
        4 => Just(Happening::Connected),
        3 => fault.clone().prop_map(Happening::Failed),
        2 => fault.clone().prop_map(Happening::Broken),
        1 => fault.prop_map(Happening::Exited),
        2 => any::<bool>().prop_map(Happening::Health),
        1 => Just(Happening::Draining),
        2 => Just(Happening::Returned),
        2 => Just(Happening::Emptied),
        6 => Just(Happening::Tick),
    ]
}

/// What the keeper holds, told from commands alone.
#[derive(Default)]
struct Held {
    attempt: bool,
    connection: bool,
    wake: Option<Timestamp>,
}

impl Held {
    fn obey(&mut self, commands: &[Command]) {
        for command in commands {
            match command {
                Command::Connect => self.attempt = true,
                Command::Hangup => (self.attempt, self.connection) = (false, false),
                Command::Wake(at) => self.wake = Some(*at),
                Command::CancelCalls
                | Command::Lookout
                | Command::Stop
                | Command::Kill
                | Command::CountFault => {}
            }
        }
    }

    fn hear(&mut self, happening: &Happening) {
        match happening {
            Happening::Connected => (self.attempt, self.connection) = (false, true),
            Happening::Failed(_) => self.attempt = false,
            Happening::Tick => self.wake = None,
            Happening::Broken(_)
            | Happening::Wanted
            | Happening::Dismissed
            | Happening::Closing
            | Happening::Parting
            | Happening::Exited(_)
            | Happening::Health(_)
            | Happening::Draining
            | Happening::Returned
            | Happening::Emptied => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn in_every_story_the_link_and_what_it_holds_agree_and_no_link_is_stranded(
        launched: bool, held: bool,
        story in proptest::collection::vec((0u64..20_000, 0.0f64..=1.0, 0u8..3, happenings()), 1..80),
    ) {
        let mut link = link(launched, held);
        let (mut now, mut hands, mut tried) = (0, Held::default(), None::<u64>);
        for (pause, chance, demand, happening) in story {
            now += pause;
            let demand = match demand {
                0 => Demand::Waiting,
                1 => Demand::Busy,
                _ => Demand::QuietSince(ms(now.saturating_sub(pause))),
            };
            let before = link.state();
            let input = Input { at: ms(now), chance, demand, happening: happening.clone() };
            let Ok(commands) = link.step(&input) else {
                prop_assert_eq!(link.state(), before, "a refused input changes nothing");
                continue;
            };
            hands.hear(&happening);
            hands.obey(&commands);

            // What the state promises is what the keeper holds.
            prop_assert_eq!(hands.attempt, link.state() == AgentState::Connecting, "{:?}", link);
            let stands = matches!(link.state(), AgentState::Ready | AgentState::Unhealthy | AgentState::Draining);
            prop_assert_eq!(hands.connection, stands, "{:?}", link);

            // Nothing waits for ever: a backoff and a release have their end.
            if let Phase::BackingOff { until, .. } | Phase::Releasing { until, .. } = link.phase {
                prop_assert_eq!(hands.wake, Some(until));
                prop_assert!(until <= ms(now).after(MAX));
            }
            if let (false, Phase::Ready { .. }) = (held, link.phase) {
                prop_assert!(hands.wake.is_some() || before != AgentState::Ready, "{:?}", link);
            }

            // Faults come from the transport alone.
            let is_fault = matches!(happening, Happening::Failed(_) | Happening::Broken(_) | Happening::Exited(_));
            prop_assert!(is_fault || !commands.contains(&Command::CountFault));

            // Attempts keep their distance, unless the agent returned or somebody let go in between.
            if commands.contains(&Command::Connect) {
                let is_backed_off = before == AgentState::BackingOff && happening != Happening::Returned;
                if let (true, Some(tried)) = (is_backed_off, tried) {
                    prop_assert!(now - tried >= 50, "{} after {}", now, tried);
                }
                tried = Some(now);
            }
        }
    }
}
