//! Modules: loaded, unloaded, their commands and applications found.
use std::ffi::{CString, c_char, c_void};
use std::ptr;

use callvault_stand_in::bindings as host;

use crate::leg::Leg;
use crate::lock::Lock;
use crate::log;
use crate::text::{c_string, text};
use crate::world::{locked, world};

/// What is loaded, and what a module that is being loaded made.
#[derive(Default)]
pub struct Modules {
    loaded: Vec<Loaded>,
    making: Option<Loaded>,
}

struct Loaded {
    name: String,
    image: usize,
    shutdown: Option<unsafe extern "C" fn() -> host::switch_status_t>,
    interface: usize,
    lock: &'static Lock,
    apis: Vec<usize>,
    applications: Vec<usize>,
}

type ModuleInterface = *mut host::switch_loadable_module_interface_t;

/// A module's interface, made in its load.
pub fn module_interface(name: &str) -> ModuleInterface {
    let lock = Lock::forever();
    // SAFETY: all zeros is a value of this plain C structure. It is never freed, as a module may come back to it.
    let interface = unsafe {
        let mut interface: host::switch_loadable_module_interface_t = std::mem::zeroed();
        interface.module_name = c_string(name).into_raw();
        interface.rwlock = ptr::from_ref(lock).cast_mut().cast();
        Box::into_raw(Box::new(interface))
    };
    locked(&world().modules).making = Some(Loaded {
        name: name.into(),
        image: 0,
        shutdown: None,
        interface: interface as usize,
        lock,
        apis: Vec::new(),
        applications: Vec::new(),
    });
    interface
}

/// One of its interfaces, empty.
///
/// # Safety
/// `module` came from [`module_interface`].
pub unsafe fn interface(module: ModuleInterface, kind: host::switch_module_interface_name_t) -> *mut c_void {
    let mut modules = locked(&world().modules);
    let Some(making) = modules.making.as_mut().filter(|making| making.interface == module as usize) else {
        return ptr::null_mut();
    };
    let lock = ptr::from_ref(Lock::forever()).cast_mut().cast();
    // SAFETY: all zeros is a value of these plain C structures; they are never freed.
    unsafe {
        match kind {
            host::SWITCH_API_INTERFACE => {
                let mut api: host::switch_api_interface_t = std::mem::zeroed();
                (api.rwlock, api.parent) = (lock, module);
                let api = Box::into_raw(Box::new(api));
                making.apis.push(api as usize);
                api.cast()
            }
            host::SWITCH_APPLICATION_INTERFACE => {
                let mut application: host::switch_application_interface_t = std::mem::zeroed();
                (application.rwlock, application.parent) = (lock, module);
                let application = Box::into_raw(Box::new(application));
                making.applications.push(application as usize);
                application.cast()
            }
            _ => ptr::null_mut(),
        }
    }
}

pub fn exists(name: &str) -> bool {
    locked(&world().modules).loaded.iter().any(|own| own.name == name)
}

/// `load NAME`, with the answer that the host gives.
pub fn load(name: &str) -> String {
    if exists(name) {
        return "+OK Reloading XML\n-ERR [Module already loaded]\n".into();
    }
    match start(name) {
        Ok(()) => "+OK Reloading XML\n+OK\n".into(),
        Err(fault) => {
            log::write("CRIT", &format!("Error Loading module {name}\n**{fault}**"));
            format!("+OK Reloading XML\n-ERR [{fault}]\n")
        }
    }
}

