//! Which runs are meant, where it is not one by its id.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use jiff::Timestamp;
use op_proto::v1::{ListRequest, RunState};

use crate::render::state::{RUN_STATES, Told};
use crate::render::time;
use crate::words::pair;

/// What a run must be like. What stands more than once means any of it; labels mean all of them.
#[derive(Debug, Clone, Default, PartialEq, Args)]
#[command(next_help_heading = "Which runs")]
pub(crate) struct Filter {
    /// Only runs in this state; may stand more than once
    #[arg(long, value_name = "STATE", value_parser = states())]
    state: Vec<RunState>,
    /// Only runs of this plan
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,
    /// Only runs that this user started
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only runs with this label; may stand more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
    /// Only runs started since then: a time, or how long ago
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    since: Option<Timestamp>,
    /// Only runs started before then: a time, or how long ago
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    until: Option<Timestamp>,
    /// Only runs with this text in id, plan, labels or reason
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

fn states() -> impl clap::builder::TypedValueParser<Value = RunState> {
    let words = PossibleValuesParser::new(RUN_STATES.map(Told::word));
    words.map(|word| {
        let named = RUN_STATES.into_iter().find(|state| state.word() == word);
        named.expect("only words of states are possible")
    })
}

impl Filter {
    /// Whether it lets every run pass.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The filter for the daemon, with at most so many runs.
    pub(crate) fn request(self, limit: u32) -> ListRequest {
        ListRequest {
            states: self.state.into_iter().map(i32::from).collect(),
            plan: self.plan.unwrap_or_default(),
            limit,
            user: self.user.unwrap_or_default(),
            labels: self.label.into_iter().collect(),
            since: self.since.map(time::stamp),
            until: self.until.map(time::stamp),
            text: self.text.unwrap_or_default(),
            after: String::new(),
        }
    }
}
