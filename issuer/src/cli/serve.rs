//! `signet serve`.

use std::process::ExitCode;

use super::arguments::ConfigurationArgs;
use super::{configuration, no, unusable};
use crate::{logging, serve};

pub(super) fn run(arguments: ConfigurationArgs) -> ExitCode {
    let config = match configuration(arguments) {
        Ok(config) => config,
        Err(code) => return code,
    };
    logging::start(config.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return unusable(&format_args!("can't start: {error}")),
    };
    let served = runtime.block_on(serve::serve(config));
    // A password that is being hashed for nobody doesn't hold up the end.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the issuer can't start");
            no(&error)
        }
    }
}
