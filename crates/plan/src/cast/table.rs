//! Who plays which step, said once for all steps that are played alike.

use std::collections::HashMap;
use std::ops::Index;
use std::ptr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Player;

/// Who plays each step, by position: first the one that does, then those that take over from it. Nobody means that the step
/// is skipped.
///
/// A plan of thousands of steps has few different players, each with the skills that it carries: steps that are played alike
/// share them, in memory and in the journal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cast(Vec<Arc<[Player]>>);

impl Cast {
    /// Number of steps.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no steps.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who plays a step; `None` when there is no such step.
    pub fn get(&self, step: usize) -> Option<&[Player]> {
        self.0.get(step).map(|players| &**players)
    }

    /// Who plays the steps, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = &[Player]> {
        self.0.iter().map(|players| &**players)
    }

    /// Has a step played by others; one that does not exist is let be.
    pub fn set(&mut self, step: usize, players: Vec<Player>) {
        if let Some(place) = self.0.get_mut(step) {
            *place = players.into();
        }
    }

    fn written(&self) -> Written<'_> {
        let mut places = HashMap::new();
        let mut written = Written { players: Vec::new(), steps: Vec::with_capacity(self.len()) };
        for players in &self.0 {
            let place = *places.entry(ptr::from_ref::<[Player]>(players)).or_insert_with(|| {
                written.players.push(players);
                written.players.len() - 1
            });
            written.steps.push(place);
        }
        written
    }
}

impl Index<usize> for Cast {
    type Output = [Player];

    fn index(&self, step: usize) -> &[Player] {
        &self.0[step]
    }
}

impl FromIterator<Vec<Player>> for Cast {
    fn from_iter<I: IntoIterator<Item = Vec<Player>>>(steps: I) -> Self {
        let mut known = HashMap::new();
        let share = |players: Vec<Player>| {
            let key = serde_json::to_string(&players).expect("players are plain data");
            Arc::clone(known.entry(key).or_insert_with(|| players.into()))
        };
        Self(steps.into_iter().map(share).collect())
    }
}

impl From<Vec<Vec<Player>>> for Cast {
    fn from(steps: Vec<Vec<Player>>) -> Self {
        steps.into_iter().collect()
    }
}

/// How a cast is written: the different ones, and which of them each step has.
#[derive(Serialize)]
struct Written<'c> {
    players: Vec<&'c Arc<[Player]>>,
    steps: Vec<usize>,
}

/// How casts are read: those of journals before skills stand there step by step.
#[derive(Deserialize)]
#[serde(untagged)]
enum Read {
    Shared { players: Vec<Arc<[Player]>>, steps: Vec<usize> },
    Each(Vec<Vec<Player>>),
}

impl Serialize for Cast {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Cast {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Read::deserialize(deserializer)? {
            Read::Each(steps) => Ok(steps.into()),
            Read::Shared { players, steps } => {
                let find = |step: usize| players.get(step).cloned();
                let found: Option<_> = steps.into_iter().map(find).collect();
                found
                    .map(Self)
                    .ok_or_else(|| D::Error::custom("a step has players that the cast does not list"))
            }
        }
    }
}
