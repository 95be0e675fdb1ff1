//! A review as a job: off the async threads, with progress, and stopped between files when its call is cancelled.

use std::path::Path;
use std::thread;

use op_agent::{Call, Failure};

use super::{LoadError, Repository, rust};
use crate::roots::Roots;

/// The call was cancelled; what was done so far is worth nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped;

/// How a pass over files learns that it should stop, and says how far it is.
pub(crate) struct Pace<'a> {
    stop: &'a (dyn Fn() -> bool + 'a),
    tell: &'a (dyn Fn(f64, &str) + 'a),
}

/// How often one pass tells its progress: a bar does not show more.
const TELLINGS: usize = 50;

impl<'a> Pace<'a> {
    /// A pace that asks `stop` and tells `tell`.
    pub(crate) fn new(stop: &'a (dyn Fn() -> bool + 'a), tell: &'a (dyn Fn(f64, &str) + 'a)) -> Self {
        Self { stop, tell }
    }

    /// Goes on to item `index` of `count`, or stops.
    pub(crate) fn step(&self, index: usize, count: usize, what: &str) -> Result<(), Stopped> {
        if (self.stop)() {
            return Err(Stopped);
        }
        if index.is_multiple_of(count / TELLINGS + 1) {
            (self.tell)(ratio(index, count), what);
        }
        Ok(())
    }

    /// A pace that nobody stops and nobody listens to.
    #[cfg(test)]
    pub(crate) fn free() -> Self {
        Self { stop: &|| false, tell: &|_, _| {} }
    }
}

/// `part` of `whole` as a number from 0 to 1; nothing of nothing is 0.
#[expect(clippy::cast_precision_loss, reason = "counts of files and lines are far below 2^52")]
pub(crate) fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Loads the repository at `path`, which must lie within `roots`, and does `work` on it.
pub(crate) async fn run<T: Send + 'static>(
    call: Call,
    roots: Roots,
    path: String,
    work: impl FnOnce(&Repository, &Pace<'_>) -> Result<T, Stopped> + Send + 'static,
) -> Result<T, Failure> {
    let path = roots.existing(Path::new(&path))?;
    call.stdout(format!("reading {}\n", path.display())).await;
    let job = move || {
        let repository = Repository::within(&path, &roots).map_err(|error| refused(&error))?;
        let (stop, tell) = (|| call.is_cancelled(), |part: f64, what: &str| call.progress(part, what));
        work(&repository, &Pace::new(&stop, &tell))
            .map_err(|Stopped| Failure::cancelled("the review was cancelled"))
    };
    match tokio::task::spawn_blocking(|| deep(rust::STACK, job)).await {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Failure::cancelled("the review was cancelled before it began")),
    }
}

/// Does `job` on a thread with a stack of `size` bytes: enough for the deepest tree that is parsed.
pub(crate) fn deep<T: Send>(size: usize, job: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("review".to_owned())
            .stack_size(size)
            .spawn_scoped(scope, job)
            .expect("a thread can be started where one was just started");
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn refused(error: &LoadError) -> Failure {
    match error {
        LoadError::NotDirectory(_) => Failure::rejected("not_a_directory", error.to_string())
            .hint("name the directory of the repository"),
        LoadError::Read { source, .. } => Failure::rejected("unreadable_path", format!("{error}: {source}")),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn progress_is_told_sparingly_and_in_order() {
        let told = RefCell::new(Vec::new());
        let tell = |part: f64, _: &str| told.borrow_mut().push(part);
        let pace = Pace::new(&|| false, &tell);
        for index in 0..1000 {
            pace.step(index, 1000, "x").unwrap();
        }
        let told = told.borrow();
        assert!(told.len() <= TELLINGS, "{} tellings", told.len());
        assert!(told.is_sorted() && told[0] < 0.01 && told[told.len() - 1] > 0.9);
    }

    #[test]
    fn a_stopped_pace_stops() {
        assert_eq!(Pace::new(&|| true, &|_, _| {}).step(0, 1, "x"), Err(Stopped));
    }

    #[test]
    fn a_job_has_its_answer_and_its_panic_handed_through() {
        assert_eq!(deep(rust::STACK, || 7), 7);
        assert!(std::panic::catch_unwind(|| deep(rust::STACK, || panic!("out"))).is_err());
    }
}
