//! What the host is told: modules, one SIP profile on 127.0.0.1, a dialplan.
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::installation::Installation;
use crate::Proof;
use crate::sip::UserAgent;

/// Modules that every test's host loads where they are installed; mod_callvault is loaded by who tests it.
const MODULES: [&str; 14] = [
    "mod_logfile",
    "mod_event_socket",
    "mod_commands",
    "mod_dptools",
    "mod_dialplan_xml",
    "mod_loopback",
    "mod_sndfile",
    "mod_native_file",
    "mod_tone_stream",
    "mod_conference",
    "mod_fifo",
    "mod_opus",
    "mod_spandsp",
    "mod_sofia",
];

/// What a party on hold hears from the host: none of the parties' tones.
const HOLD_MUSIC: &str = "tone_stream://%(1000,0,620);loops=-1";

/// A host's configuration before it starts.
#[derive(Debug, Clone)]
pub struct Configuration {
    extensions: Vec<(String, Vec<(String, String)>)>,
    users: Vec<(String, String)>,
    profile: Vec<(String, String)>,
    switch: Vec<(String, String)>,
    files: Vec<(String, String)>,
    module: Option<PathBuf>,
    browsers: bool,
}

/// The ports of one instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub sip: u16,
    /// SIP over WebSockets.
    pub browsers: u16,
    pub events: u16,
    /// First and last RTP port.
    pub media: (u16, u16),
}

impl Default for Configuration {
    fn default() -> Self {
        Self::new()
    }
}

impl Configuration {
    /// Extensions `echo`, `park` and `conference-NAME`, and all codecs of the user agent.
    pub fn new() -> Self {
        let bare = Self {
            extensions: Vec::new(),
            users: Vec::new(),
            profile: vec![("codec-prefs".into(), "PCMU,PCMA,G722,OPUS,L16,L16@16000h".into())],
            switch: Vec::new(),
            files: Vec::new(),
            module: None,
            browsers: false,
        };
        bare.extension("echo", &[("answer", ""), ("echo", "")])
            .extension("park", &[("answer", ""), ("park", "")])
            .extension("conference-(.+)", &[("answer", ""), ("conference", "$1@default")])
    }

    /// One extension more: the whole dialled number as a regular expression, and its applications in order.
    #[must_use]
    pub fn extension(mut self, number: &str, applications: &[(&str, &str)]) -> Self {
        let applications = applications.iter().map(|&(name, data)| (name.into(), data.into())).collect();
        self.extensions.push((number.into(), applications));
        self
    }

    /// An extension that bridges to a user agent, named as the agent is.
    #[must_use]
    pub fn bridging_to(self, agent: &UserAgent) -> Self {
        let dial = agent.dial_string();
        self.extension(agent.name(), &[("bridge", &dial)])
    }

    /// A user of the host's directory: `user/NAME` rings the agent.
    #[must_use]
    pub fn user(mut self, agent: &UserAgent) -> Self {
        self.users.push((agent.name().into(), agent.dial_string()));
        self
    }

    /// With browsers as parties: SIP over WebSockets, whoever registers is rung by its name, ICE and DTLS on this machine.
    #[must_use]
    pub fn for_browsers(mut self) -> Self {
        self.browsers = true;
        self.profile_parameter("accept-blind-reg", "true")
            .profile_parameter("apply-candidate-acl", "loopback.auto")
            .profile_parameter("codec-prefs", "OPUS,PCMU,PCMA")
    }

    /// A parameter of the SIP profile.
    #[must_use]
    pub fn profile_parameter(mut self, name: &str, value: &str) -> Self {
        self.profile.retain(|(own, _)| own != name);
        self.profile.push((name.into(), value.into()));
        self
    }

    /// A parameter of `switch.conf`.
    #[must_use]
    pub fn switch_parameter(mut self, name: &str, value: &str) -> Self {
        self.switch.push((name.into(), value.into()));
        self
    }

    /// A file of `autoload_configs`.
    #[must_use]
    pub fn file(mut self, name: &str, content: &str) -> Self {
        self.files.retain(|(own, _)| own != name);
        self.files.push((name.into(), content.into()));
        self
    }

    /// A build of mod_callvault, to be found by `load mod_callvault`.
    #[must_use]
    pub fn with_module(mut self, module: &Path) -> Self {
        self.module = Some(module.into());
        self
    }

    pub(super) fn write(&self, conf: &Path, logs: &Path, ports: Ports, installation: &Installation) -> Proof {
        let autoload = conf.join("autoload_configs");
        std::fs::create_dir_all(&autoload)?;
        std::fs::write(conf.join("freeswitch.xml"), self.document())?;
        let write = |name: &str, content: String| std::fs::write(autoload.join(name), content);
        let loads: String = MODULES
            .iter()
            .filter(|module| installation.has(module))
            .map(|module| format!("    <load module=\"{module}\"/>\n"))
            .collect();
        write("modules.conf.xml", configuration("modules.conf", &format!("  <modules>\n{loads}  </modules>\n")))?;
        let media = [("rtp-start-port", ports.media.0.to_string()), ("rtp-end-port", ports.media.1.to_string())];
        let own = [
            ("loglevel", "debug"),
            ("max-sessions", "1000"),
            ("sessions-per-second", "200"),
            // Others on this machine may hold a port of the range.
            ("rtp-port-usage-robustness", "true"),
        ];
        let switch = own
            .map(|(name, value)| (name, value.to_owned()))
            .into_iter()
            .chain(media)
            .map(|(name, value)| (name.to_owned(), value))
            .chain(self.switch.iter().cloned());
        write("switch.conf.xml", configuration("switch.conf", &settings(switch)))?;
        let events = [("listen-ip", "127.0.0.1".to_owned()), ("listen-port", ports.events.to_string())]
            .into_iter()
            .chain([("password", super::esl::PASSWORD.to_owned()), ("nat-map", "false".into())])
            .map(|(name, value)| (name.to_owned(), value));
        write("event_socket.conf.xml", configuration("event_socket.conf", &settings(events)))?;
        write("sofia.conf.xml", configuration("sofia.conf", &self.sofia(ports)))?;
        write("logfile.conf.xml", configuration("logfile.conf", &logfile(logs)))?;
        write("conference.conf.xml", configuration("conference.conf", CONFERENCE))?;
        write("fifo.conf.xml", configuration("fifo.conf", "  <settings/>\n  <fifos/>\n"))?;
        write("opus.conf.xml", configuration("opus.conf", "  <settings/>\n"))?;
        write("spandsp.conf.xml", configuration("spandsp.conf", "  <modem-settings/>\n"))?;
        self.write_files(conf)
    }

