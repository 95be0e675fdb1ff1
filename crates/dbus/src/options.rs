//! Tables of options: every key that is taken acts, and one that is not known is refused by its name.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use op_run::Timestamp;
use zbus::{OwnedVariant, Variant};

use crate::fault::Fault;

/// A table as it comes over the bus.
pub(crate) type Table = HashMap<String, OwnedVariant>;

/// Takes the options of one call.
#[derive(Debug)]
pub(crate) struct Options(Table);

impl Options {
    /// Takes a table that may hold these keys.
    pub(crate) fn new(table: Table, known: &[&str]) -> Result<Self, Fault> {
        match table.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(Self(table)),
            Some(key) if known.is_empty() => {
                Err(Fault::invalid(format!("option `{key}` is not known: this method takes none")))
            }
            Some(key) => {
                Err(Fault::invalid(format!("option `{key}` is not known; there is {}", known.join(", "))))
            }
        }
    }

    /// Refuses every key: for methods that take no options yet.
    pub(crate) fn none(table: Table) -> Result<(), Fault> {
        Self::new(table, &[]).map(drop)
    }

    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>, Fault> {
        self.take(key, "a string")
    }

    /// A text that is not empty.
    pub(crate) fn word(&mut self, key: &str) -> Result<Option<String>, Fault> {
        Ok(self.text(key)?.filter(|text| !text.is_empty()))
    }

    pub(crate) fn flag(&mut self, key: &str) -> Result<bool, Fault> {
        Ok(self.take(key, "a boolean")?.unwrap_or(false))
    }

    pub(crate) fn number(&mut self, key: &str) -> Result<Option<u32>, Fault> {
        self.take(key, "a number of type u")
    }

    /// The sequence of an event.
    pub(crate) fn sequence(&mut self, key: &str) -> Result<Option<u64>, Fault> {
        self.take(key, "a number of type t")
    }

    /// A span of microseconds, longer than nothing.
    pub(crate) fn span(&mut self, key: &str) -> Result<Option<Duration>, Fault> {
        match self.take::<u64>(key, "a number of type t")? {
            Some(0) => Err(Fault::invalid(format!("option `{key}` must be longer than nothing"))),
            span => Ok(span.map(Duration::from_micros)),
        }
    }

    /// An instant, in microseconds since 1970.
    pub(crate) fn instant(&mut self, key: &str) -> Result<Option<Timestamp>, Fault> {
        let micros: Option<u64> = self.take(key, "a number of type t")?;
        Ok(micros.map(|micros| Timestamp::from_millis(micros / 1000)))
    }

    pub(crate) fn words(&mut self, key: &str) -> Result<Vec<String>, Fault> {
        Ok(self.take(key, "an array of strings")?.unwrap_or_default())
    }

    pub(crate) fn map(&mut self, key: &str) -> Result<BTreeMap<String, String>, Fault> {
        let map: Option<HashMap<String, String>> = self.take(key, "a table of strings, a{ss}")?;
        Ok(map.unwrap_or_default().into_iter().collect())
    }

    fn take<T>(&mut self, key: &str, kind: &str) -> Result<Option<T>, Fault>
    where
        T: TryFrom<OwnedVariant>,
    {
        let Some(value) = self.0.remove(key) else { return Ok(None) };
        let given = Variant::from(value);
        let signature = given.value_signature().to_string();
        let wrong = || Fault::invalid(format!("option `{key}` must be {kind}, and is of type {signature}"));
        let value = OwnedVariant::try_from(given).map_err(|_| wrong())?;
        T::try_from(value).map(Some).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(key: &str, value: impl Into<Variant<'static>>) -> Table {
        let value = OwnedVariant::try_from(value.into()).expect("plain data");
        HashMap::from([(key.to_owned(), value)])
    }

    #[test]
    fn a_key_that_is_not_known_and_one_of_another_type_are_refused_by_name() {
        let unknown = Options::new(table("reson", "x"), &["reason", "rollback"]).expect_err("unknown");
        assert_eq!(unknown, Fault::invalid("option `reson` is not known; there is reason, rollback"));
        let mut options = Options::new(table("reason", 7_u32), &["reason"]).expect("known");
        let wrong = options.text("reason").expect_err("no string");
        assert_eq!(wrong, Fault::invalid("option `reason` must be a string, and is of type u"));
    }

    #[test]
    fn options_are_taken_in_their_types() {
        let mut options = Options::new(table("words", vec!["a", "b"]), &["words", "map"]).expect("known");
        assert_eq!(options.words("words").expect("words"), ["a", "b"]);
        assert!(options.map("map").expect("none given").is_empty());
        let map = HashMap::from([("a".to_owned(), "b".to_owned())]);
        let mut options = Options::new(table("map", map), &["map"]).expect("known");
        assert_eq!(options.map("map").expect("a map")["a"], "b");
    }
}
