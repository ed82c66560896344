//! The verifier as a filter of Envoy.
