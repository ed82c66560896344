//! What is generated and committed: the API's description, that of the queries, the picture of a
//! token's life, and the list of passwords.

mod passwords;
mod picture;
mod previous;
mod queries;

use std::fs;

use crate::components::{build_programs, program};
use crate::process::{Done, Failure, command, root, run_quietly, say};

pub(crate) use passwords::{check_passwords, write_passwords};
pub(crate) use picture::{check_picture, picture_with, write_picture};
pub(crate) use previous::keep_previous;
pub(crate) use queries::{check_queries, write_queries};

pub(crate) fn write_openapi() -> Done {
    fs::write(root().join("openapi.json"), openapi()?)?;
    say("wrote openapi.json");
    Ok(())
}

pub(crate) fn check_openapi() -> Done {
    let committed = fs::read_to_string(root().join("openapi.json")).unwrap_or_default();
    if committed == openapi()? {
        Ok(())
    } else {
        Err(Failure::new(
            "openapi.json is not what the routes declare; run `cargo xtask openapi` and commit it",
        ))
    }
}

fn openapi() -> Done<String> {
    build_programs()?;
    run_quietly(command(program("signet")).arg("openapi"))
}
