//! What `memory` costs when it is full: `cargo bench -p op-agents`, or with a number for so many entries.
//!
//! The agent is served on a Unix socket by a thread of its own, as the process of a bundled agent does it, on a new store. It is filled through
//! `remember`, 1,000 entries a call; each has a key, a value of 12 words and a tag. The words are those of a language: the n-th
//! has a share that falls with n (Zipf). A `common` word is among the first 100, of which each is in more than 6,000 of a million
//! entries, a `middling` one among the next 10,000, a `rare` one behind them. Prints p50, p99 and calls per second of each
//! kind of call, from the request to the answer, and fails when the p99 of a search is over 20 ms.

#![expect(clippy::cast_precision_loss, reason = "numbers for people")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use op_agent::Listener;
use op_agents::Settings;
use op_proto::Address;
use op_proto::agent::v1::agent_client::AgentClient;
use op_proto::agent::v1::{ExecuteRequest, Operation, event, outcome};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tonic::transport::{Channel, Endpoint};

/// Entries, unless a number says otherwise.
const ENTRIES: u64 = 1_000_000;

/// Calls of each row.
const CALLS: u64 = 2_000;

/// Words of the language.
const WORDS: usize = 50_000;

/// Words of a value.
const VALUE: usize = 12;

/// What a search may take, in all but one of a hundred.
const PROMISED: Duration = Duration::from_millis(20);

type Failed = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failed> {
    let entries = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(ENTRIES);
    let home = tempfile::tempdir()?;
    let (socket, state) = (home.path().join("memory.sock"), home.path().join("state"));
    let (stop, stopped) = oneshot::channel::<()>();
    let (ready, is_ready) = std::sync::mpsc::channel();
    let (at, kept) = (socket.clone(), state.clone());
    let agent = std::thread::spawn(move || serve(&at, &kept, stopped, &ready));
    is_ready.recv()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(measure(&socket, &state, entries));
    let _ = stop.send(());
    agent.join().map_err(|_| "the agent panicked")??;
    result
}

fn serve(
    socket: &Path,
    state: &Path,
    stopped: oneshot::Receiver<()>,
    ready: &std::sync::mpsc::Sender<()>,
) -> Result<(), Failed> {
    let settings = Settings { state: Some(state.to_owned()), ..Settings::default() };
    let agent = op_agents::build("memory", &settings).ok_or("there is no agent `memory`")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = Listener::bind(&Address::Unix(socket.to_owned())).await?;
        ready.send(())?;
        agent.serve(listener, async { drop(stopped.await) }).await?;
        Ok(())
    })
}

async fn measure(socket: &Path, state: &Path, entries: u64) -> Result<(), Failed> {
    let channel = Endpoint::from_shared(format!("unix:{}", socket.display()))?.connect().await?;
    let client = Arc::new(Client { agent: AgentClient::new(channel), calls: AtomicU64::new(0) });
    let language = Arc::new(Language::new());
    fill(&client, &language, entries).await?;
    let bytes = std::fs::metadata(state.join("memory.db"))?.len();
    println!("{entries} entries, {} MiB\n", bytes >> 20);
    println!("{:<34}{:>10}{:>10}{:>12}", "", "p50 us", "p99 us", "calls/s");
    for callers in [1, 64] {
        let recall = move |luck: &mut Luck, _: &Language| json!({ "key": key(luck.below(entries)) });
        row(&client, &language, &format!("recall, {callers}"), callers, "recall", recall).await?;
    }
    let absent = |luck: &mut Luck, _: &Language| json!({ "key": format!("fcat/{}", luck.below(1000)) });
    row(&client, &language, "recall of an absent key, 1", 1, "recall", absent).await?;
    let remember = move |luck: &mut Luck, language: &Language| json!({ "key": format!("new/{}", luck.below(1 << 40)), "value": language.text(luck) });
    row(&client, &language, "remember, 1", 1, "remember", remember).await?;
    let mut worst = Duration::ZERO;
    for (name, kinds) in MIX {
        let search = move |luck: &mut Luck, language: &Language| query(kinds, luck, language);
        let p99 = row(&client, &language, &format!("search, {name}"), 1, "search", search).await?;
        worst = worst.max(p99);
    }
    let mixed = |luck: &mut Luck, language: &Language| {
        let (_, kinds) = MIX[usize::try_from(luck.below(MIX.len() as u64)).unwrap_or(0)];
        query(kinds, luck, language)
    };
    let all = row(&client, &language, "search, all of these by turns", 1, "search", mixed).await?;
    row(&client, &language, "search, all of these, 4 callers", 4, "search", mixed).await?;
    println!(
        "\nthe slowest kind of search has a p99 of {worst:?}, all by turns one of {all:?}; promised are {PROMISED:?}"
    );
    if all > PROMISED { Err("searches take longer than promised".into()) } else { Ok(()) }
}

/// How frequent a word is.
#[derive(Clone, Copy)]
enum Kind {
    Common,
    Middling,
    Rare,
}

/// The searches: names, and how frequent their words are.
const MIX: [(&str, &[Kind]); 8] = [
    ("a rare word", &[Kind::Rare]),
    ("a middling word", &[Kind::Middling]),
    ("a common word", &[Kind::Common]),
    ("a common and a rare word", &[Kind::Common, Kind::Rare]),
    ("a common and a middling word", &[Kind::Common, Kind::Middling]),
    ("two common words", &[Kind::Common, Kind::Common]),
    ("three middling words", &[Kind::Middling, Kind::Middling, Kind::Middling]),
    ("four common words", &[Kind::Common, Kind::Common, Kind::Common, Kind::Common]),
];

