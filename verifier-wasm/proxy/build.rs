//! Bounds what the filter may take of a proxy's memory.
//!
//! A thread needs some 8 MiB: 2 for remembered tokens, 1 for the tables of keys, the rest for the
//! largest feed while it is read. Whatever would grow beyond this ends its virtual machine, which
//! Envoy starts anew, and not the proxy.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("wasm") {
        println!("cargo::rustc-link-arg-cdylib=--max-memory={}", 64 << 20);
    }
}
