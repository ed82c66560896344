//! The README's story, run exactly as it stands there: the blocks between its two marker comments,
//! one after the other in one shell, beside the programs that the README says to start.

use std::fs;
use std::path::Path;

use crate::components::program;
use crate::process::{Background, Done, Failure, command, listens, root, run_quietly};

const BEGIN: &str = "<!-- story -->";
const END: &str = "<!-- end of story -->";

pub(super) fn run(folder: &Path) -> Done {
    for (what, port) in [("the issuer", 8080), ("the example service", 8081)] {
        if listens(port) {
            let text = format!("the story needs port {port} for {what}; something else has it");
            return Err(Failure::new(text));
        }
    }
    let readme = fs::read_to_string(root().join("README.md"))?;
    let script = script(&readme)?;
    let mut serve = command(program("signet"));
    serve.current_dir(folder);
    let mut issuer = Background::start("the issuer", &serve, &folder.join("issuer.log"))?;
    issuer.wait_until(|| listens(8080))?;
    let service = command(program("agents-api"));
    let mut service = Background::start("agents-api", &service, &folder.join("service.log"))?;
    service.wait_until(|| listens(8081))?;
    let file = folder.join("story.sh");
    fs::write(&file, format!("set -eu\n{script}"))?;
    let programs = program("signet");
    let path = std::env::var("PATH").unwrap_or_default();
    let here = programs.parent().unwrap_or(folder).display();
    let mut shell = command("sh");
    shell
        .arg(&file)
        .current_dir(folder)
        .env("PATH", format!("{here}:{path}"));
    run_quietly(&mut shell).map(drop)
}

/// The shell blocks between the markers.
fn script(readme: &str) -> Done<String> {
    let story = readme
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END))
        .map(|(story, _)| story)
        .ok_or_else(|| Failure::new("README.md has no story between its markers"))?;
    let blocks = story.split("```sh\n").skip(1);
    let script: String = blocks
        .filter_map(|block| block.split_once("```"))
        .map(|(block, _)| block)
        .collect();
    if script.is_empty() {
        return Err(Failure::new("the README's story has no commands"));
    }
    Ok(script)
}
