//! XML as forgivingly as the host reads it: a comment ends at the first `-->` whatever is in it, text may stand
//! anywhere, an attribute may come twice. What it cannot make a tree of is refused, as the host refuses it.
use callvault_recorder::policy::RawElement;

/// The root element of a text, variables expanded; `None` where it is no XML to the host either.
pub fn read(text: &str) -> Option<RawElement> {
    let text = text.replace("$${sounds_dir}", "/usr/share/freeswitch/sounds");
    let mut rest = text.as_str();
    let mut open: Vec<RawElement> = vec![RawElement::new("")];
    while let Some(at) = rest.find('<') {
        open.last_mut()?.text.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = &comment[comment.find("-->")? + 3..];
        } else if let Some(end) = rest.strip_prefix("</") {
            let (name, after) = end.split_once('>')?;
            let element = open.pop()?;
            if element.name != name.trim_end() {
                return None;
            }
            open.last_mut()?.children.push(element);
            rest = after;
        } else {
            let (element, closed, after) = tag(&rest[1..])?;
            if closed {
                open.last_mut()?.children.push(element)
            } else {
                open.push(element)
            }
            rest = after;
        }
    }
    let outermost = open.pop().filter(|_| open.is_empty())?;
    let mut roots = outermost.children.into_iter();
    let root = roots.next()?;
    (roots.next().is_none() && outermost.text.trim().is_empty() && rest.trim().is_empty()).then_some(root)
}

/// A start tag behind its `<`: the element, whether it is closed, what comes after.
fn tag(text: &str) -> Option<(RawElement, bool, &str)> {
    let end = text.find(|c: char| c.is_whitespace() || c == '/' || c == '>')?;
    let mut element = RawElement::new(&text[..end]);
    let mut rest = text[end..].trim_start();
    if element.name.is_empty() {
        return None;
    }
    loop {
        if let Some(after) = rest.strip_prefix("/>") {
            return Some((element, true, after));
        }
        if let Some(after) = rest.strip_prefix('>') {
            return Some((element, false, after));
        }
        let (name, value) = rest.split_once('=')?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| *c == '"' || *c == '\'')?;
        let (value, after) = value[1..].split_once(quote)?;
        element = element.with(name.trim_end(), unescaped(value));
        rest = after.trim_start();
    }
}

fn unescaped(value: &str) -> String {
    value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
