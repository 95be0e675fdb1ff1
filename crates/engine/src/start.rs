//! From a request to a run: the plan is found, the inputs are checked, the cast is frozen.

use std::collections::BTreeMap;
use std::time::Duration;

use op_plan::input::InputError;
use op_plan::plan::{Action, Part};
use op_plan::{Catalogue, Performer, Plan};
use op_run::RunId;
use op_run::input::Start;
use rand::RngExt as _;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::names::{self, NameError};
use crate::ports::{AppendError, ReadError};

/// What somebody wants to run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StartRequest {
    /// Plan by id, or by `workstack_ID`.
    pub plan: String,
    /// Inputs by name.
    pub inputs: Map<String, Value>,
    /// Step or role to agent or `agent.operation`.
    pub cast: BTreeMap<String, String>,
    /// Who asks.
    pub user: String,
    /// Makes a repeat of the request return the same run.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// Replaces the plan's own limit on the whole run.
    pub timeout: Option<Duration>,
}

impl StartRequest {
    /// Tells two requests under one key apart.
    pub(crate) fn digest(&self) -> String {
        let text = serde_json::to_vec(self).expect("a request is plain data");
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A run that a request led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The run.
    pub run: RunId,
    /// Whether an earlier request with the same idempotency key had started it.
    pub existing: bool,
}

/// Why a request does not lead to a run. Nothing was started.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StartError {
    /// The plan does not exist.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The inputs do not fit the plan.
    #[error("the inputs do not fit plan `{plan}`: {}", list(errors))]
    Inputs {
        /// The plan.
        plan: String,
        /// Everything that is wrong.
        errors: Vec<InputError>,
    },
    /// The cast names a part that the plan does not have.
    #[error("plan `{plan}` has no step or role `{part}`{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Part {
        /// The plan.
        plan: String,
        /// The part.
        part: String,
        /// The nearest one it has.
        nearest: Option<String>,
    },
    /// The idempotency key was used for another request.
    #[error("the idempotency key `{key}` was used for another request, which started run {run}")]
    KeyReused {
        /// The key.
        key: String,
        /// The run that it started.
        run: RunId,
    },
    /// As many runs as allowed are under way.
    #[error("{0} runs are under way, as many as allowed; start again when one has ended")]
    TooMany(usize),
    /// The daemon goes down.
    #[error("the daemon is going down and starts no runs any more")]
    GoingDown,
    /// The start could not be put on disk.
    #[error("the run could not be started: {0}")]
    Append(#[from] AppendError),
    /// The journal could not be asked for the idempotency key.
    #[error("the run could not be started: {0}")]
    Read(#[from] ReadError),
}

fn list(errors: &[InputError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Checks the inputs and freezes the cast.
pub(crate) fn prepare(
    request: &StartRequest,
    plan: &Plan,
    catalogue: &Catalogue,
) -> Result<Start, StartError> {
    let inputs = plan
        .take(request.inputs.clone())
        .map_err(|errors| StartError::Inputs { plan: plan.id().to_owned(), errors })?;
    Ok(Start {
        cast: cast(request, plan, catalogue)?,
        inputs,
        user: request.user.clone(),
        labels: request.labels.clone(),
        timeout: request.timeout,
    })
}

/// Who performs each step: the request's word for the step, else for its role, else the plan's.
fn cast(request: &StartRequest, plan: &Plan, catalogue: &Catalogue) -> Result<Vec<Performer>, StartError> {
    check_parts(request, plan)?;
    let mut cast = Vec::with_capacity(plan.step_count());
    for step in (0..plan.step_count()).map(|at| plan.step(at)) {
        let Action::Call(call) = &step.action;
        let default = call.part.default_performer();
        let role = match &call.part {
            Part::Role { name, .. } => request.cast.get(name),
            Part::Performer(_) => None,
        };
        cast.push(match request.cast.get(&step.id).or(role) {
            None => default.clone(),
            Some(text) => names::operation(&read(text, default), catalogue)?,
        });
    }
    Ok(cast)
}

/// `agent.operation`, or an agent alone, which then performs the same operation.
fn read(text: &str, default: &Performer) -> Performer {
    match text.split_once('.') {
        Some((agent, operation)) => Performer::new(agent, operation),
        None => Performer::new(text, &default.operation),
    }
}

fn check_parts(request: &StartRequest, plan: &Plan) -> Result<(), StartError> {
    let parts: Vec<String> = (0..plan.step_count())
        .map(|at| plan.step(at))
        .flat_map(|step| {
            let Action::Call(call) = &step.action;
            let role = match &call.part {
                Part::Role { name, .. } => Some(name.clone()),
                Part::Performer(_) => None,
            };
            std::iter::once(step.id.clone()).chain(role)
        })
        .collect();
    match request.cast.keys().find(|part| !parts.contains(part)) {
        None => Ok(()),
        Some(part) => Err(StartError::Part {
            plan: plan.id().to_owned(),
            part: part.clone(),
            nearest: names::nearest(part, parts.iter()),
        }),
    }
}

/// A new name for a run: twelve random letters and digits without the ones that look alike, short enough to type a prefix of.
pub(crate) fn new_id() -> RunId {
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut random = rand::rng();
    RunId::new(
        (0..12).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect::<String>(),
    )
}
