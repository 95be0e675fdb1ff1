//! From a request to a run: the plan is found, the inputs are checked, the cast is frozen.

use std::collections::BTreeMap;
use std::time::Duration;

use op_plan::cast::{self, Assigned, CastError};
use op_plan::input::{InputError, Inputs};
use op_plan::{Casting, Catalogue, Performer, Plan, Reference, Scope};
use op_run::RunId;
use op_run::input::Start;
use rand::RngExt as _;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::library::Library;
use crate::names::{self, NameError};
use crate::ports::{AppendError, ReadError};
use crate::session::{self, SessionError};

/// What somebody wants to run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StartRequest {
    /// Plan by id, or by `workstack_ID`.
    pub plan: String,
    /// Inputs by name.
    pub inputs: Map<String, Value>,
    /// Step or role to role, agent or `agent.operation`; `none` where nobody is to play it.
    pub cast: BTreeMap<String, String>,
    /// Casts by name, for what `cast` does not say; the first ones first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub casts: Vec<String>,
    /// Who asks.
    pub user: String,
    /// Makes a repeat of the request return the same run.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// Replaces the plan's own limit on the whole run.
    pub timeout: Option<Duration>,
    /// The session that the run is part of; it is one of its own otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

impl StartRequest {
    /// The session that the run will carry; who labels a run so names one too.
    pub(crate) fn session(&self) -> Option<&str> {
        self.session.as_ref().or_else(|| self.labels.get(session::LABEL)).map(String::as_str)
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        labels.extend(self.session.clone().map(|session| (session::LABEL.to_owned(), session)));
        labels
    }

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
    /// No cast has this name.
    #[error("no cast is called `{name}`{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    CastUnknown {
        /// The name.
        name: String,
        /// The nearest one.
        nearest: Option<String>,
    },
    /// The cast is for another plan, or assigns nothing that the plan has.
    #[error("cast `{cast}` does not fit plan `{plan}`: {reason}")]
    CastUnfit {
        /// The cast.
        cast: String,
        /// The plan.
        plan: String,
        /// Why.
        reason: String,
    },
    /// A step is played by nobody, or by a role that does not say what to do.
    #[error("plan `{plan}` cannot be cast: {reason}")]
    Uncast {
        /// The plan.
        plan: String,
        /// Why, in one sentence.
        reason: String,
    },
    /// The key under which runs of the plan count together cannot be told.
    #[error("the concurrency key of plan `{plan}` cannot be told: {reason}")]
    Key {
        /// The plan.
        plan: String,
        /// Why, in one sentence.
        reason: String,
    },
    /// Runs with the same concurrency key are under way, and the plan says not to start another one.
    #[error(
        "run {run} is under way under the same key `{key}`, and plan `{plan}` starts no other one meanwhile"
    )]
    Busy {
        /// The plan.
        plan: String,
        /// The key.
        key: String,
        /// The run that is under way.
        run: RunId,
    },
    /// The idempotency key was used for another request.
    #[error("the idempotency key `{key}` was used for another request, which started run {run}")]
    KeyReused {
        /// The key.
        key: String,
        /// The run that it started.
        run: RunId,
    },
    /// The label tells what only the hub knows.
    #[error("the label `{0}` is the hub's own: it stands on runs that a step of another run started")]
    Label(&'static str),
    /// As many runs as allowed are under way.
    #[error("{0} runs are under way, as many as allowed; start again when one has ended")]
    TooMany(usize),
    /// Somebody asked the daemon to take no new runs.
    #[error("the daemon is being drained and starts no new runs")]
    Draining,
    /// The daemon goes down.
    #[error("the daemon is going down and starts no runs any more")]
    GoingDown,
    /// The session is not one of who asks.
    #[error(transparent)]
    Session(#[from] SessionError),
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
    library: &Library,
    catalogue: &Catalogue,
) -> Result<Start, StartError> {
    let inputs = plan
        .take(request.inputs.clone())
        .map_err(|errors| StartError::Inputs { plan: plan.id().to_owned(), errors })?;
    let Assigned { cast, fallbacks } = assigned(request, plan, library, catalogue)?;
    Ok(Start {
        cast,
        fallbacks,
        concurrency: key(plan, &inputs)?,
        inputs,
        user: request.user.clone(),
        labels: request.labels(),
        timeout: request.timeout,
        queued: false,
    })
}

/// Who plays each step: by the request's own words, by the casts it names, by the plan.
fn assigned(
    request: &StartRequest,
    plan: &Plan,
    library: &Library,
    catalogue: &Catalogue,
) -> Result<Assigned, StartError> {
    check_parts(&request.cast, plan)?;
    let mut words = vec![&request.cast];
    for name in &request.casts {
        words.push(&named(name, plan, library)?.parts);
    }
    let check = |performer: &Performer| names::operation(performer, catalogue).map(drop);
    cast::assign(plan, catalogue, &words, check).map_err(|error| uncast(plan, error))
}

pub(crate) fn uncast(plan: &Plan, error: CastError<NameError>) -> StartError {
    match error {
        CastError::Performer(error) => StartError::Name(error),
        CastError::Part { .. }
        | CastError::Nobody { .. }
        | CastError::Operation { .. }
        | CastError::Agent { .. }
        | CastError::Unknown { .. } => {
            StartError::Uncast { plan: plan.id().to_owned(), reason: error.to_string() }
        }
    }
}

fn named<'l>(name: &str, plan: &Plan, library: &'l Library) -> Result<&'l Casting, StartError> {
    let Some(casting) = library.casts.get(name) else {
        let nearest = names::nearest(name, library.casts.keys());
        return Err(StartError::CastUnknown { name: name.to_owned(), nearest });
    };
    let unfit =
        |reason| Err(StartError::CastUnfit { cast: name.to_owned(), plan: plan.id().to_owned(), reason });
    if let Some(other) = casting.plan.as_deref().filter(|other| *other != plan.id()) {
        return unfit(format!("it is for plan `{other}`"));
    }
    let known = cast::parts(plan);
    if casting.parts.keys().any(|part| cast::has(&known, part)) {
        Ok(casting)
    } else {
        unfit("it assigns no step and no role of it".to_owned())
    }
}

pub(crate) fn check_parts(words: &BTreeMap<String, String>, plan: &Plan) -> Result<(), StartError> {
    match cast::unknown(plan, words) {
        None => Ok(()),
        Some(part) => Err(StartError::Part {
            plan: plan.id().to_owned(),
            part: part.clone(),
            nearest: names::nearest(part, cast::parts(plan).iter()),
        }),
    }
}

/// The key under which a run counts, made of its inputs.
fn key(plan: &Plan, inputs: &Inputs) -> Result<Option<String>, StartError> {
    let Some(concurrency) = &plan.draft().concurrency else { return Ok(None) };
    match concurrency.key.resolve(&Given(inputs)) {
        Ok(Value::String(key)) => Ok(Some(format!("{}:{key}", plan.id()))),
        Ok(other) => Ok(Some(format!("{}:{other}", plan.id()))),
        Err(error) => Err(StartError::Key { plan: plan.id().to_owned(), reason: error.to_string() }),
    }
}

/// What a run was given, before it is one.
pub(crate) struct Given<'a>(pub(crate) &'a Inputs);

impl Scope for Given<'_> {
    fn value(&self, reference: &Reference) -> Option<Value> {
        match reference {
            Reference::Variable(name) | Reference::Input(name) => self.0.get(name).cloned(),
            _ => None,
        }
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
