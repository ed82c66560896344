//! workerd: one instance with a Worker for each world in front of the origin.

use super::{Fetches, Served, Stage};
use crate::conformance::head::{Head, trim};
use crate::process::Done;
use crate::worker;

pub(super) fn start(stage: &Stage<'_>) -> Done<Served> {
    let numbered = stage.worlds.iter().enumerate();
    let (worlds, issuers): (Vec<_>, Vec<_>) = numbered
        .map(|(number, world)| {
            let url = stage.documents.url(number);
            ((world.policy.clone(), world.leeway), url)
        })
        .unzip();
    let origin = stage.origin.address;
    let (process, ports) =
        worker::serve(stage.folder, &worlds, origin, &issuers, &stage.clock.text())?;
    Ok(Served {
        name: "workerd",
        process,
        ports,
        rewrite,
        looser: 19,
        fetches: Fetches::WithRequests,
    })
}

/// The runtime makes a URL of the target, in which a fragment has no place and the host of an
/// absolute one, or a word that it takes for one, doesn't count; and it joins the lines of one name.
fn rewrite(head: &Head) -> Head {
    let mut head = head.clone().trimmed();
    head.method = trim(&head.method).to_vec();
    head.target = path_of(trim(&head.target)).to_vec();
    head.joined(b", ", |_| true)
}

fn path_of(target: &[u8]) -> &[u8] {
    let end = target.iter().position(|byte| *byte == b'#');
    let target = target
        .get(..end.unwrap_or(target.len()))
        .unwrap_or_default();
    let is_scheme = |scheme: &[u8]| {
        scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https")
    };
    let colon = target.windows(3).position(|window| window == b"://");
    let authority = match colon.and_then(|colon| target.split_at_checked(colon)) {
        Some((scheme, rest)) if is_scheme(scheme) => rest.get(3..).unwrap_or_default(),
        _ if target.starts_with(b"/") || target == b"*" || target.contains(&b'/') => return target,
        _ => target,
    };
    let slash = authority.iter().position(|byte| *byte == b'/');
    slash
        .and_then(|slash| authority.get(slash..))
        .unwrap_or(b"/")
}
