//! `dbus_call`: a method of an object on a bus.

mod value;

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zbus::names::{BusName, InterfaceName, MemberName};
use zbus::{Connection, Error, Message, ObjectPath, Signature, Structure};

use super::Desk;
use crate::bus::{connect, failed, within};

/// What to call, where.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DbusCall {
    /// `system`, `session`, or the address of a bus, such as `unix:path=/run/my/bus`.
    bus: String,
    /// The name of the service, such as `org.freedesktop.DBus`.
    destination: String,
    /// The object, such as `/org/freedesktop/DBus`.
    path: String,
    /// The interface, such as `org.freedesktop.DBus`.
    interface: String,
    /// The method.
    member: String,
    /// The types of the arguments, such as `sa{sv}`; empty for none.
    #[serde(default)]
    signature: String,
    /// The arguments, one for each type. A variant is a plain value, or `{"signature": .., "value": ..}` where its
    /// type matters.
    #[serde(default)]
    args: Vec<Value>,
}

/// What the method replied.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct DbusReply {
    /// The types of the reply.
    signature: String,
    /// The values of the reply; a reply that is one structure comes as its fields.
    reply: Vec<Value>,
}

/// Calls a method.
pub(super) async fn dbus_call(desk: Arc<Desk>, call: Call, args: DbusCall) -> Result<DbusReply, Failure> {
    let checked = Checked::new(&args)?;
    let answer = async {
        let connection = connect(&args.bus).await?;
        let reply = checked.call(&connection).await?;
        // The outcome is known; how the parting goes changes nothing in it.
        let _ = connection.close().await;
        read(&reply)
    };
    within(&desk, &call, &args.destination, answer).await
}

/// A call that D-Bus can carry.
struct Checked<'a> {
    destination: BusName<'a>,
    path: ObjectPath<'a>,
    interface: InterfaceName<'a>,
    member: MemberName<'a>,
    body: Option<Structure<'static>>,
}

impl<'a> Checked<'a> {
    fn new(args: &'a DbusCall) -> Result<Self, Failure> {
        let wrong = |what: &str, text: &str, error: Error| {
            Failure::rejected("invalid_arguments", format!("`{text}` is not {what}: {error}"))
        };
        Ok(Self {
            destination: BusName::try_from(args.destination.as_str())
                .map_err(|error| wrong("a bus name", &args.destination, error))?,
            path: ObjectPath::try_from(args.path.as_str())
                .map_err(|error| wrong("an object path", &args.path, error))?,
            interface: InterfaceName::try_from(args.interface.as_str())
                .map_err(|error| wrong("an interface", &args.interface, error))?,
            member: MemberName::try_from(args.member.as_str())
                .map_err(|error| wrong("a method", &args.member, error))?,
            body: body(&args.signature, &args.args)?,
        })
    }

    async fn call(self, connection: &Connection) -> Result<Message, Failure> {
        let Self { destination, path, interface, member, body } = self;
        let (destination, interface) = (Some(destination), Some(interface));
        let reply = match &body {
            Some(body) => connection.call_method(destination, path, interface, member, body).await,
            None => connection.call_method(destination, path, interface, member, &()).await,
        };
        reply.map_err(|error| failed(&error))
    }
}

/// The arguments as one structure, which is how D-Bus carries them; `None` without arguments.
fn body(signature: &str, args: &[Value]) -> Result<Option<Structure<'static>>, Failure> {
    let rejected = |message: String| Failure::rejected("invalid_arguments", message);
    if signature.is_empty() {
        return match args.len() {
            0 => Ok(None),
            count => Err(rejected(format!("there are {count} arguments and no signature"))),
        };
    }
    // In parentheses, so that `(ss)` is one structure and `ss` two strings.
    let wrapped = Signature::try_from(format!("({signature})").as_str())
        .map_err(|error| rejected(format!("`{signature}` is not a signature: {error}")))?;
    value::structure(&wrapped, args).map(Some).map_err(|error| rejected(error.to_string()))
}

fn read(reply: &Message) -> Result<DbusReply, Failure> {
    let body = reply.body();
    let signature = body.signature().to_string_no_parens();
    if signature.is_empty() {
        return Ok(DbusReply { signature, reply: Vec::new() });
    }
    let fields: Structure<'_> = body.deserialize().map_err(|error| failed(&error))?;
    Ok(DbusReply { signature, reply: fields.fields().iter().map(value::json).collect() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_must_fit_their_signature() {
        assert!(body("", &[]).unwrap().is_none());
        assert!(body("su", &[json!("a"), json!(1)]).is_ok());
        for (signature, args) in [
            ("", vec![json!(1)]),
            ("s", vec![]),
            ("s", vec![json!(1)]),
            ("y", vec![json!(256)]),
            ("u", vec![json!(-1)]),
            ("a{vs}", vec![json!({})]),
            ("(", vec![json!([])]),
            ("h", vec![json!(0)]),
        ] {
            let failure = body(signature, &args).expect_err(signature);
            assert_eq!(failure.reason(), "invalid_arguments", "{signature}");
        }
    }

    #[test]
    fn names_are_checked_before_anything_is_sent() {
        let call = DbusCall {
            bus: "session".into(),
            destination: "org.freedesktop.DBus".into(),
            path: "no/slash".into(),
            interface: "org.freedesktop.DBus".into(),
            member: "GetId".into(),
            signature: String::new(),
            args: Vec::new(),
        };
        let failure = Checked::new(&call).err().expect("the path is wrong");
        assert!(failure.message().contains("no/slash"), "{}", failure.message());
    }
}
