//! What an operation declares about itself.

use op_proto::agent::v1::{Effects, OperationDescription, Risk};

/// The declaration of an operation: its name, what it touches, and what the hub may do with it.
#[derive(Debug, Clone)]
#[must_use]
pub struct Operation {
    described: OperationDescription,
}

impl Operation {
    /// An operation that only reads. After a lost connection the hub may have it performed again.
    pub fn read(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name.into(), about.into(), Effects::Read)
    }

    /// An operation that changes this host.
    pub fn write(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name.into(), about.into(), Effects::Write)
    }

    /// An operation that reaches beyond this host.
    pub fn external(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name.into(), about.into(), Effects::External)
    }

    fn new(name: String, description: String, effects: Effects) -> Self {
        let effects = effects.into();
        Self { described: OperationDescription { name, description, effects, ..Default::default() } }
    }

    /// Performing it twice with the same arguments equals performing it once.
    pub fn idempotent(mut self) -> Self {
        self.described.idempotent = true;
        self
    }

    /// What can go wrong at worst; without it, reads are low and all others medium. The hub performs what is critical only after
    /// a person approved of it.
    pub fn risk(mut self, risk: Risk) -> Self {
        self.described.risk = risk.into();
        self
    }

    /// It sends output while it works.
    pub fn streaming(mut self) -> Self {
        self.described.streaming = true;
        self
    }

    /// Names the operation of the same agent that undoes it; serving checks that there is one.
    pub fn undo(mut self, operation: impl Into<String>) -> Self {
        self.described.undo = operation.into();
        self
    }

    /// It cannot work in this set-up; `why` names the setting that would change it. Each call fails with
    /// `not_configured` and this reason, and the handler is not called.
    pub fn unavailable(mut self, why: impl Into<String>) -> Self {
        self.described.unavailable = why.into();
        self
    }

    /// The description on the wire, with the schemas of arguments and value.
    pub(crate) fn describe(self, input_schema: String, output_schema: String) -> OperationDescription {
        OperationDescription { input_schema, output_schema, ..self.described }
    }
}