    /// Only what a test put there itself, below `conf`.
    pub(crate) fn write_files(&self, conf: &Path) -> Proof {
        let autoload = conf.join("autoload_configs");
        std::fs::create_dir_all(&autoload)?;
        for (name, content) in &self.files {
            std::fs::write(autoload.join(name), content)?;
        }
        Ok(())
    }

    /// The build of mod_callvault, where one is to be found.
    pub(crate) fn module(&self) -> Option<&Path> {
        self.module.as_deref()
    }

    fn document(&self) -> String {
        let mut dialplan = String::new();
        for (number, applications) in &self.extensions {
            let number = attribute(number);
            let _ = writeln!(
                dialplan,
                "   <extension name=\"{number}\"><condition field=\"destination_number\" expression=\"^{number}$\">"
            );
            for (name, data) in applications {
                let _ = writeln!(dialplan, "    <action application=\"{name}\" data=\"{}\"/>", attribute(data));
            }
            dialplan += "   </condition></extension>\n";
        }
        let mut users = String::new();
        for (name, dial) in &self.users {
            let (name, dial) = (attribute(name), attribute(dial));
            let _ = writeln!(
                users,
                "   <user id=\"{name}\"><params><param name=\"dial-string\" value=\"{dial}\"/></params></user>"
            );
        }
        format!(
            "<document type=\"freeswitch/xml\">\n \
             <X-PRE-PROCESS cmd=\"set\" data=\"domain=127.0.0.1\"/>\n \
             <section name=\"configuration\">\n  <X-PRE-PROCESS cmd=\"include\" data=\"autoload_configs/*.xml\"/>\n \
             </section>\n \
             <section name=\"dialplan\">\n  <context name=\"default\">\n{dialplan}  </context>\n </section>\n \
             <section name=\"directory\">\n  <domain name=\"127.0.0.1\"><groups><group name=\"all\"><users>\n{users}  \
             </users></group></groups></domain>\n </section>\n</document>\n"
        )
    }

    fn sofia(&self, ports: Ports) -> String {
        let own = [
            ("sip-ip", "127.0.0.1"),
            ("rtp-ip", "127.0.0.1"),
            ("dialplan", "XML"),
            ("context", "default"),
            ("auth-calls", "false"),
            ("manage-presence", "false"),
            ("inbound-codec-negotiation", "generous"),
            ("inbound-late-negotiation", "true"),
            ("rtp-timer-name", "soft"),
            ("dtmf-type", "rfc2833"),
            ("liberal-dtmf", "true"),
            ("hold-music", HOLD_MUSIC),
            ("force-register-domain", "127.0.0.1"),
            // So a test knows a leg by the call id of its SIP dialog.
            ("inbound-use-callid-as-uuid", "true"),
            ("outbound-use-uuid-as-callid", "true"),
        ];
        let parameters = own
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .filter(|(name, _)| !self.profile.iter().any(|(own, _)| own == name))
            .chain([("sip-port".to_owned(), ports.sip.to_string())])
            .chain(self.browsers.then(|| ("ws-binding".to_owned(), format!("127.0.0.1:{}", ports.browsers))))
            .chain(self.profile.iter().cloned());
        format!("  <profiles>\n  <profile name=\"test\">\n{}  </profile>\n  </profiles>\n", settings(parameters))
    }
}

const CONFERENCE: &str = "  <caller-controls/>\n  <profiles>\n   <profile name=\"default\">\n    \
    <param name=\"rate\" value=\"8000\"/>\n    <param name=\"interval\" value=\"20\"/>\n    \
    <param name=\"energy-level\" value=\"0\"/>\n    <param name=\"comfort-noise\" value=\"false\"/>\n   \
    </profile>\n  </profiles>\n";

fn logfile(logs: &Path) -> String {
    let file = attribute(&logs.join("freeswitch.log").to_string_lossy());
    format!(
        "  <settings/>\n  <profiles><profile name=\"default\">\n   <settings><param name=\"logfile\" value=\"{file}\"/>\
         <param name=\"uuid\" value=\"true\"/></settings>\n   <mappings><map name=\"all\" \
         value=\"console,debug,info,notice,warning,err,crit,alert\"/></mappings>\n  </profile></profiles>\n"
    )
}

fn configuration(name: &str, content: &str) -> String {
    format!("<configuration name=\"{name}\" description=\"a test's\">\n{content}</configuration>\n")
}

fn settings(parameters: impl Iterator<Item = (String, String)>) -> String {
    let mut text = String::from("  <settings>\n");
    for (name, value) in parameters {
        let _ = writeln!(text, "    <param name=\"{name}\" value=\"{}\"/>", attribute(&value));
    }
    text + "  </settings>\n"
}

fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}
