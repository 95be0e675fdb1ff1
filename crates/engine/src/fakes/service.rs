//! A daemon whose configuration comes from nowhere.

use std::sync::Mutex;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::ports::{ReloadError, Service, Standing};

/// Takes every configuration until it is told that the next ones are wrong.
pub struct FixedService {
    standing: watch::Sender<Standing>,
    errors: Mutex<Vec<String>>,
    level: Mutex<String>,
}

impl FixedService {
    /// What is wrong with the configurations to come; nothing when empty.
    pub fn spoil(&self, errors: Vec<String>) {
        *self.errors.lock().expect("nobody panics with it") = errors;
    }
}

impl Default for FixedService {
    fn default() -> Self {
        let standing = watch::Sender::new(Standing { generation: 1, errors: Vec::new() });
        Self { standing, errors: Mutex::default(), level: Mutex::new("info".to_owned()) }
    }
}

#[async_trait]
impl Service for FixedService {
    async fn reload(&self) -> Result<u64, ReloadError> {
        let errors = self.errors.lock().expect("nobody panics with it").clone();
        self.standing.send_modify(|standing| {
            standing.generation += u64::from(errors.is_empty());
            standing.errors.clone_from(&errors);
        });
        if errors.is_empty() {
            Ok(self.standing.borrow().generation)
        } else {
            Err(ReloadError::Invalid { errors })
        }
    }

    fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    fn log_level(&self) -> String {
        self.level.lock().expect("nobody panics with it").clone()
    }

    fn set_log_level(&self, level: &str) -> Result<(), String> {
        level.clone_into(&mut self.level.lock().expect("nobody panics with it"));
        Ok(())
    }
}
