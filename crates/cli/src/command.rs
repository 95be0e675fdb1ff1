//! One module for each command: what it takes, and what it does.

pub(crate) mod agent;
pub(crate) mod agents;
pub(crate) mod answer;
pub(crate) mod approve;
pub(crate) mod call;
pub(crate) mod cancel;
pub(crate) mod casts;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod filter;
pub(crate) mod graph;
pub(crate) mod install;
pub(crate) mod logs;
pub(crate) mod ls;
pub(crate) mod man;
pub(crate) mod output;
pub(crate) mod pause;
pub(crate) mod plans;
pub(crate) mod recast;
pub(crate) mod reject;
pub(crate) mod reload;
pub(crate) mod resolve;
pub(crate) mod resume;
pub(crate) mod retry;
pub(crate) mod rollback;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod schedules;
pub(crate) mod serve;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod show;
pub(crate) mod signal;
pub(crate) mod skills;
pub(crate) mod steer;
pub(crate) mod suggest;
pub(crate) mod tools;
pub(crate) mod watch;

use std::time::Duration;

use clap::Subcommand;
use op_proto::v1::{GetRequest, Run};
use tokio::runtime;

use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::options::Globals;
use crate::print;
use crate::seat::Context;
use crate::terminal::Terminal;

/// How long blocking work may go on once a command is done.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(Box<run::Run>),
    Watch(watch::Watch),
    Ls(ls::Ls),
    Show(show::Show),
    Explain(explain::Explain),
    Logs(logs::Logs),
    Output(output::Output),
    Compare(compare::Compare),
    Pause(pause::Pause),
    Resume(resume::Resume),
    Cancel(cancel::Cancel),
    Rollback(rollback::Rollback),
    Retry(retry::Retry),
    Signal(signal::Signal),
    Approve(approve::Approve),
    Reject(reject::Reject),
    Resolve(resolve::Resolve),
    Recast(recast::Recast),
    Check(check::Check),
    Graph(graph::Graph),
    Plans(plans::Plans),
    Casts(casts::Casts),
    Schedules(schedules::Schedules),
    Schedule(schedule::Schedule),
    Suggest(suggest::Suggest),
    Agents(agents::Agents),
    Tools(tools::Tools),
    Skills(skills::Skills),
    Call(Box<call::Call>),
    Session(session::Session),
    Sessions(sessions::Sessions),
    Events(events::Events),
    Serve(serve::Serve),
    Reload(reload::Reload),
    Agent(Box<agent::Agent>),
    Doctor(doctor::Doctor),
    Install(install::Install),
    Uninstall(install::Uninstall),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Does what the command line says, and tells its failure. `grammar` is the whole command line, for those who complete or describe it.
pub(crate) fn start(globals: Globals, command: Command, grammar: fn() -> clap::Command) -> Exit {
    let ctx = Context { terminal: Terminal::look(&globals), globals };
    dispatch(command, grammar, &ctx).unwrap_or_else(|failure| {
        print::aside(&failure.render(ctx.terminal.aside));
        failure.exit()
    })
}

fn dispatch(command: Command, grammar: fn() -> clap::Command, ctx: &Context) -> Result<Exit, Failure> {
    match command {
        // Confines itself before there is a second thread.
        Command::Agent(agent) => agent.run(ctx),
        Command::Check(check) => check.run(ctx),
        Command::Install(install) => install.run(),
        Command::Uninstall(uninstall) => uninstall.run(),
        Command::Completions(completions) => completions.run(&mut grammar()),
        Command::Man(man) => man.run(grammar()),
        Command::Run(run) => block_on(run.run(ctx)),
        Command::Watch(watch) => block_on(watch.run(ctx)),
        Command::Ls(ls) => block_on(ls.run(ctx)),
        Command::Show(show) => block_on(show.run(ctx)),
        Command::Explain(explain) => block_on(explain.run(ctx)),
        Command::Compare(compare) => block_on(compare.run(ctx)),
        Command::Casts(casts) => block_on(casts.run(ctx)),
        Command::Schedules(schedules) => block_on(schedules.run(ctx)),
        Command::Schedule(schedule) => block_on(schedule.run(ctx)),
        Command::Suggest(suggest) => block_on(suggest.run(ctx)),
        Command::Logs(logs) => block_on(logs.run(ctx)),
        Command::Output(output) => block_on(output.run(ctx)),
        Command::Pause(pause) => block_on(pause.run(ctx)),
        Command::Resume(resume) => block_on(resume.run(ctx)),
        Command::Cancel(cancel) => block_on(cancel.run(ctx)),
        Command::Rollback(rollback) => block_on(rollback.run(ctx)),
        Command::Retry(retry) => block_on(retry.run(ctx)),
        Command::Signal(signal) => block_on(signal.run(ctx)),
        Command::Approve(approve) => block_on(approve.run(ctx)),
        Command::Reject(reject) => block_on(reject.run(ctx)),
        Command::Resolve(resolve) => block_on(resolve.run(ctx)),
        Command::Recast(recast) => block_on(recast.run(ctx)),
        Command::Graph(graph) => block_on(graph.run(ctx)),
        Command::Plans(plans) => block_on(plans.run(ctx)),
        Command::Agents(agents) => block_on(agents.run(ctx)),
        Command::Tools(tools) => block_on(tools.run(ctx)),
        Command::Skills(skills) => block_on(skills.run(ctx)),
        Command::Call(call) => block_on(call.run(ctx)),
        Command::Session(session) => block_on(session.run(ctx)),
        Command::Sessions(sessions) => block_on(sessions.run(ctx)),
        Command::Events(events) => block_on(events.run(ctx)),
        Command::Reload(reload) => block_on(reload.run(ctx)),
        Command::Serve(serve) => block_on(serve.run(ctx)),
        Command::Doctor(doctor) => block_on(doctor.run(ctx)),
    }
}

/// Runs a command on a runtime of its own.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    drive(runtime::Builder::new_multi_thread(), work)
}

/// Runs a command on this thread, beside the threads of what blocks. What only passes frames on is faster so: no frame wakes
/// another thread.
fn block_on_one<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    drive(runtime::Builder::new_current_thread(), work)
}

fn drive<T>(
    mut runtime: runtime::Builder,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = runtime.enable_all().build();
    let runtime = runtime.map_err(|error| Failure::broken("cannot start the runtime").because(&error))?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(LEFTOVERS);
    result
}

/// A run as it stands.
async fn fetch(client: &Client, run: &str) -> Result<Run, Failure> {
    let answer = client.runs().get(GetRequest { run: run.to_owned() }).await?;
    answer.into_inner().run.ok_or_else(|| Failure::broken(format!("the daemon told nothing of run {run}")))
}
