//! Configuration: a file of `autoload_configs` as the host's tree.
use std::ffi::{CString, c_char};
use std::ptr;

use callvault_stand_in::bindings as host;

use super::all;
use crate::log;
use crate::text::{c_string, text};
use crate::world::world;

all! { switch_xml_open_cfg switch_xml_free }

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_xml_open_cfg(
    name: *const c_char,
    node: *mut host::switch_xml_t,
    _: *mut host::switch_event_t,
) -> host::switch_xml_t {
    // SAFETY: the caller's name is NUL-terminated and its place takes a node.
    unsafe {
        let name = text(name).unwrap_or_default();
        match open(&name) {
            Ok(root) => {
                *node = root;
                root
            }
            Err(fault) => {
                log::write("ERR", &format!("{name}: {fault}"));
                ptr::null_mut()
            }
        }
    }
}

fn open(name: &str) -> Result<host::switch_xml_t, Box<dyn std::error::Error>> {
    let file = world().places.conf.join("autoload_configs").join(name).with_extension("conf.xml");
    let written = with_variables(&std::fs::read_to_string(file)?);
    let document = roxmltree::Document::parse(&written)?;
    Ok(element(document.root_element()))
}

/// `$${name}` of the variables that a host always has.
fn with_variables(text: &str) -> String {
    let places = &world().places;
    let variables = [
        ("conf_dir", &places.conf),
        ("log_dir", &places.log),
        ("run_dir", &places.run),
        ("mod_dir", &places.modules),
        ("sounds_dir", &places.sounds),
    ];
    variables
        .iter()
        .fold(text.to_owned(), |text, (name, path)| text.replace(&format!("$${{{name}}}"), &path.to_string_lossy()))
}

fn element(node: roxmltree::Node<'_, '_>) -> host::switch_xml_t {
    // SAFETY: all zeros is a value of this plain C structure.
    let mut own: host::switch_xml = unsafe { std::mem::zeroed() };
    own.name = raw(node.tag_name().name());
    let said: String = node.children().filter_map(|child| child.text().filter(|_| child.is_text())).collect();
    own.txt = raw(&said);
    let mut attributes: Vec<*mut c_char> =
        node.attributes().flat_map(|attribute| [raw(attribute.name()), raw(attribute.value())]).collect();
    attributes.push(ptr::null_mut());
    own.attr = Box::into_raw(attributes.into_boxed_slice()).cast();
    let children: Vec<_> = node.children().filter(roxmltree::Node::is_element).map(element).collect();
    for pair in children.windows(2) {
        // SAFETY: both were just made.
        unsafe { (*pair[0]).ordered = pair[1] };
    }
    own.child = children.first().copied().unwrap_or(ptr::null_mut());
    Box::into_raw(Box::new(own))
}

fn raw(text: &str) -> *mut c_char {
    c_string(text).into_raw()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_xml_free(node: host::switch_xml_t) {
    if node.is_null() {
        return;
    }
    // SAFETY: the tree was made by `element` and is given back once, from its root.
    unsafe {
        let own = Box::from_raw(node);
        drop((CString::from_raw(own.name), CString::from_raw(own.txt)));
        let mut count = 0;
        while !(*own.attr.add(count)).is_null() {
            drop(CString::from_raw(*own.attr.add(count)));
            count += 1;
        }
        drop(Box::from_raw(ptr::slice_from_raw_parts_mut(own.attr, count + 1)));
        switch_xml_free(own.child);
        switch_xml_free(own.ordered);
    }
}
