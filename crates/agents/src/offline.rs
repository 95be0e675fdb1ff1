//! The agent `offline`: plain programs that play the roles of plans on a machine without a model.
//!
//! Each operation really does a job on what it is given, by rules that its file documents, and says in `method` how. The same input
//! gives the same output. What a rule cannot do is not done: nothing here invents a word.
//!
//! - a site: [`specify`], [`build_site`], [`review_site`]
//! - code: [`analyze_code`], [`suggest`], [`report`]
//! - texts: [`research`], [`write`], [`edit`], [`summarise`]
//! - data: [`validate_data`], [`transform_data`], [`store`]
//! - debates: [`argue`], [`decide`]
//!
//! Every operation takes arguments that it does not know ([`brief`]), since the same steps are played by models.

mod analyze_code;
mod argue;
mod bench;
mod brief;
mod build_site;
mod decide;
mod edit;
mod issue;
mod records;
mod report;
mod research;
mod review_site;
mod specification;
mod specify;
mod stance;
mod store;
mod suggest;
mod summarise;
mod transform_data;
mod validate_data;
mod write;

use op_agent::{Agent, Operation};

use crate::settings::Settings;
use crate::text::{markdown, sentences, words};
use crate::tools::Desk;
use bench::on;

/// Builds the agent.
pub(crate) fn agent(settings: &Settings) -> Agent {
    let desk = &Desk::new(settings);
    let read = |name, about| Operation::read(name, about).idempotent();
    let write = |name, about| Operation::write(name, about).idempotent();
    Agent::new("offline", env!("CARGO_PKG_VERSION"))
        .describe_as(
            "Plays the roles of plans without a model: sites, code, texts, data and debates by plain rules.",
        )
        .max_concurrent(8)
        .operation(read("specify", "Specifies a site by the words of a goal."), on(desk, specify::specify))
        .operation(
            write("build_site", "Builds a static site by a specification, and mends what a review found."),
            on(desk, build_site::build_site),
        )
        .operation(
            read("review_site", "Reviews a static site: structure, accessibility, links."),
            on(desk, review_site::review_site),
        )
        .operation(
            read("analyze_code", "Looks through code of any language for what is hard to read or not done."),
            on(desk, analyze_code::analyze_code),
        )
        .operation(
            read("suggest", "Suggests what to do about findings, one suggestion for each rule."),
            on(desk, suggest::suggest),
        )
        .operation(read("report", "Lays the given values out as a report."), on(desk, report::report))
        .operation(
            read("research", "Finds the sentences of given texts that speak of a topic."),
            on(desk, research::research),
        )
        .operation(
            read("summarise", "Summarises a text by its most telling sentences."),
            on(desk, summarise::summarise),
        )
        .operation(read("write", "Writes a draft of notes."), on(desk, write::write))
        .operation(read("edit", "Edits a text, and says what was changed."), on(desk, edit::edit))
        .operation(
            read("validate_data", "Checks whether records can be read and have what is required of them."),
            on(desk, validate_data::validate_data),
        )
        .operation(
            read("transform_data", "Keeps and renames fields of records, and writes them as JSON or CSV."),
            on(desk, transform_data::transform_data),
        )
        .operation(write("store", "Stores what was made in a file."), on(desk, store::store))
        .operation(read("argue", "Takes a position in a debate and argues for it."), on(desk, argue::argue))
        .operation(
            read("decide", "Decides a debate by the support of its positions."),
            on(desk, decide::decide),
        )
}
