//! `org.opdbus.Orchestrator1.Plan`.

use std::sync::Arc;

use op_plan::Plan;
use op_plan::drawing::{self, Style};
use zbus::message::Header;
use zbus::{Connection, OwnedObjectPath, interface};

use super::start;
use crate::fault::Fault;
use crate::house::Lobby;
use crate::options::Table;
use crate::value::MAX;

/// Columns of a drawing in boxes.
const WIDTH: usize = 100;

/// A plan on the bus.
pub(crate) struct PlanObject {
    lobby: Arc<Lobby>,
    plan: Arc<Plan>,
}

impl PlanObject {
    pub(crate) fn new(lobby: &Arc<Lobby>, plan: &Arc<Plan>) -> Self {
        Self { lobby: Arc::clone(lobby), plan: Arc::clone(plan) }
    }
}

/// A plan that can be run. Its path is the root of the daemon, `plan`, and its id; a byte of the id that is no letter, digit or
/// underscore is written as an underscore and two hexadecimal digits. Another version of a plan is another object at the same
/// path: `InterfacesRemoved` and `InterfacesAdded` tell of it.
#[interface(name = "org.opdbus.Orchestrator1.Plan")]
impl PlanObject {
    /// Starts a run of the plan; as `StartRun` of the manager does.
    #[zbus(out_args("run"))]
    async fn start(
        &self,
        params: Table,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath, Fault> {
        let guest = self.lobby.guests.enter(&header, connection).await?;
        start::start(&self.lobby, &guest, &self.plan, params, options).await
    }

    /// The plan as a drawing: mermaid, dot, svg or boxes. One of more than 256 KiB is refused: draw it over gRPC.
    #[zbus(out_args("drawing"))]
    async fn draw(
        &self,
        format: String,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<String, Fault> {
        let _guest = self.lobby.guests.enter(&header, connection).await?;
        let draw: fn(&Plan) -> String = match format.as_str() {
            "mermaid" => |plan| drawing::mermaid(plan, &[]),
            "dot" => |plan| drawing::dot(plan, &[]),
            "svg" => |plan| drawing::svg(plan, &[]),
            "boxes" => |plan| drawing::boxes(plan, Style { width: WIDTH, ascii: false }, &[]),
            other => {
                let message = format!("format `{other}` is not known; there is mermaid, dot, svg, boxes");
                return Err(Fault::invalid(message));
            }
        };
        let plan = Arc::clone(&self.plan);
        let drawn = tokio::task::spawn_blocking(move || draw(&plan)).await;
        let drawn = drawn.map_err(|_| Fault::internal("the drawing broke off"))?;
        if drawn.len() > MAX {
            let message = format!("the drawing has {} bytes, more than {MAX}", drawn.len());
            return Err(Fault::exceeded(format!("{message}: draw it over gRPC (opdbus.v1.Plans, Draw)")));
        }
        Ok(drawn)
    }

    /// Id of the plan.
    #[zbus(property(emits_changed_signal = "const"))]
    fn id(&self) -> String {
        self.plan.id().to_owned()
    }

    /// How it was written: workstack, workflow, machine, template or debate.
    #[zbus(property(emits_changed_signal = "const"))]
    fn shape(&self) -> String {
        self.plan.draft().shape.word().to_owned()
    }

    /// What it does, in one sentence.
    #[zbus(property(emits_changed_signal = "const"))]
    fn description(&self) -> String {
        self.plan.draft().about.description.clone()
    }

    /// Digest of the plan: two plans with the same one are the same.
    #[zbus(property(emits_changed_signal = "const"))]
    fn digest(&self) -> String {
        self.plan.digest().to_owned()
    }

    /// What a run of it takes: name, type, whether it must be given, and what it means.
    #[zbus(property(emits_changed_signal = "const"))]
    fn inputs(&self) -> Vec<(String, String, bool, String)> {
        let inputs = self.plan.draft().inputs.iter();
        let line = |(name, input): (&String, &op_plan::Input)| {
            (name.clone(), input.kind.word().to_owned(), input.required, input.description.clone())
        };
        inputs.map(line).collect()
    }
}
