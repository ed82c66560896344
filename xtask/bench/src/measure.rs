//! Measuring: medians over runs that take turns, so that a busy moment meets all of them.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long one run of one subject takes, about.
const RUN: Duration = Duration::from_millis(60);
/// How many runs each subject has.
const RUNS: usize = 15;

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

/// The median time of one call of each subject, in microseconds.
pub(crate) fn medians(subjects: &mut [Subject<'_>]) -> Vec<f64> {
    let calls: Vec<u32> = subjects
        .iter_mut()
        .map(|s| calls_per_run(&mut *s.work))
        .collect();
    let mut times = vec![Vec::with_capacity(RUNS); subjects.len()];
    for _ in 0..RUNS {
        for ((subject, calls), times) in subjects.iter_mut().zip(&calls).zip(&mut times) {
            let started = Instant::now();
            for _ in 0..*calls {
                (subject.work)();
            }
            let microseconds = started.elapsed().as_secs_f64() * 1e6;
            times.push(microseconds / f64::from(*calls));
        }
    }
    times.into_iter().map(median).collect()
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