fn query(kinds: &[Kind], luck: &mut Luck, language: &Language) -> Value {
    let words: Vec<String> = kinds.iter().map(|kind| language.of(*kind, luck)).collect();
    json!({ "query": words.join(" ") })
}

fn key(number: u64) -> String {
    format!("fact/{number}")
}

async fn fill(client: &Client, language: &Language, entries: u64) -> Result<(), Failed> {
    let began = Instant::now();
    let mut luck = Luck(1);
    for first in (0..entries).step_by(1000) {
        let batch: Vec<Value> = (first..entries.min(first + 1000))
            .map(|number| json!({ "key": key(number), "value": language.text(&mut luck), "tags": [format!("t{}", number % 50)] }))
            .collect();
        client.call("remember", &json!({ "entries": batch, "allow_similar": true })).await?;
    }
    let took = began.elapsed();
    println!("filled in {took:.1?}, {:.0} us an entry", took.as_secs_f64() * 1e6 / entries as f64);
    Ok(())
}

async fn row(
    client: &Arc<Client>,
    language: &Arc<Language>,
    name: &str,
    callers: u64,
    operation: &'static str,
    arguments: impl Fn(&mut Luck, &Language) -> Value + Copy + Send + 'static,
) -> Result<Duration, Failed> {
    spread(client, language, callers, CALLS / 10, 7, operation, arguments).await?;
    let began = Instant::now();
    let mut times = spread(client, language, callers, CALLS, 77, operation, arguments).await?;
    let took = began.elapsed();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    let (p50, p99, rate) = (at(50), at(99), times.len() as f64 / took.as_secs_f64());
    println!("{name:<34}{:>10}{:>10}{rate:>12.0}", p50.as_micros(), p99.as_micros());
    Ok(p99)
}

/// Makes so many calls, by tasks that each make one after the other.
async fn spread(
    client: &Arc<Client>,
    language: &Arc<Language>,
    callers: u64,
    calls: u64,
    seed: u64,
    operation: &'static str,
    arguments: impl Fn(&mut Luck, &Language) -> Value + Copy + Send + 'static,
) -> Result<Vec<Duration>, Failed> {
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (client, language) = (Arc::clone(client), Arc::clone(language));
            tokio::spawn(async move {
                let (mut luck, mut times) = (Luck(seed * 1000 + caller + 1), Vec::new());
                for _ in 0..calls / callers {
                    let arguments = arguments(&mut luck, &language);
                    let began = Instant::now();
                    client.call(operation, &arguments).await?;
                    times.push(began.elapsed());
                }
                Ok::<_, Failed>(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    Ok(times)
}

struct Client {
    agent: AgentClient<Channel>,
    calls: AtomicU64,
}

impl Client {
    async fn call(&self, operation: &str, arguments: &Value) -> Result<(), Failed> {
        let operation = Operation {
            id: format!("bench/{operation}/1/{}", self.calls.fetch_add(1, Ordering::Relaxed)),
            operation: operation.to_owned(),
            arguments: arguments.to_string(),
            ..Operation::default()
        };
        let mut events =
            self.agent.clone().execute(ExecuteRequest { operation: Some(operation) }).await?.into_inner();
        let mut outcome = None;
        // To its end: streams that are dropped before are reset, and HTTP/2 takes only so many of those.
        while let Some(response) = events.message().await? {
            if let Some(event::Kind::Outcome(ended)) = response.event.and_then(|event| event.kind) {
                outcome = ended.kind;
            }
        }
        match outcome {
            Some(outcome::Kind::Completed(_)) => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    }
}

/// Words, and how large the share of each and all before it is.
struct Language {
    shares: Vec<f64>,
}

impl Language {
    fn new() -> Self {
        let shares = (0..WORDS).scan(0.0, |sum, place| {
            *sum += 1.0 / (place as f64 + 2.0).powf(0.9);
            Some(*sum)
        });
        Self { shares: shares.collect() }
    }

    fn text(&self, luck: &mut Luck) -> String {
        let all = self.shares[WORDS - 1];
        let word = |luck: &mut Luck| {
            let place = luck.share() * all;
            word(self.shares.partition_point(|share| *share < place).min(WORDS - 1))
        };
        let words: Vec<String> = (0..VALUE).map(|_| word(luck)).collect();
        words.join(" ")
    }

    fn of(&self, kind: Kind, luck: &mut Luck) -> String {
        let (from, to) = match kind {
            Kind::Common => (0, 100),
            Kind::Middling => (100, 10_100),
            Kind::Rare => (10_100, self.shares.len() as u64),
        };
        word(usize::try_from(from + luck.below(to - from)).unwrap_or(0))
    }
}

/// The word at a place, of letters as words are.
fn word(place: usize) -> String {
    let (mut place, mut word) = (place + 676, String::new());
    while place > 0 {
        word.push(char::from(b'a' + u8::try_from(place % 26).unwrap_or(0)));
        place /= 26;
    }
    word
}

/// Numbers as if by chance, the same with each run (Steele, Lea and Flood's `SplitMix64`).
struct Luck(u64);

impl Luck {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
