//! Looks for the players of each step.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{CastError, Fallback, GENERAL, NOBODY, Player, names, played};
use crate::catalogue::{Catalogue, Performer};
use crate::diagnostic::nearest;
use crate::plan::{Part, Plan};
use crate::skill::{ARGUMENT, Carried};

/// What players are looked for with.
pub(super) struct Stage<'a, C> {
    plan: &'a Plan,
    catalogue: &'a Catalogue,
    words: &'a [&'a BTreeMap<String, String>],
    check: C,
    pub(super) fallbacks: Vec<Fallback>,
}

impl<'a, E, C: Fn(&Performer) -> Result<(), E>> Stage<'a, C> {
    pub(super) fn new(
        plan: &'a Plan,
        catalogue: &'a Catalogue,
        words: &'a [&'a BTreeMap<String, String>],
        check: C,
    ) -> Self {
        Self { plan, catalogue, words, check, fallbacks: Vec::new() }
    }

    /// Who plays a step, and who takes over. A step that somebody took the player from has none at all: those that take over
    /// stand in for one who failed.
    pub(super) fn players(&mut self, at: usize) -> Result<Vec<Player>, CastError<E>> {
        let mut players = Vec::new();
        for (place, part) in played(self.plan.step(at)).enumerate() {
            let word = self.word(at, part, place == 0);
            if place == 0 && word == Some(NOBODY) {
                return Ok(players);
            }
            players.extend(self.player(at, part, word)?);
        }
        Ok(players)
    }

    /// What the assignments say of a part: of the step first, then of the role.
    fn word(&self, at: usize, part: &Part, is_first: bool) -> Option<&'a str> {
        let names = if is_first { names(self.plan, at) } else { Vec::new() };
        let found = self.words.iter().find_map(|words| {
            let of_step = names.iter().find_map(|name| words.get(name));
            let of_role = || part.roles().find_map(|role| find(words, role));
            of_step.or_else(of_role)
        });
        found.map(String::as_str)
    }

    fn player(&mut self, at: usize, part: &Part, word: Option<&str>) -> Result<Option<Player>, CastError<E>> {
        let usual = part.default_performer();
        let (role, plays) = (part.roles().next(), part.roles().last());
        let player = match (word, usual) {
            (Some(NOBODY), _) => return Ok(None),
            (Some(word), _) if self.catalogue.role(word).is_some() => self.by_role(at, word, usual)?,
            (Some(word), _) => self.told(at, self.by_word(at, word, usual)?, role, plays),
            (None, Some(usual)) => self.told(at, usual.clone(), role, plays),
            (None, None) if role.is_some() => return Ok(None),
            (None, None) => self.by_fallback(at)?,
        };
        (self.check)(&player.performer).map_err(CastError::Performer)?;
        Ok(Some(player))
    }

    /// `agent.operation`, or an agent alone, which then performs the operation that was to be performed.
    fn by_word(&self, at: usize, word: &str, usual: Option<&Performer>) -> Result<Performer, CastError<E>> {
        if let Some((agent, operation)) = word.split_once('.') {
            return Ok(Performer::new(agent, operation));
        }
        let step = self.title(at);
        if !self.catalogue.agents.contains_key(word) {
            let roles = self.catalogue.roles.keys();
            let known = roles.chain(self.catalogue.agents.keys()).map(String::as_str);
            let nearest = nearest(word, known).map(str::to_owned);
            return Err(CastError::Unknown { step, word: word.to_owned(), nearest });
        }
        match usual {
            Some(usual) => Ok(Performer::new(word, &usual.operation)),
            None => Err(CastError::Agent { step, agent: word.to_owned() }),
        }
    }

    /// A role is played by its performer; one that names an agent alone performs the operation that was to be performed.
    fn by_role(&self, at: usize, word: &str, usual: Option<&Performer>) -> Result<Player, CastError<E>> {
        let Some((name, role)) = self.catalogue.role(word) else {
            return Err(CastError::Part { part: word.to_owned() });
        };
        let mut performer = match self.said_of(name) {
            Some(said) => self.by_word(at, said, Some(&role.performer))?,
            None => role.performer.clone(),
        };
        if performer.operation.is_empty() {
            let Some(usual) = usual else {
                let (step, role) = (self.title(at), name.to_owned());
                return Err(CastError::Operation { step, role, agent: performer.agent });
            };
            performer.operation.clone_from(&usual.operation);
        }
        Ok(self.told(at, performer, Some(name), Some(name)))
    }

    /// Who else is to play a role wherever it is played: one cast may say by which role a step is played, and another one by whom
    /// that role is.
    fn said_of(&self, role: &str) -> Option<&'a str> {
        let said = self.words.iter().find_map(|words| find(words, role)).map(String::as_str);
        said.filter(|word| *word != NOBODY && self.catalogue.role(word).is_none())
    }

    /// The plan's default, `general_worker`, the first role that is declared: in this order.
    fn by_fallback(&mut self, at: usize) -> Result<Player, CastError<E>> {
        let own = self.plan.draft().default_role.as_deref();
        let own = own.and_then(|role| self.catalogue.role(role)).map(|(role, _)| role);
        let general = Some(GENERAL).filter(|role| self.catalogue.roles.contains_key(*role));
        let first = self.catalogue.roles.keys().next().map(String::as_str);
        let (role, why) = match (own, general, first) {
            (Some(role), _, _) => (role, "the default of the plan"),
            (None, Some(role), _) => (role, "which plays what nobody is cast for"),
            (None, None, Some(role)) => (role, "the first role that is declared"),
            (None, None, None) => return Err(CastError::Nobody { step: self.title(at) }),
        };
        let message = format!("nobody is cast for `{}`: it is played by `{role}`, {why}", self.title(at));
        let player = self.by_role(at, role, None)?;
        self.fallbacks.push(Fallback { step: self.plan.step(at).id.clone(), message });
        Ok(player)
    }

    /// What people call a step, and cast it by.
    fn title(&self, at: usize) -> String {
        names(self.plan, at).pop().expect("a step has its id")
    }

    /// Operations that take an argument `role` or `task` are told. Who is called `role` in the plan may play one of another name.
    fn told(&self, at: usize, performer: Performer, role: Option<&str>, plays: Option<&str>) -> Player {
        let input = self.catalogue.operation(&performer).map(|operation| &operation.input);
        let asks = |name: &str| input.is_some_and(|input| input["properties"].get(name).is_some());
        let mut told = Map::new();
        if let (Some(plays), true) = (plays, asks("role")) {
            told.insert("role".to_owned(), self.brief(plays));
        }
        if asks("task") {
            let phase = &self.plan.phases()[self.plan.phase_of(at)];
            let task = serde_json::json!({ "name": phase.name, "description": phase.description });
            told.insert("task".to_owned(), task);
        }
        let skills = self.skills(at, &performer);
        Player { performer, role: role.map(str::to_owned), told, skills }
    }

    /// What a player carries. Of an operation that is not known, it is taken that it has paths and takes no text.
    fn skills(&self, at: usize, performer: &Performer) -> Vec<Carried> {
        let input = self.catalogue.operation(performer).map(|operation| &operation.input);
        let takes = |name: &str| match input {
            Some(input) => input["properties"].get(name).is_some(),
            None => name != ARGUMENT,
        };
        self.catalogue.skills.carried(performer, &self.plan.step(at).skills, takes)
    }

    fn brief(&self, name: &str) -> Value {
        let brief = self.catalogue.role(name).map(|(_, role)| role.brief.clone()).unwrap_or_default();
        let mut value = serde_json::to_value(brief).expect("a brief is plain data");
        value["name"] = name.into();
        value
    }
}

fn find<'w>(words: &'w BTreeMap<String, String>, role: &str) -> Option<&'w String> {
    words.get(role).or_else(|| words.get(&format!("role_{role}")))
}
