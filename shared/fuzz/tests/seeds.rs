//! Every seed of every target, without libFuzzer.

use signet_fuzz::TARGETS;

#[test]
fn every_seed_passes_its_target() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(seeds.len() > 10, "{} has few seeds", target.name);
        seeds.iter().for_each(|seed| (target.check)(seed));
    }
}
