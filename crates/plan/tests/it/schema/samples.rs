//! A sound plan for each table of the schema, to which keys of that table can be added.

/// A table inside a plan.
pub(super) struct Sample {
    /// What the schema calls it.
    pub(super) table: &'static str,
    /// What stands before its keys.
    before: &'static str,
    /// Its keys, one a line.
    pub(super) keys: &'static str,
    /// What stands after them.
    after: &'static str,
}

impl Sample {
    const fn new(table: &'static str, before: &'static str, keys: &'static str, after: &'static str) -> Self {
        Self { table, before, keys, after }
    }

    /// The plan with these keys instead.
    pub(super) fn with(&self, keys: &str) -> String {
        let is_inline = self.after.starts_with(" }");
        let keys = if is_inline { keys.trim().replace('\n', ", ") } else { keys.to_owned() };
        format!("{}{keys}{}", self.before, self.after)
    }
}

/// Participants of a debate.
macro_rules! debate {
    ($rest:literal) => {
        concat!("[debates.p]\nparticipants = [{ id = 'x', agent = 'debater.argue' }, { id = 'y', agent = 'debater.argue' }]\n", $rest)
    };
}

pub(super) const SAMPLES: [Sample; 28] = [
    Sample::new(
        "Plans",
        "",
        "workstacks = { p = { phases = [{ id = 'a', tools = ['file_write'] }] } }\n",
        "",
    ),
    Sample::new(
        "Workstack",
        "[workstacks.p]\n",
        "phases = [{ id = 'a', tools = ['file_write'] }, { id = 'b', tools = ['file_write'] }]\n",
        "",
    ),
    Sample::new(
        "Input",
        "[workstacks.p]\nphases = [{ id = 'a', tools = ['file_write'] }]\n[workstacks.p.inputs.n]\n",
        "type = 'string'\n",
        "",
    ),
    Sample::new(
        "Schedule",
        "[workstacks.p]\nphases = [{ id = 'a', tools = ['file_write'] }]\n[workstacks.p.schedule]\n",
        "cron = '0 3 * * *'\n",
        "",
    ),
    Sample::new(
        "Concurrency",
        "[workstacks.p]\nphases = [{ id = 'a', tools = ['file_write'] }]\n[workstacks.p.concurrency]\n",
        "limit = 2\n",
        "",
    ),
    Sample::new(
        "Phase",
        "[[workstacks.p.phases]]\n",
        "id = 'a'\nagents = ['rust_pro.test', 'rust_pro.build']\n",
        "",
    ),
    Sample::new(
        "Repeat",
        "[[workstacks.p.phases]]\nid = 'a'\ntools = ['file_write']\nrepeat = { ",
        "while = 'steps.a.output == 1'\n",
        " }\n",
    ),
    Sample::new(
        "Retry",
        "[[workstacks.p.phases]]\nid = 'a'\ntools = ['file_write']\nretry = { ",
        "max = 2\n",
        " }\n",
    ),
    Sample::new(
        "Approval",
        "[[workstacks.p.phases]]\nid = 'a'\ntools = ['file_write']\napproval = { ",
        "message = 'Go on?'\ntimeout = '1h'\n",
        " }\n",
    ),
    Sample::new(
        "Undo",
        "[[workstacks.p.phases]]\nid = 'a'\ntools = ['file_write']\nrollback = [{ ",
        "tool = 'file_write'\n",
        " }]\n",
    ),
    Sample::new(
        "ToolCall",
        "[[workstacks.p.phases]]\nid = 'a'\ntools = [{ ",
        "tool = 'file_write'\n",
        " }]\n",
    ),
    Sample::new(
        "AgentCall",
        "[[workstacks.p.phases]]\nid = 'a'\nagents = [{ ",
        "agent = 'rust_pro.test'\n",
        " }]\n",
    ),
    Sample::new("Workflow", "[workflows.p]\n", "nodes = [{ id = 'a', type = 'rust_pro.test' }]\n", ""),
    Sample::new("WorkflowNode", "[[workflows.p.nodes]]\n", "id = 'a'\ntype = 'rust_pro.test'\n", ""),
    Sample::new(
        "Edge",
        "[workflows.p]\nnodes = [{ id = 'a', type = 'rust_pro.test' }, { id = 'b', type = 'file_write' }]\nedges = [{ ",
        "from = 'a'\nto = 'b.x'\n",
        " }]\n",
    ),
    Sample::new(
        "Machine",
        "[machines.p]\n",
        "steps = [{ id = 'a', role = 'reviewer', on_success = 'completed' }]\n",
        "",
    ),
    Sample::new(
        "MachineStep",
        "[[machines.p.steps]]\n",
        "id = 'a'\nrole = 'reviewer'\non_success = 'completed'\n",
        "",
    ),
    Sample::new(
        "MachineEnd",
        "[machines.p]\nsteps = [{ id = 'a', role = 'reviewer', on_success = 'z' }, { ",
        "id = 'z'\nterminal = 'completed'\n",
        " }]\n",
    ),
    Sample::new(
        "Way",
        "[[machines.p.steps]]\nid = 'a'\nrole = 'reviewer'\non_success = [{ ",
        "when = '1 == 1'\nto = 'completed'\n",
        " }, { to = 'failed' }]\n",
    ),
    Sample::new("Template", "[templates.p]\n", "steps = [{ name = 'Read Files' }]\n", ""),
    Sample::new(
        "TemplateStep",
        "[[templates.p.steps]]\n",
        "name = 'Read Files'\n",
        "[[templates.p.steps]]\nname = 'Write Files'\nparallel_group = 'zz'\n",
    ),
    Sample::new(
        "Condition",
        "[[templates.p.steps]]\nname = 'Read Files'\ncondition = { ",
        "field = 'context.input.x'\noperator = '=='\nvalue = 1\n",
        " }\n",
    ),
    Sample::new(
        "Debate",
        "[debates.p]\n",
        "participants = [{ id = 'x', agent = 'debater.argue' }, { id = 'y', agent = 'debater.argue' }]\n",
        "",
    ),
    Sample::new("DebateOption", debate!("options = [{ "), "name = 'a'\n", " }]\n"),
    Sample::new(
        "Participant",
        "[debates.p]\nparticipants = [{ id = 'x', agent = 'debater.argue' }, { ",
        "agent = 'debater.argue'\n",
        " }, { id = 'z', agent = 'debater.argue' }]\n",
    ),
    Sample::new("Rounds", debate!("rounds = { "), "max = 3\n", " }\n"),
    Sample::new(
        "DebateStep",
        debate!("steps = [{ "),
        "type = 'initial_arguments'\n",
        " }, { type = 'counter_arguments' }, { type = 'consensus_check' }, { type = 'final_decision' }]\n",
    ),
    Sample::new(
        "Cast",
        "[workstacks.p]\nphases = [{ id = 'a', tools = ['file_write'] }]\n[casts.c]\n",
        "parts = { a = 'reviewer' }\n",
        "",
    ),
];
