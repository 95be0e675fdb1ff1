//! `op-dbus doctor`: what is wrong with this set-up and how to mend it.

mod finding;
mod host;
mod programs;
mod service;

use std::collections::BTreeMap;

use clap::Args;
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::print;
use crate::render::text::hang;
use crate::seat::Context;
use crate::terminal::Terminal;
use finding::{Finding, Health};

const EXAMPLES: &str = "\
Examples:
  op-dbus doctor
  op-dbus doctor --config ./config --json

Exits with 1 when something is broken; what is merely missing is told and does not count.";

/// Tell what is wrong with this set-up and how to mend it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Doctor {}

impl Doctor {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let mut findings = Vec::new();
        let configuration = service::configuration(&ctx.globals, &mut findings);
        let mut plans = BTreeMap::new();
        if let Some(configuration) = &configuration {
            let loaded = configuration.plans();
            findings.push(service::plans(&loaded));
            plans = loaded.plans;
            findings.extend(host::state(&configuration.state()));
        }
        let socket =
            ctx.globals.socket.clone().or_else(|| configuration.map(|configuration| configuration.socket()));
        if let Some(socket) = socket {
            findings.extend(service::daemon(&socket, ctx.globals.socket.is_some()).await);
        }
        findings.push(host::sandbox());
        findings.extend(programs::look(&plans));
        show(&findings, &ctx.terminal)?;
        let is_broken = findings.iter().any(|finding| finding.health == Health::Broken);
        Ok(if is_broken { Exit::Broken } else { Exit::Done })
    }
}

fn show(findings: &[Finding], terminal: &Terminal) -> Result<(), Failure> {
    if terminal.json {
        return print::json(&findings.iter().map(Finding::json).collect::<Value>());
    }
    let mut text = String::new();
    for Finding { check, health, message, mend } in findings {
        let mark = health.tone().mark(terminal.paint);
        text += &hang(
            &format!("{mark} {} ", terminal.paint.bold(format!("{check:14}"))),
            message,
            terminal.width,
        );
        if let Some(mend) = mend {
            text += &hang(&format!("{:17}{} ", "", terminal.paint.cyan("mend:")), mend, terminal.width);
        }
    }
    print::text(&text)
}
