//! Random models: convolutions, pools, normalisations, and graphs with random losses and optimizers. For each, the adapter and every SIMD level agree with the
//! reference implementation dispatch by dispatch, and the gradients with those in double precision. What fails is shrunk and
//! printed as a model file.
//!
//! The seed is fixed where `CI` is set; elsewhere `PROPTEST_RNG_SEED` and `PROPTEST_CASES` can set seed and number.

mod compare;
mod layers;
mod networks;
mod sample;
mod training;

use crate::support::adapter_with;
use compare::Tally;
use gpu_cnn::internals::plan::Profile;
use gpu_cnn::{Error, Model};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use sample::Sample;
use std::cell::RefCell;

/// Compares `count` models of `strategy`; those that a graph refuses as a wrong usage do not count.
fn check(count: u32, strategy: impl Strategy<Value = Sample>) {
    let usual = Config::default();
    let (max_global_rejects, max_shrink_time) = (100 * count, 30_000);
    let mut config = Config { failure_persistence: None, max_global_rejects, max_shrink_time, ..usual };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = count;
    }
    if std::env::var_os("CI").is_some() {
        config.rng_seed = RngSeed::Fixed(1);
    }
    let cases = config.cases as usize;
    let adapters = Profile::ADAPTERS.map(adapter_with);
    let tally = RefCell::new(Tally::default());
    let result = TestRunner::new(config).run(&strategy, |sample| {
        match sample.case().graph() {
            Ok(_) => {}
            Err(Error::Usage(message)) => return Err(TestCaseError::reject(message)),
            Err(other) => return Err(TestCaseError::fail(format!("not a usage error: {other}"))),
        }
        // The other profiles in turn, each on one of 16 samples.
        let adapter = match sample.turn % 8 {
            1 => adapters[1 + sample.turn / 8 % 2].as_ref(),
            _ => None,
        };
        let adapters: Vec<_> = adapters[0].iter().chain(adapter).collect();
        let found = compare::compare(&sample, &adapters).map_err(|e| TestCaseError::fail(e.to_string()))?;
        tally.borrow_mut().add(&found);
        match found.failures.is_empty() {
            true => Ok(()),
            false => Err(TestCaseError::fail(found.failures.join("\n"))),
        }
    });
    match result {
        Ok(()) => tally.into_inner().check(cases, adapters[0].is_some()),
        Err(TestError::Fail(reason, sample)) => panic!("{reason}\nThe smallest model that fails:\n{sample:?}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// At least `count` models of all strategies with their names, the same each time.
pub(crate) fn models(count: usize) -> Vec<(String, Model)> {
    let strategies = [
        ("convolutions", layers::convolutions().boxed()),
        ("pools", layers::pools().boxed()),
        ("normalizations", networks::normalizations().boxed()),
        ("graph", networks::graphs().boxed()),
    ];
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(5), ..Config::default() });
    let mut models = Vec::new();
    while models.len() < count {
        for (name, strategy) in &strategies {
            let model = Model::from(strategy.new_tree(&mut runner).expect("a sample").current().model);
            if model.graph().is_ok() {
                models.push((format!("random {name} {}", models.len()), model));
            }
        }
    }
    models
}

#[test]
fn random_convolutions_agree_on_every_backend() {
    check(500, layers::convolutions());
}

#[test]
fn random_pools_agree_on_every_backend() {
    check(300, layers::pools());
}

#[test]
fn random_normalizations_agree_on_every_backend() {
    check(200, networks::normalizations());
}

#[test]
fn random_graphs_agree_on_every_backend() {
    check(200, networks::graphs());
}
