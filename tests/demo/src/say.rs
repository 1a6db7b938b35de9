//! What the demonstration prints.
#![allow(clippy::print_stdout, reason = "this program's purpose is to print")]

/// A headline.
pub fn title(text: &str) {
    println!("\n== {text}");
}

/// A line of what is shown.
pub fn line(text: &str) {
    println!("{text}");
}

/// What a person types, and what is answered.
pub fn typed(prompt: &str, command: &str, answer: &str) {
    println!("{prompt}> {command}");
    println!("{}", answer.trim_end());
}
