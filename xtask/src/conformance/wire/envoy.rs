//! Envoy: one listener for each world, with the filter in front of the origin.

use std::fs;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{Fetches, Served, Stage};
use crate::components;
use crate::conformance::head::{Head, trim};
use crate::process::{Background, Done, command, free_ports, listens};
use crate::wasm;

/// So many worlds share a virtual machine, whose memory is bounded.
const WORLDS_PER_MACHINE: usize = 30;

pub(super) fn start(stage: &Stage<'_>) -> Done<Served> {
    let filter = wasm::proxy()?;
    let filter = filter.display().to_string();
    let ports = free_ports(stage.worlds.len())?;
    let mut listeners = Vec::new();
    for (number, (world, port)) in stage.worlds.iter().zip(&ports).enumerate() {
        let policy: Value = serde_json::from_str(&world.policy)?;
        let settings = json!({
            "issuer_cluster": "issuer",
            "issuer_url": stage.documents.url(number),
            "leeway": world.leeway,
            "policy": policy,
        });
        let machine = number.checked_div(WORLDS_PER_MACHINE).unwrap_or_default();
        listeners.push(listener(
            *port,
            &settings,
            &format!("signet-{machine}"),
            &filter,
        ));
    }
    let configuration = json!({
        "static_resources": {
            "listeners": listeners,
            "clusters": [
                cluster("origin", stage.origin.address),
                cluster("issuer", stage.documents.address),
            ],
        },
    });
    let file = stage.folder.join("envoy.json");
    fs::write(&file, configuration.to_string())?;
    let mut envoy = command(components::envoy()?);
    envoy.arg("-c").arg(&file).args([
        "--use-dynamic-base-id",
        "--concurrency",
        "1",
        "--log-level",
        "warning",
    ]);
    stage.clock.bind(&mut envoy);
    let log = stage.folder.join("envoy.log");
    let mut process = Background::start("Envoy", &envoy, &log)?;
    process.wait_until(|| ports.iter().all(|port| listens(*port)))?;
    Ok(Served {
        name: "Envoy",
        process,
        ports,
        rewrite,
        looser: 48,
        fetches: Fetches::InTheBackground,
    })
}

/// Envoy does itself what `Connection` says, and joins the lines of `Authorization` that aren't empty.
fn rewrite(head: &Head) -> Head {
    let mut head = head.clone().trimmed();
    head.method = trim(&head.method).to_vec();
    head.target = trim(&head.target).to_vec();
    let mut gone: Vec<Vec<u8>> = vec![b"connection".to_vec()];
    for value in head.values(b"connection") {
        let names = value.split(|byte| *byte == b',');
        gone.extend(names.map(|name| trim(name).to_ascii_lowercase()));
    }
    let is_token = |name: &[u8]| name.eq_ignore_ascii_case(b"authorization");
    let has_one = head
        .headers
        .iter()
        .any(|(name, value)| is_token(name) && !value.is_empty());
    head.headers
        .retain(|(name, value)| !(has_one && is_token(name) && value.is_empty()));
    let mut head = head.joined(b",", is_token);
    head.headers
        .retain(|(name, _)| !gone.contains(&name.to_ascii_lowercase()));
    head
}

/// Nothing is tidied up or refused that need not be: what comes is for the gate to judge.
fn listener(port: u16, settings: &Value, machine: &str, filter: &str) -> Value {
    let manager = json!({
        "@type": of_type("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "gate",
        "normalize_path": false,
        "merge_slashes": false,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "http_protocol_options": { "allow_absolute_url": false },
        "common_http_protocol_options": { "headers_with_underscores_action": "ALLOW" },
        "route_config": { "virtual_hosts": [{
            "name": "all",
            "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "origin" } }],
        }] },
        "http_filters": [
            { "name": "signet", "typed_config": {
                "@type": of_type("filters.http.wasm.v3.Wasm"),
                "config": {
                    "name": "signet",
                    "failure_policy": "FAIL_RELOAD",
                    "vm_config": {
                        "vm_id": machine,
                        "runtime": "envoy.wasm.runtime.v8",
                        "code": { "local": { "filename": filter } },
                    },
                    "configuration": {
                        "@type": "type.googleapis.com/google.protobuf.StringValue",
                        "value": settings.to_string(),
                    },
                },
            } },
            { "name": "router", "typed_config": {
                "@type": of_type("filters.http.router.v3.Router"),
            } },
        ],
    });
    json!({
        "name": format!("listener-{port}"),
        "address": address(SocketAddr::from(([127, 0, 0, 1], port))),
        "filter_chains": [{ "filters": [{ "name": "http", "typed_config": manager }] }],
    })
}

fn cluster(name: &str, server: SocketAddr) -> Value {
    json!({
        "name": name,
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(server) } }] }],
        },
    })
}

fn address(server: SocketAddr) -> Value {
    json!({ "socket_address": { "address": server.ip().to_string(), "port_value": server.port() } })
}

fn of_type(name: &str) -> String {
    format!("type.googleapis.com/envoy.extensions.{name}")
}
