//! `<prompts>`: what parties are told, in which language.
use crate::policy::facts::PROMPT_NOTICE;
use crate::policy::fault::{PolicyFault, quoted};
use crate::policy::parse::{is_language, no_text, only_attributes};
use crate::policy::raw::RawElement;
use crate::policy::{Policy, Prompt, Uninformed};

/// Reads the prompts, and asks for the one that the policy's other words rely on.
pub(super) fn read_prompts(
    section: Option<&RawElement>,
    policy: &Policy,
    faults: &mut Vec<PolicyFault>,
) -> Vec<Prompt> {
    let before = faults.len();
    let mut prompts: Vec<Prompt> = Vec::new();
    let elements = section.map_or(&[][..], |section| &section.children);
    for (position, element) in elements.iter().enumerate() {
        let Some(prompt) = read_prompt(position + 1, element, faults) else { continue };
        if prompts.iter().any(|other| other.id == prompt.id && other.language == prompt.language) {
            let found = format!("a second one in language {}", quoted(&prompt.language));
            faults.push(PolicyFault::new(path_of(&prompt.id), found, "one for each language"));
        } else {
            prompts.push(prompt);
        }
    }
    let told = prompts.iter().any(|p| p.id == PROMPT_NOTICE && p.language == policy.default_language);
    if !told && policy.uninformed != Uninformed::Record && faults.len() == before {
        let right = format!(
            "<prompt id=\"{PROMPT_NOTICE}\" language=\"{}\" file=\"…\"/>, for parties must be told",
            policy.default_language
        );
        faults.push(PolicyFault::new(path_of(PROMPT_NOTICE), "none in the default language", right));
    }
    prompts
}

fn read_prompt(position: usize, element: &RawElement, faults: &mut Vec<PolicyFault>) -> Option<Prompt> {
    let before = faults.len();
    if element.name != "prompt" {
        let path = format!("prompts/{}[#{position}]", element.name);
        faults.push(PolicyFault::new(path, "an unknown element", "<prompt id=\"…\" language=\"…\" file=\"…\"/>"));
        return None;
    }
    let id = element.attribute("id").unwrap_or_default();
    let path = if id.is_empty() { format!("prompts/prompt[#{position}]") } else { path_of(id) };
    only_attributes(element, &path, &["id", "language", "file", "version"], faults);
    no_text(element, &path, faults);
    if !element.children.is_empty() {
        faults.push(PolicyFault::new(&path, "elements inside", "<prompt id=\"…\" language=\"…\" file=\"…\"/>"));
    }
    let mut part = |name: &str, default: Option<&str>, good: fn(&str) -> bool, right: &str| {
        let value = element.attribute(name).or(default);
        if let Some(value) = value.filter(|value| good(value)) {
            return value.to_owned();
        }
        let found = value.map_or_else(|| format!("no {name}"), |value| format!("{name} {}", quoted(value)));
        faults.push(PolicyFault::new(&path, found, right));
        String::new()
    };
    let prompt = Prompt {
        id: part("id", None, is_id, "an id of lower-case letters, digits and hyphens, as \"notice\""),
        language: part("language", None, is_language, "a language as \"nl\" or \"en-GB\""),
        file: part("file", None, is_source, "a file's absolute path, or a source as tone_stream://…"),
        version: part("version", Some("1"), is_version, "a version of 1 to 64 printable characters"),
    };
    (faults.len() == before).then_some(prompt)
}

fn path_of(id: &str) -> String {
    format!("prompts/prompt[{}]", id.chars().take(60).filter(|c| !c.is_control()).collect::<String>())
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

pub(super) fn is_source(text: &str) -> bool {
    let scheme = text.split_once("://").is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    });
    let file = text.starts_with('/') && !text.ends_with('/') && !text.split('/').any(|part| part == "..");
    (scheme || file) && text.len() <= 1024 && !text.chars().any(char::is_control) && !text.contains("${")
}

fn is_version(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}
