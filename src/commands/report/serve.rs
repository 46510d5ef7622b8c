//! A report that is served on this machine alone, and follows the sweep.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use tiny_http::{Header, Method, Request, Response, Server};

use super::{Error, text};
use crate::cli::ReportArgs;
use crate::commands::results;
use crate::saved::{self, RunFile, hex};

/// A page with the state of the folder that it is of.
struct Page {
    version: String,
    text: String,
}

/// Serves until it is stopped.
pub(super) fn serve(args: &ReportArgs) -> Result<(), Error> {
    let mut page = made(args, None)?;
    let address = |why: String| Error::Address { port: args.port, why };
    let server =
        Server::http(("127.0.0.1", args.port)).map_err(|error| address(error.to_string()))?;
    let port = server.server_addr().to_ip().map_or(args.port, |address| address.port());
    println!(
        "http://127.0.0.1:{port}/ shows {} and follows it; Ctrl-C ends it",
        args.results.display()
    );
    for request in server.incoming_requests() {
        answer(args, &mut page, port, request);
    }
    Ok(())
}

/// Answers a request; what cannot be sent is lost.
fn answer(args: &ReportArgs, page: &mut Page, port: u16, request: Request) {
    let host = request.headers().iter().find(|header| header.field.equiv("Host"));
    let host = host.map(|header| header.value.as_str().to_owned()).unwrap_or_default();
    let own = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    // A page from elsewhere may have had this address put in the place of its own.
    let is_own = own.contains(&host);
    let response = match (is_own, request.method(), request.url()) {
        (false, ..) => plain("this address is served for this machine alone", 403),
        (true, Method::Get | Method::Head, "/version") => plain(&version(args), 200),
        (true, Method::Get | Method::Head, "/") => {
            // Where it cannot be read just now, the last that could be is shown.
            if let Ok(next) = made(args, Some(page)) {
                *page = next;
            }
            plain(&page.text, 200).with_header(header("Content-Type", "text/html; charset=utf-8"))
        }
        (true, Method::Get | Method::Head, _) => plain("there is nothing here", 404),
        _ => plain("this can only be read", 405),
    };
    let response = response
        .with_header(header("Cache-Control", "no-store"))
        .with_header(header("X-Content-Type-Options", "nosniff"));
    let _ = request.respond(response);
}

fn plain(text: &str, status: u16) -> Response<std::io::Cursor<Vec<u8>>> {
    Response::from_string(text).with_status_code(status)
}

#[allow(clippy::expect_used)]
fn header(name: &'static str, value: &'static str) -> Header {
    Header::from_bytes(name, value).expect("a header of ASCII")
}

/// The page, made anew where the folder has changed since.
fn made(args: &ReportArgs, before: Option<&Page>) -> Result<Page, Error> {
    let version = version(args);
    if let Some(page) = before.filter(|page| page.version == version) {
        return Ok(Page { version, text: page.text.clone() });
    }
    let (_, text, unreadable) = text(args, true)?;
    unreadable.iter().for_each(|fault| eprintln!("warning: {fault}"));
    Ok(Page { version, text })
}

/// Changes when a run gets on or ends.
fn version(args: &ReportArgs) -> String {
    let Ok(path) = results::find(&args.results) else { return String::new() };
    let mut hash = Sha256::new();
    for folder in folders(&saved::runs(&path)) {
        for file in [RunFile::Record, RunFile::Epochs] {
            let known = fs::metadata(folder.join(file.name()));
            let changed = known.ok().map(|known| (known.len(), known.modified().ok()));
            let since = changed.map(|(size, at)| {
                let at = at.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
                (size, at.map(|at| at.as_nanos()))
            });
            hash.update(format!("{} {since:?}\n", folder.display()));
        }
    }
    hex(&hash.finalize())
}

fn folders(runs: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).collect();
    folders.sort();
    folders
}
