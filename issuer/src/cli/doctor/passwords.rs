//! What hashing a password costs on this machine, and what the machine could bear.

use std::fs;
use std::time::{Duration, Instant};

use signet_core::password::Password;
use signet_core::password::hasher::{Algorithm, Hasher};
use zeroize::Zeroizing;

use super::disk::amount;
use super::report::Report;
use crate::config::Config;

const SUBJECT: &str = "passwords";
/// How many hashes are timed; the quickest was disturbed least by what else the machine does.
const HASHES: u8 = 5;
/// What a hash may take without anyone noticing, in milliseconds: proposals come near it.
const AIM: u64 = 100;
/// Nothing below OWASP's least is proposed (19 MiB and two passes), in KiB.
const LEAST_KIB: u64 = 19_456;
const PASSES: u64 = 2;
/// Nor more than one hash may well take of a machine, in KiB.
const MOST_KIB: u64 = 65_536;
/// What is said where the proposal is what is set: other parameters don't help.
const ALREADY_SET: &str = "what is set is what would be proposed here: where a hash takes much \
                           longer than 100 ms, the machine is slow, or busy now; look again when \
                           it is idle, or give it a faster processor";
/// The least and the most cost of bcrypt that `password.bcrypt_cost` takes.
const LEAST_COST: u32 = 10;
const MOST_COST: u32 = 16;

pub(super) fn examine(config: &Config, report: &mut Report) {
    let algorithm = config.issuer.hashing;
    let Some(time) = time(algorithm) else {
        let hint = "see password.* in docs/CONFIGURATION.md";
        return report.fail(SUBJECT, "no hash can be made with these parameters", hint);
    };
    let permits = u64::try_from(config.issuer.hash_pool.permits).unwrap_or(u64::MAX);
    let (name, kib) = match algorithm {
        Algorithm::Argon2id {
            memory_kib,
            iterations,
            ..
        } => (
            format!("argon2id of {memory_kib} KiB and {iterations} passes"),
            u64::from(memory_kib),
        ),
        Algorithm::Bcrypt { cost } => (format!("bcrypt of cost {cost}"), 4),
    };
    let memory = kib.saturating_mul(1_024).saturating_mul(permits);
    let said = format!(
        "one hash ({name}) takes {} ms; {permits} at once take {} and do {} a second",
        time.as_millis(),
        amount(memory),
        per_second(time, permits),
    );
    let floor = config.issuer.login_floor.least;
    match time > floor {
        true => report.warn(
            SUBJECT,
            format!(
                "{said}; every login is answered after {} ms at least, so that its time says \
                 nothing of whose it was, and this is more",
                floor.as_millis()
            ),
            proposal(algorithm, permits),
        ),
        false => {
            report.ok(SUBJECT, said);
            report.ok(SUBJECT, proposal(algorithm, permits));
        }
    }
    tell_memory(memory, report);
}

fn proposal(algorithm: Algorithm, permits: u64) -> String {
    match algorithm {
        Algorithm::Argon2id {
            memory_kib,
            iterations,
            ..
        } => {
            let set = (memory_kib.into(), iterations.into());
            proposal_for_argon2id(set, proposed_memory(), permits)
        }
        Algorithm::Bcrypt { cost } => proposal_for_bcrypt(cost, proposed_cost()),
    }
}

/// Each step of the cost doubles the time.
fn proposed_cost() -> u32 {
    let least = time(Algorithm::Bcrypt { cost: LEAST_COST });
    let microseconds = least.map_or(u128::MAX, |time| time.as_micros());
    let aim = u128::from(AIM.saturating_mul(1_000));
    let steps = aim.checked_div(microseconds.max(1)).unwrap_or(0);
    let steps = steps.checked_ilog2().unwrap_or(0);
    LEAST_COST.saturating_add(steps).min(MOST_COST)
}

fn proposal_for_argon2id(set: (u64, u64), memory_kib: u64, permits: u64) -> String {
    if set == (memory_kib, PASSES) {
        return ALREADY_SET.to_owned();
    }
    let bytes = memory_kib.saturating_mul(1_024).saturating_mul(permits);
    format!(
        "this machine could do with password.memory_kib = {memory_kib} and password.iterations = \
         {PASSES}: about {AIM} ms a hash, or what OWASP asks for at least, and {} at once",
        amount(bytes)
    )
}

fn proposal_for_bcrypt(set: u32, cost: u32) -> String {
    if set == cost {
        return ALREADY_SET.to_owned();
    }
    format!(
        "this machine could do with password.bcrypt_cost = {cost}: at most about {AIM} ms a hash, \
         or the least cost there is"
    )
}

/// Memory costs whoever guesses more than passes do.
fn proposed_memory() -> u64 {
    let least = Algorithm::Argon2id {
        memory_kib: u32::try_from(LEAST_KIB).unwrap_or(u32::MAX),
        iterations: u32::try_from(PASSES).unwrap_or(u32::MAX),
        lanes: 1,
    };
    let microseconds = time(least).map_or(u128::MAX, |time| time.as_micros());
    let microseconds = u64::try_from(microseconds).unwrap_or(u64::MAX).max(1);
    let aimed = LEAST_KIB.saturating_mul(AIM.saturating_mul(1_000));
    let kib = aimed.checked_div(microseconds).unwrap_or(LEAST_KIB);
    let whole_mib = (kib >> 10) << 10;
    whole_mib.clamp(LEAST_KIB, MOST_KIB)
}

fn tell_memory(needed: u64, report: &mut Report) {
    let Some(available) = available() else {
        return;
    };
    if needed > available >> 1 {
        report.warn(
            SUBJECT,
            format!(
                "hashes may take {} of the {} that are free here",
                amount(needed),
                amount(available)
            ),
            "lower password.concurrency or password.memory_kib, or give it more memory",
        );
    }
}

/// The quickest of a few.
fn time(algorithm: Algorithm) -> Option<Duration> {
    let hasher = Hasher::new(algorithm).ok()?;
    let password = Password::new(Zeroizing::new("a password to be timed".to_owned())).ok()?;
    let mut times = Vec::new();
    for salt in 0..HASHES {
        let begun = Instant::now();
        hasher.hash(&password, [salt; 16])?;
        times.push(begun.elapsed());
    }
    times.into_iter().min()
}

fn per_second(time: Duration, permits: u64) -> u128 {
    let second = Duration::from_secs(1).as_micros();
    let hashes = second.saturating_mul(permits.into());
    hashes.checked_div(time.as_micros()).unwrap_or(0)
}

/// Bytes that nobody uses, on the machine or in the container that this is.
fn available() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok()?;
    let machine = machine
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = machine.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let machine = kib.saturating_mul(1_024);
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let container = container.and_then(|text| text.trim().parse().ok());
    Some(container.map_or(machine, |limit: u64| limit.min(machine)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_not_proposed() {
        let set = (LEAST_KIB, PASSES);
        assert_eq!(proposal_for_argon2id(set, LEAST_KIB, 2), ALREADY_SET);
        assert_eq!(proposal_for_bcrypt(LEAST_COST, LEAST_COST), ALREADY_SET);
        let more = proposal_for_argon2id(set, MOST_KIB, 2);
        assert!(more.contains("password.memory_kib = 65536"), "{more}");
        let passes = proposal_for_argon2id((LEAST_KIB, 3), LEAST_KIB, 2);
        assert!(passes.contains("password.iterations = 2"), "{passes}");
        let cost = proposal_for_bcrypt(LEAST_COST, 12);
        assert!(cost.contains("password.bcrypt_cost = 12"), "{cost}");
    }
}
