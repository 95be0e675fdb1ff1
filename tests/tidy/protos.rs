//! Everything in the protos has a sentence.

use std::collections::HashSet;

use prost::Message as _;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet};

use crate::expect_none;

// Numbers of the fields of a descriptor, which make up the paths of its comments.
// https://protobuf.com/docs/descriptors#source-code-info
const FILE_MESSAGE: i32 = 4;
const FILE_ENUM: i32 = 5;
const FILE_SERVICE: i32 = 6;
const MESSAGE_FIELD: i32 = 2;
const MESSAGE_NESTED: i32 = 3;
const MESSAGE_ENUM: i32 = 4;
const MESSAGE_ONEOF: i32 = 8;
const ENUM_VALUE: i32 = 2;
const SERVICE_METHOD: i32 = 2;

/// Looks for the sentence of each part of a file.
struct Reader<'a> {
    file: &'a str,
    told: HashSet<&'a [i32]>,
    complaints: Vec<String>,
}

fn complaints(file: &FileDescriptorProto) -> Vec<String> {
    let places = file.source_code_info.iter().flat_map(|info| &info.location);
    let told =
        places.filter(|place| is_sentence(place.leading_comments())).map(|place| place.path.as_slice());
    let mut reader = Reader { file: file.name(), told: told.collect(), complaints: Vec::new() };
    for (at, message) in (0..).zip(&file.message_type) {
        reader.message(&[FILE_MESSAGE, at], message.name(), message);
    }
    for (at, choice) in (0..).zip(&file.enum_type) {
        reader.choice(&[FILE_ENUM, at], choice.name(), choice);
    }
    for (at, service) in (0..).zip(&file.service) {
        reader.expect(&[FILE_SERVICE, at], service.name());
        for (place, method) in (0..).zip(&service.method) {
            let name = format!("{}.{}", service.name(), method.name());
            reader.expect(&[FILE_SERVICE, at, SERVICE_METHOD, place], &name);
        }
    }
    reader.complaints
}

fn is_sentence(comment: &str) -> bool {
    let comment = comment.trim();
    comment.ends_with('.')
        && comment.starts_with(|first: char| first.is_uppercase() || first.is_numeric() || first == '`')
}

impl Reader<'_> {
    fn expect(&mut self, path: &[i32], name: &str) {
        if !self.told.contains(path) {
            self.complaints.push(format!("{}: `{name}` has no sentence", self.file));
        }
    }

    fn message(&mut self, path: &[i32], name: &str, message: &DescriptorProto) {
        // Entries of maps are written by the compiler.
        if message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry) {
            return;
        }
        self.expect(path, name);
        for (at, field) in (0..).zip(&message.field) {
            self.expect(&below(path, MESSAGE_FIELD, at), &format!("{name}.{}", field.name()));
        }
        for (at, choice) in (0..).zip(&message.oneof_decl) {
            // So are the choices of one that stand for `optional`.
            let is_optional = |field: &&prost_types::FieldDescriptorProto| {
                field.oneof_index == Some(at) && field.proto3_optional()
            };
            if message.field.iter().find(is_optional).is_none() {
                self.expect(&below(path, MESSAGE_ONEOF, at), &format!("{name}.{}", choice.name()));
            }
        }
        for (at, inner) in (0..).zip(&message.nested_type) {
            self.message(&below(path, MESSAGE_NESTED, at), &format!("{name}.{}", inner.name()), inner);
        }
        for (at, choice) in (0..).zip(&message.enum_type) {
            self.choice(&below(path, MESSAGE_ENUM, at), &format!("{name}.{}", choice.name()), choice);
        }
    }

    fn choice(&mut self, path: &[i32], name: &str, choice: &EnumDescriptorProto) {
        self.expect(path, name);
        for (at, value) in (0..).zip(&choice.value) {
            self.expect(&below(path, ENUM_VALUE, at), value.name());
        }
    }
}

fn below(path: &[i32], kind: i32, at: i32) -> Vec<i32> {
    [path, &[kind, at]].concat()
}

#[test]
fn everything_in_the_protos_has_a_sentence() {
    let set = FileDescriptorSet::decode(op_proto::DESCRIPTORS).expect("the descriptors are valid");
    let ours: Vec<_> = set.file.iter().filter(|file| file.package().starts_with("opdbus.")).collect();
    assert!(ours.len() >= 6, "{} protos of our own", ours.len());
    expect_none(&ours.into_iter().flat_map(complaints).collect::<Vec<_>>());
}

#[test]
fn a_field_without_a_sentence_is_complained_of() {
    use prost_types::source_code_info::Location;
    use prost_types::{FieldDescriptorProto, SourceCodeInfo};
    let field =
        |name: &str| FieldDescriptorProto { name: Some(name.to_owned()), ..FieldDescriptorProto::default() };
    let message = DescriptorProto {
        name: Some("Thing".to_owned()),
        field: vec![field("told"), field("muttered"), field("silent")],
        ..DescriptorProto::default()
    };
    let place = |path: &[i32], comment: &str| Location {
        path: path.to_vec(),
        leading_comments: Some(comment.to_owned()),
        ..Location::default()
    };
    let location = vec![
        place(&[4, 0], " A thing.\n"),
        place(&[4, 0, 2, 0], " Its name.\n"),
        place(&[4, 0, 2, 1], " later\n"),
    ];
    let file = FileDescriptorProto {
        name: Some("thing.proto".to_owned()),
        message_type: vec![message],
        source_code_info: Some(SourceCodeInfo { location }),
        ..FileDescriptorProto::default()
    };
    let expected = ["muttered", "silent"].map(|name| format!("thing.proto: `Thing.{name}` has no sentence"));
    assert_eq!(complaints(&file), expected);
}
