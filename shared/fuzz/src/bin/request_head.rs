//! See the module of the same name in `targets`.

#![cfg_attr(fuzzing, no_main)]

signet_fuzz::fuzz!(signet_fuzz::targets::request_head::TARGET);
