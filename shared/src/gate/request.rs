//! What a host knows of a request before its body.

/// The head of a request, as it came over the wire.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a [u8],
    /// The path with its query, before anything was decoded or resolved.
    pub target: &'a [u8],
    /// Names and values, one pair for each header line; names in any case.
    pub headers: &'a [(&'a [u8], &'a [u8])],
}
