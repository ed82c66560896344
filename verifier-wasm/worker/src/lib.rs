//! The verifier as a Cloudflare Worker.
