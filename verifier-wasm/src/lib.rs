//! The verifier for JavaScript.
