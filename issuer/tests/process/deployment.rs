//! What `deploy` says of the issuer's settings, held against the program: every name is one, and with
//! all of them the configuration is good.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use signet::config::KEYS;
use yaml_rust2::{Yaml, YamlLoader};

use super::harness::Signet;

const COMPOSE: &str = include_str!("../../../deploy/compose.yaml");
const CLOUD_RUN: &str = include_str!("../../../deploy/cloud-run/service.yaml");
const DOCKERFILE: &str = include_str!("../../../deploy/Dockerfile");
const OPENAPI: &str = include_str!("../../../openapi.json");

const MASTER_KEY: &str = "jzpb4ZB80kRm-x4Nk6hcd9Eu8EtqWYPC7hcPmrHE1lU";

fn document(text: &str) -> Yaml {
    YamlLoader::load_from_str(text).unwrap().remove(0)
}

/// A member, whatever is behind a merge key.
fn member<'a>(mapping: &'a Yaml, name: &str) -> &'a Yaml {
    match (&mapping[name], &mapping["<<"]) {
        (Yaml::BadValue, merged @ Yaml::Hash(_)) => &merged[name],
        (found, _) => found,
    }
}

fn text(value: &Yaml) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value:?}"))
}

fn texts(list: &Yaml) -> Vec<&str> {
    list.as_vec().unwrap().iter().map(text).collect()
}

fn is_known(variable: &str) -> bool {
    KEYS.iter().any(|key| key.variable() == variable)
}

/// Fails unless the program starts with these, with `secrets` in place of what a secret store has and
/// of the files that are mounted.
fn must_be_good(environment: &BTreeMap<String, String>, secrets: &[(&str, &str)]) {
    let mut signet = Signet::new().with("PORT", "8080");
    for (name, content) in secrets {
        let file = signet.folder().join(name);
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    }
    for (variable, value) in environment {
        assert!(is_known(variable), "there is no setting {variable}");
        let name = Path::new(value).file_name().and_then(|name| name.to_str());
        let is_mounted = name.is_some_and(|name| secrets.iter().any(|(file, _)| *file == name));
        let value = if is_mounted { name.unwrap() } else { value };
        signet = signet.with(variable, value);
    }
    let checked = signet.run(&["config", "check"]);
    assert_eq!(checked.out, "the configuration is good\n");
}

#[test]
fn the_issuer_of_compose_has_a_good_configuration() {
    let compose = document(COMPOSE);
    let issuer = &compose["services"]["issuer"];
    let mut environment = BTreeMap::new();
    for (name, value) in issuer["environment"].as_hash().unwrap() {
        let value = text(value).replace("${AUTH_HOST:-auth.localhost}", "auth.localhost");
        assert!(!value.contains('$'), "{value}");
        if text(name) != "SSL_CERT_FILE" {
            environment.insert(text(name).to_owned(), value);
        }
    }
    let script = include_str!("../../../deploy/secrets.sh");
    let settings = script.split_once("signet.toml <<END\n").unwrap().1;
    let settings = settings.split_once("\nEND\n").unwrap().0;
    let settings = settings.replace("$password", "0123456789abcdef");
    must_be_good(
        &environment,
        &[("master-key", MASTER_KEY), ("signet.toml", &settings)],
    );
    for key in KEYS.iter().filter(|key| key.secret) {
        let is_there = environment.contains_key(&key.variable());
        assert!(!is_there, "{} is a secret", key.name);
    }
}

#[test]
fn every_service_of_compose_is_confined_and_says_how_it_is() {
    let compose = document(COMPOSE);
    let secrets = compose["secrets"].as_hash().unwrap();
    for (name, service) in compose["services"].as_hash().unwrap() {
        let name = text(name);
        assert_eq!(member(service, "read_only").as_bool(), Some(true), "{name}");
        assert_eq!(texts(member(service, "cap_drop")), ["ALL"], "{name}");
        let options = texts(member(service, "security_opt"));
        assert_eq!(options, ["no-new-privileges:true"], "{name}");
        assert!(!service["healthcheck"]["test"].is_badvalue(), "{name}");
        for secret in service["secrets"].as_vec().into_iter().flatten() {
            let source = secret.as_str().unwrap_or_else(|| text(&secret["source"]));
            let is_declared = secrets.contains_key(&Yaml::String(source.to_owned()));
            assert!(is_declared, "{name}: {source}");
        }
    }
}

#[test]
fn the_issuer_on_cloud_run_has_a_good_configuration() {
    let service = document(CLOUD_RUN);
    let template = &service["spec"]["template"]["spec"];
    let container = &template["containers"][0];
    let secrets = BTreeMap::from([
        ("signet-master-key", MASTER_KEY),
        ("signet-smtp-url", "smtps://user:password@mail.example.com"),
        (
            "signet-database-url",
            "postgres://signet.p:x@pooler.example.com:6543/postgres?pool_size=5",
        ),
    ]);
    let mut environment = BTreeMap::new();
    for variable in container["env"].as_vec().unwrap() {
        let name = text(&variable["name"]);
        let value = match &variable["valueFrom"] {
            Yaml::BadValue => text(&variable["value"]),
            from => secrets[text(&from["secretKeyRef"]["name"])],
        };
        let key = KEYS.iter().find(|key| key.variable() == name);
        let is_secret = key.is_some_and(|key| key.secret);
        assert!(!is_secret || variable["value"].is_badvalue(), "{name}");
        environment.insert(name.to_owned(), value.to_owned());
    }
    let token = "sWb8BjyxTGHhlzHyDwP3VF2G5hR5cYVJ7iJ3yJyqk+s=";
    must_be_good(&environment, &[("token", token)]);

    let openapi: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
    for probe in ["startupProbe", "livenessProbe"] {
        let path = text(&container[probe]["httpGet"]["path"]);
        assert!(openapi["paths"][path]["get"].is_object(), "{path}");
    }
    let mounts = container["volumeMounts"].as_vec().unwrap();
    let mounted: Vec<&str> = mounts.iter().map(|mount| text(&mount["name"])).collect();
    let volumes = template["volumes"].as_vec().unwrap();
    let volumes: Vec<&str> = volumes.iter().map(|volume| text(&volume["name"])).collect();
    assert_eq!(mounted, volumes);
}

#[test]
fn the_image_has_the_compiler_that_the_workspace_asks_for() {
    let manifest: toml::Table = toml::from_str(include_str!("../../../Cargo.toml")).unwrap();
    let least = manifest["workspace"]["package"]["rust-version"]
        .as_str()
        .unwrap();
    let (_, image) = DOCKERFILE.split_once("library/rust:").unwrap();
    let version = image.split_once('-').unwrap().0;
    let minor = |version: &str| version.split('.').nth(1).unwrap().parse::<u32>().unwrap();
    assert!(
        minor(version) >= minor(least),
        "{version} is older than {least}"
    );
}
