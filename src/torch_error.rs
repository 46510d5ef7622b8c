//! What libtorch says, made fit for people.

use tch::TchError;

/// The first line of what libtorch reports: its messages carry backtraces, and may dump tensors.
/// At most 300 characters.
pub fn first_line(error: &TchError) -> String {
    let text = match error {
        TchError::Torch(text) => text.clone(),
        other => other.to_string(),
    };
    let line =
        text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("an unknown error");
    line.chars().take(300).collect()
}
