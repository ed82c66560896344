//! The calls themselves (proxy-wasm/spec, `abi-versions/v0.2.1`), and all of the filter's `unsafe`.
#![expect(
    unsafe_code,
    reason = "Envoy's functions are imported, and take pointers"
)]

use std::ptr;

use proxy_wasm::types::MapType;

/// Envoy couldn't do it.
#[derive(Debug)]
pub(crate) struct Failed;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_header_map_pairs(map: MapType, data: *mut *mut u8, size: *mut usize) -> u32;

    fn proxy_remove_header_map_value(map: MapType, name: *const u8, name_size: usize) -> u32;

    fn proxy_replace_header_map_value(
        map: MapType,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;

    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
}

/// gRPC's clients are told what Envoy makes of the HTTP status.
const NO_GRPC_STATUS: i32 = -1;

fn done(status: u32) -> Result<(), Failed> {
    match status {
        0 => Ok(()),
        _ => Err(Failed),
    }
}

pub(super) fn header_map_pairs(map: MapType) -> Result<Vec<u8>, Failed> {
    let (mut data, mut size) = (ptr::null_mut(), 0);
    // SAFETY: Envoy writes both before it returns, or neither.
    done(unsafe { proxy_get_header_map_pairs(map, &raw mut data, &raw mut size) })?;
    if data.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: Envoy got `size` bytes from this module's `malloc`, which is the library's and takes
    // them from the allocator of vectors, filled them, and leaves them to us.
    Ok(unsafe { Vec::from_raw_parts(data, size, size) })
}

pub(super) fn remove_header_map_value(map: MapType, name: &[u8]) -> Result<(), Failed> {
    // SAFETY: Envoy reads so many bytes at the address, and keeps neither.
    done(unsafe { proxy_remove_header_map_value(map, name.as_ptr(), name.len()) })
}

pub(super) fn replace_header_map_value(
    map: MapType,
    name: &[u8],
    value: &[u8],
) -> Result<(), Failed> {
    let (name, name_size) = (name.as_ptr(), name.len());
    let (value, value_size) = (value.as_ptr(), value.len());
    // SAFETY: Envoy reads so many bytes at the addresses, and keeps none.
    done(unsafe { proxy_replace_header_map_value(map, name, name_size, value, value_size) })
}

pub(super) fn send_local_response(
    status: u16,
    details: &str,
    body: &str,
    headers: &[u8],
) -> Result<(), Failed> {
    // SAFETY: Envoy reads so many bytes at the addresses, and keeps none.
    done(unsafe {
        proxy_send_local_response(
            status.into(),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            NO_GRPC_STATUS,
        )
    })
}
