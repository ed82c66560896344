//! Everything that can happen to a family in so many steps, shortest first.

use std::collections::{BTreeSet, HashSet};

use super::machine::{Asked, Broken, Fate, Machine, Rule, Step};

/// What was found.
#[derive(Debug)]
pub struct Explored {
    /// How many moments that differ.
    pub moments: usize,
    /// How many steps were tried.
    pub steps: usize,
    /// What the store is asked, in order, in every way that no longer one begins with.
    pub schedules: BTreeSet<Vec<Asked>>,
}

/// The shortest way to a broken promise.
#[derive(Debug)]
pub struct Counterexample {
    pub promise: Broken,
    pub steps: Vec<Step>,
}

/// How a moment was first reached.
struct Reached {
    from: usize,
    step: Option<Step>,
}

/// Tries every step of `alphabet` at every moment, breadth first, `depth` steps deep.
///
/// # Errors
/// Where a promise is broken: by no fewer steps than these.
pub fn explore(
    start: &Machine,
    rule: Rule,
    alphabet: &[Step],
    depth: usize,
) -> Result<Explored, Counterexample> {
    let mut met = HashSet::from([start.nameless()]);
    let mut ways = vec![Reached {
        from: 0,
        step: None,
    }];
    let mut frontier = vec![(start.clone(), Vec::new(), 0)];
    let mut steps = 0;
    let mut schedules = BTreeSet::new();
    for _ in 0..depth {
        let mut next = Vec::new();
        for (moment, asked, way) in frontier {
            for step in alphabet.iter().copied().filter(|step| moment.can(*step)) {
                steps += 1;
                let mut after = moment.clone();
                let seen = after.step(step, rule).map_err(|promise| Counterexample {
                    promise,
                    steps: steps_to(&ways, way, step),
                })?;
                let asked: Vec<Asked> = asked.iter().copied().chain(seen).collect();
                if seen.is_some() {
                    schedules.insert(asked.clone());
                }
                if met.insert(after.nameless()) {
                    ways.push(Reached {
                        from: way,
                        step: Some(step),
                    });
                    next.push((after, asked, ways.len() - 1));
                }
            }
        }
        frontier = next;
    }
    Ok(Explored {
        moments: met.len(),
        steps,
        schedules: without_beginnings(schedules),
    })
}

/// A long life out of `alphabet`: what the store is asked in it. The same number leads the same life.
///
/// # Errors
/// Where a promise is broken.
pub fn wander(
    mut machine: Machine,
    rule: Rule,
    alphabet: &[Step],
    steps: usize,
    number: u64,
) -> Result<Vec<Asked>, Broken> {
    let mut asked = Vec::new();
    let mut random = number;
    for _ in 0..steps {
        // SplitMix64 (Steele, Lea, Flood 2014).
        random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (random ^ (random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let drawn = (mixed ^ (mixed >> 31)) % u64::try_from(alphabet.len()).unwrap();
        let step = alphabet[usize::try_from(drawn).unwrap()];
        if machine.can(step) {
            asked.extend(machine.step(step, rule)?);
        }
    }
    Ok(asked)
}

fn steps_to(ways: &[Reached], mut way: usize, last: Step) -> Vec<Step> {
    let mut steps = vec![last];
    while let Some(step) = ways[way].step {
        steps.push(step);
        way = ways[way].from;
    }
    steps.reverse();
    steps
}

/// In order, what begins like the next one is a part of it.
fn without_beginnings(schedules: BTreeSet<Vec<Asked>>) -> BTreeSet<Vec<Asked>> {
    let mut all = schedules.into_iter().peekable();
    let mut kept = BTreeSet::new();
    while let Some(schedule) = all.next() {
        if !all.peek().is_some_and(|next| next.starts_with(&schedule)) {
            kept.insert(schedule);
        }
    }
    kept
}

/// What clocks do: nothing, the grace and a second more, an hour back and forth, the idle limit.
pub fn clocks(grace: u64, idle: u64) -> Vec<Step> {
    vec![
        Step::Forward(grace),
        Step::Forward(grace + 1),
        Step::Forward(3_600),
        Step::Forward(idle),
        Step::Back(3_600),
    ]
}

/// What `tabs` tabs do.
pub fn tabs(tabs: usize) -> Vec<Step> {
    (0..tabs)
        .flat_map(|tab| {
            [
                Step::Send(tab),
                Step::Arrive(tab),
                Step::Deliver(tab),
                Step::Lose(tab),
            ]
        })
        .chain([Step::Prove(Fate::Delivered), Step::Prove(Fate::Lost)])
        .collect()
}

/// What a thief does.
pub fn thief() -> Vec<Step> {
    vec![
        Step::Steal,
        Step::Use(Fate::Delivered),
        Step::Use(Fate::Lost),
    ]
}
