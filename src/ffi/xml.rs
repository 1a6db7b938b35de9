//! The host's parsed XML as a plain tree (so that `$${vars}`, xml_curl and `reloadxml` work).
use std::ffi::CStr;
use std::ptr;

use callvault_recorder::policy::RawElement;

use super::bindings as host;
use super::text::{c_string, readable};

/// Elements below one another at most: a configuration has four.
const DEEPEST: usize = 16;

/// Reads `autoload_configs/<name>.xml` through the host; `None` where there is none.
pub fn open_config(name: &str) -> Option<RawElement> {
    let name = c_string(name);
    let mut node = ptr::null_mut();
    // SAFETY: the root is ours until it is freed below; nodes live as long as their root.
    unsafe {
        let root = host::switch_xml_open_cfg(name.as_ptr(), &raw mut node, ptr::null_mut());
        if root.is_null() {
            return None;
        }
        let element = (!node.is_null()).then(|| element(node, 0));
        host::switch_xml_free(root);
        element
    }
}

/// # Safety
/// `node` is an element of a living tree.
unsafe fn element(node: host::switch_xml_t, depth: usize) -> RawElement {
    // SAFETY: by this function's contract.
    let xml = unsafe { &*node };
    let mut attributes = Vec::new();
    let mut at = xml.attr;
    // SAFETY: the list is null or pairs of strings, ended by a null.
    unsafe {
        while !at.is_null() && !(*at).is_null() && !(*at.add(1)).is_null() {
            attributes.push((value(*at), value(*at.add(1))));
            at = at.add(2);
        }
    }
    let mut children = Vec::new();
    let mut child = xml.child;
    while !child.is_null() && depth < DEEPEST {
        // SAFETY: children live with their tree; `ordered` leads through all of them as written.
        unsafe {
            children.push(element(child, depth + 1));
            child = (*child).ordered;
        }
    }
    // SAFETY: the name is null or NUL-terminated.
    let (name, text) = unsafe { (value(xml.name), value(xml.txt)) };
    RawElement { name, attributes, children, text }
}

/// # Safety
/// `text` is null or NUL-terminated.
unsafe fn value(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: by this function's contract. A configuration's values are not cut: a regular expression may be long.
    readable(unsafe { CStr::from_ptr(text) }.to_bytes())
}
