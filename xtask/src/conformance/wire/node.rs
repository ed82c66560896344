//! Node.js: an HTTP server with the npm package in front of the origin. It is given keys and feeds
//! when it starts.

use std::fs;

use serde_json::{Value, json};

use super::{Fetches, Served, Stage};
use crate::components::{node, npm};
use crate::conformance::head::{Head, trim};
use crate::process::{Background, Done, Failure, command, root};

pub(super) fn start(stage: &Stage<'_>) -> Done<Served> {
    let worlds = stage.worlds.iter();
    let worlds: Vec<Value> = worlds
        .map(|world| {
            json!({
                "policy": world.policy,
                "keys": world.keys,
                "feeds": world.feeds,
                "leeway": world.leeway.to_string(),
            })
        })
        .collect();
    let settings = json!({
        "worlds": worlds,
        "origin": format!("http://{}", stage.origin.address),
        "nowFile": stage.clock.seconds(),
    });
    let file = stage.folder.join("serve-node.json");
    fs::write(&file, settings.to_string())?;
    let mut server = command(node()?);
    server
        .current_dir(npm()?)
        .arg(root().join("xtask/conformance/serve-node.mjs"))
        .arg(stage.package)
        .arg(&file);
    let log = stage.folder.join("serve-node.log");
    let mut process = Background::start("the server of Node.js", &server, &log)?;
    let ports = || {
        let log = fs::read_to_string(&log).ok()?;
        let told: Value = serde_json::from_str(log.lines().next()?).ok()?;
        serde_json::from_value(told.get("ports")?.clone()).ok()
    };
    process.wait_until(|| ports().is_some())?;
    Ok(Served {
        name: "Node.js",
        process,
        ports: ports().ok_or_else(|| Failure::new("the server of Node.js tells no ports"))?,
        rewrite,
        looser: 10,
        fetches: Fetches::Never,
    })
}

/// Spaces around the target belong to neither method nor target.
fn rewrite(head: &Head) -> Head {
    let mut head = head.clone().trimmed();
    head.method = trim(&head.method).to_vec();
    head.target = trim(&head.target).to_vec();
    head
}
