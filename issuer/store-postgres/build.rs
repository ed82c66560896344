//! The migrations are compiled in; a new one alone has to cause that too.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/postgres");
}