fn start(name: &str) -> Result<(), String> {
    let path = world().places.modules.join(format!("{name}.so"));
    let file = c_string(&path.to_string_lossy());
    let symbol = c_string(&format!("{name}_module_interface"));
    // SAFETY: strings are alive; the image is the module that was asked for, whose table is of the host's type.
    unsafe {
        let image = libc::dlopen(file.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        if image.is_null() {
            return Err(text(libc::dlerror()).unwrap_or_default());
        }
        let table = libc::dlsym(image, symbol.as_ptr()).cast::<host::switch_loadable_module_function_table>();
        let Some(table) = table.as_ref() else { return Err("module has no table".into()) };
        let Some(load) = table.load else { return Err("module has no load routine".into()) };
        let mut interface = ptr::null_mut();
        let mut pool = ptr::null_mut();
        crate::exports::new_pool(&raw mut pool);
        let status = load(&raw mut interface, pool.cast());
        let making = locked(&world().modules).making.take();
        match making {
            Some(loaded) if status == host::SWITCH_STATUS_SUCCESS => {
                let loaded = Loaded { name: name.into(), image: image as usize, shutdown: table.shutdown, ..loaded };
                locked(&world().modules).loaded.push(loaded);
                Ok(())
            }
            _ => {
                libc::dlclose(image);
                Err("module load file routine returned an error".into())
            }
        }
    }
}

/// `unload [-f] NAME`, with the answer that the host gives.
pub fn unload(name: &str, force: bool) -> String {
    let mut modules = locked(&world().modules);
    let Some(place) = modules.loaded.iter().position(|own| own.name == name) else {
        return "-ERR [No such module!]\n".into();
    };
    let lock = modules.loaded[place].lock;
    if !force && !lock.try_write() {
        return "-ERR [Module in use.]\n".into();
    }
    if !force {
        lock.unlock();
    }
    let loaded = modules.loaded.remove(place);
    drop(modules);
    // SAFETY: the function is the module's, called once; the image is closed only where it says that it may.
    let status = unsafe { loaded.shutdown.map_or(host::SWITCH_STATUS_SUCCESS, |shutdown| shutdown()) };
    if status == host::SWITCH_STATUS_SUCCESS {
        // SAFETY: as above.
        unsafe { libc::dlclose(loaded.image as *mut c_void) };
    }
    "+OK\n".into()
}

/// Every module's end.
pub fn unload_all() {
    let names: Vec<String> = locked(&world().modules).loaded.iter().map(|own| own.name.clone()).collect();
    for name in names {
        unload(&name, true);
    }
}

/// The names of all commands or all applications.
pub fn names(of_commands: bool) -> Vec<String> {
    let modules = locked(&world().modules);
    let lists = modules.loaded.iter().flat_map(|own| if of_commands { &own.apis } else { &own.applications });
    // SAFETY: interfaces are never freed, and both kinds begin with their name.
    lists.filter_map(|&interface| unsafe { text(*(interface as *const *const c_char)) }).collect()
}

/// Runs a command of a module; none where no module has it.
pub fn command(name: &str, arguments: &str) -> Option<String> {
    let interface = find(name, |own| &own.apis)? as *mut host::switch_api_interface_t;
    let mut output: Vec<u8> = Vec::new();
    // SAFETY: interfaces are never freed; all zeros is a value of the plain C stream; the module writes to it through
    // `write_raw` while the function runs.
    unsafe {
        let function = (*interface).function?;
        let mut stream: host::switch_stream_handle_t = std::mem::zeroed();
        stream.raw_write_function = Some(write_raw);
        stream.data = (&raw mut output).cast();
        hold((*interface).parent, |_| {
            function(c_string(arguments).as_ptr(), ptr::null_mut(), &raw mut stream);
        });
    }
    Some(String::from_utf8_lossy(&output).into_owned())
}

unsafe extern "C" fn write_raw(
    stream: *mut host::switch_stream_handle_t,
    data: *mut u8,
    length: host::switch_size_t,
) -> host::switch_status_t {
    // SAFETY: the stream is `command`'s, the module's bytes are as many as it says.
    unsafe {
        let output = &mut *(*stream).data.cast::<Vec<u8>>();
        output.extend_from_slice(std::slice::from_raw_parts(data, length));
    }
    host::SWITCH_STATUS_SUCCESS
}

/// Runs an application of a module on a leg, where a module has it.
pub fn application(name: &str, leg: &'static Leg, arguments: &str) {
    let Some(interface) = find(name, |own| &own.applications) else { return };
    let interface = interface as *mut host::switch_application_interface_t;
    let arguments: CString = c_string(arguments);
    // SAFETY: interfaces are never freed; session and arguments live for the call.
    unsafe {
        if let Some(function) = (*interface).application_function {
            // As the host holds it (PROTECT_INTERFACE): a plain unload waits for who is in an application.
            let own = (*interface).rwlock.cast::<Lock>();
            hold((*interface).parent, |_| {
                (*own).read();
                function(leg.session(), arguments.as_ptr());
                (*own).unlock();
            });
        }
    }
}

/// With the module's lock held by a reader.
///
/// # Safety
/// `module` came from [`module_interface`].
unsafe fn hold(module: ModuleInterface, run: impl FnOnce(ModuleInterface)) {
    // SAFETY: by this function's contract the lock is one of ours, never freed.
    let lock = unsafe { &*(*module).rwlock.cast::<Lock>() };
    lock.read();
    run(module);
    lock.unlock();
}

fn find(name: &str, list: impl Fn(&Loaded) -> &Vec<usize>) -> Option<usize> {
    let modules = locked(&world().modules);
    // SAFETY: interfaces are never freed, and both kinds begin with their name.
    let named = |interface: usize| unsafe { text(*(interface as *const *const c_char)) }.is_some_and(|own| own == name);
    modules.loaded.iter().flat_map(list).copied().find(|&interface| named(interface))
}
