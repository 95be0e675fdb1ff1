//! What an expression may cost. Comprehensions multiply the lengths of lists that nobody knows before the run, so each of them
//! says what it is about to go over and how much it does for each item; inside of one, so does each value that is asked for,
//! since it may be copied. An expression without comprehensions looks at each value once, and is not counted.

mod meter;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cel::common::types::{CelBytes, CelInt, CelList, CelMap, CelString};
use cel::common::value::{CowVal, Val};
use cel::{Context, ExecutionError, FunctionContext};

pub(super) use meter::meter;

/// Most steps of one evaluation: nodes of a loop's body for each item, and values that are looked at. It is about a second's
/// work, and some hundred megabytes when all of it is kept.
pub(in crate::expression) const MOST: u64 = 5_000_000;

/// Bytes of text that are one step to copy or to compare.
const TEXT: usize = 64;

/// The function that counts: its argument, and how much is done for each item of it. Nobody can write its name.
const COUNT: &str = "@count";

type Counter = Box<
    dyn for<'c, 'v> Fn(&mut FunctionContext<'c, 'v>) -> Result<CowVal<'c, 'v>, ExecutionError> + Send + Sync,
>;

/// What is left for one evaluation.
pub(super) struct Budget(Arc<AtomicU64>);

impl Budget {
    /// A full one, upon which the calls draw that [`meter`] wrote.
    pub(super) fn of(context: &mut Context<'_, '_>) -> Self {
        let left = Arc::new(AtomicU64::new(MOST));
        let drawn = Arc::clone(&left);
        let counter: Counter = Box::new(move |call| count(&drawn, call));
        context.add_function(COUNT, counter).expect("nothing else has its name");
        Self(left)
    }

    /// Whether more was wanted than there was. An expression can hide the failure of the call that wanted it, as `||` does.
    pub(super) fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// Takes what a value costs from what is left, and hands it on.
fn count<'c, 'v>(
    left: &AtomicU64,
    call: &mut FunctionContext<'c, 'v>,
) -> Result<CowVal<'c, 'v>, ExecutionError> {
    let before = left.load(Ordering::Relaxed);
    let mut arguments = call.args.drain(..);
    let Some(value) = arguments.next() else { return Err(ExecutionError::function_error(COUNT, "no value")) };
    let body = arguments.next().and_then(|body| body.downcast_ref::<CelInt>().map(|body| *body.inner()));
    let loops =
        value.as_sizer().map_or(0, |sizer| sizer.size().into_inner()).saturating_mul(body.unwrap_or(0));
    let wanted = weight(value.as_ref(), before).saturating_add(loops.unsigned_abs());
    let after = before.saturating_sub(wanted);
    left.store(after, Ordering::Relaxed);
    if after == 0 { Err(ExecutionError::function_error(COUNT, "the budget is spent")) } else { Ok(value) }
}

/// How much it is to look at all of a value, or a bit more than `most` when it is more.
fn weight(value: &dyn Val, most: u64) -> u64 {
    let text = |bytes: usize| (bytes / TEXT) as u64;
    let inside = if let Some(list) = value.downcast_ref::<CelList>() {
        sum(list.iter().map(AsRef::as_ref), most)
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        sum(map.iter().flat_map(|(key, value)| [key.inner(), value.as_ref()]), most)
    } else if let Some(string) = value.downcast_ref::<CelString>() {
        text(string.inner().len())
    } else {
        value.downcast_ref::<CelBytes>().map_or(0, |bytes| text(bytes.inner().len()))
    };
    inside + 1
}

fn sum<'b, 'v: 'b>(values: impl Iterator<Item = &'b (dyn Val + 'v)>, most: u64) -> u64 {
    let mut sum = 0;
    for value in values {
        if sum > most {
            break;
        }
        sum += weight(value, most - sum);
    }
    sum
}
