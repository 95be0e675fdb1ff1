//! What people read. Everything in here turns values into text and prints nothing.

pub(crate) mod arguments;
pub(crate) mod drawing;
pub(crate) mod ending;
pub(crate) mod gate;
pub(crate) mod kept;
pub(crate) mod preview;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod side;
pub(crate) mod state;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod value;
