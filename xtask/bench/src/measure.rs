//! Measuring: the fastest of many short runs that take turns.
//!
//! Whatever else a machine does can only make a run slower, never faster; so the fastest tells most
//! of the work itself, and stays the same on a busy machine, where a median doesn't (Chen, Revels:
//! "Robust benchmarking in noisy environments", 2016).

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long one run of one subject takes, about: less than what the system lets a process run for,
/// so that on a busy machine most runs aren't interrupted.
const RUN: Duration = Duration::from_millis(4);
/// How many runs each subject has.
const RUNS: usize = 225;

/// Something to be timed.
pub(crate) struct Subject<'a> {
    pub(crate) name: &'a str,
    pub(crate) work: Box<dyn FnMut() + 'a>,
}

impl<'a> Subject<'a> {
    pub(crate) fn new<T>(name: &'a str, mut work: impl FnMut() -> T + 'a) -> Self {
        Self {
            name,
            work: Box::new(move || {
                black_box(work());
            }),
        }
    }
}

/// The time of one call of each subject in its fastest run, in microseconds.
pub(crate) fn fastest(subjects: &mut [Subject<'_>]) -> Vec<f64> {
    let calls: Vec<u32> = subjects
        .iter_mut()
        .map(|s| calls_per_run(&mut *s.work))
        .collect();
    let mut fastest = vec![f64::INFINITY; subjects.len()];
    for _ in 0..RUNS {
        for ((subject, calls), fastest) in subjects.iter_mut().zip(&calls).zip(&mut fastest) {
            let started = Instant::now();
            for _ in 0..*calls {
                (subject.work)();
            }
            let microseconds = started.elapsed().as_secs_f64() * 1e6;
            *fastest = fastest.min(microseconds / f64::from(*calls));
        }
    }
    fastest
}

/// The middle of the values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn calls_per_run(work: &mut dyn FnMut()) -> u32 {
    let mut calls = 1u32;
    loop {
        let started = Instant::now();
        for _ in 0..calls {
            work();
        }
        let elapsed = started.elapsed();
        if elapsed * 8 >= RUN {
            let fits = RUN.as_secs_f64() / elapsed.as_secs_f64() * f64::from(calls);
            return (fits as u32).max(1);
        }
        calls = calls.saturating_mul(2);
    }
}
