//! An agent in a dozen lines: `cargo run -p op-agent --example greeter -- unix:/tmp/greeter.sock`.

use op_agent::{Agent, Call, Failure, Listener, Operation};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Greet {
    /// Whom to greet.
    name: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("say where to listen, such as unix:/tmp/greeter.sock")?;
    Agent::new("greeter", env!("CARGO_PKG_VERSION"))
        .describe_as("Greets people.")
        .operation(
            Operation::read("greet", "Greets somebody.").idempotent(),
            async |call: Call, args: Greet| {
                call.stdout("thinking\n").await;
                Ok::<_, Failure>(format!("hello {}", args.name))
            },
        )
        .serve(Listener::bind(&address.parse()?).await?, async { drop(tokio::signal::ctrl_c().await) })
        .await?;
    Ok(())
}
