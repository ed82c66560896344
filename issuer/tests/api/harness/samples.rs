//! Whether two samples of times are of one distribution: the Mann–Whitney test all but rules out
//! chance, and the medians lie apart by more than the clock's noise. `SIGNET_PROVE` makes the samples
//! large, and the difference that counts small.

/// How large samples are, and what difference of the medians counts.
pub(crate) struct Precision {
    pub(crate) samples: usize,
    relative: f64,
}

pub(crate) fn precision() -> Precision {
    match std::env::var_os("SIGNET_PROVE") {
        Some(_) => Precision {
            samples: 1_500,
            relative: 0.02,
        },
        None => Precision {
            samples: 120,
            relative: 0.10,
        },
    }
}

/// How far the rank sum may be from what chance makes of it, in standard deviations: beyond this
/// is once in 30,000 comparisons.
const MOST_DEVIATIONS: f64 = 4.0;

/// What sets two samples apart, if anything does.
pub(crate) fn difference(times: &[Vec<f64>; 2]) -> Option<String> {
    let [left, right] = [median(&times[0]), median(&times[1])];
    let relative = (left - right).abs() / left.min(right);
    let deviations = deviations(times);
    (deviations.abs() > MOST_DEVIATIONS && relative > precision().relative)
        .then(|| format!("{left:.6} s and {right:.6} s, {deviations:.1} standard deviations apart"))
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// How many standard deviations Mann and Whitney's U is from its mean, if both samples are of one
/// distribution (normal approximation; ties are rare among nanoseconds).
fn deviations([left, right]: &[Vec<f64>; 2]) -> f64 {
    let mut all: Vec<(f64, bool)> = left.iter().map(|time| (*time, true)).collect();
    all.extend(right.iter().map(|time| (*time, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rank, mut rank_sum) = (0.0, 0.0);
    for (_, is_left) in all {
        rank += 1.0;
        rank_sum += if is_left { rank } else { 0.0 };
    }
    let (n, m) = (count(left), count(right));
    let u = rank_sum - n * (n + 1.0) / 2.0;
    let deviation = (n * m * (n + m + 1.0) / 12.0).sqrt();
    (u - n * m / 2.0) / deviation
}

fn count(times: &[f64]) -> f64 {
    f64::from(u32::try_from(times.len()).unwrap())
}

#[test]
fn samples_that_differ_are_told_from_those_that_do_not() {
    let sample = |shift: f64| -> Vec<f64> {
        let noise = (0..120u32).map(|n| f64::from(n * 7_919 % 120) / 400.0);
        noise.map(|noise| 1.0 + shift + noise).collect()
    };
    assert_eq!(difference(&[sample(0.0), sample(0.0)]), None);
    assert_eq!(difference(&[sample(0.0), sample(0.01)]), None);
    assert!(difference(&[sample(0.0), sample(0.5)]).is_some());
    assert!(difference(&[sample(0.5), sample(0.0)]).is_some());
}
