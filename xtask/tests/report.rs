//! A report that is served while a sweep trains.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use results::Results;
use resweep::records::Status;

#[path = "../../tests/common/results.rs"]
mod results;

/// What a server answers to a request for a path with a host.
fn ask(port: u16, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_page_that_is_watched_follows_the_sweep() {
    let made = Results::new("made");
    let mut server = Command::new(assert_cmd::cargo::cargo_bin("xtask"))
        .args(["report", made.path().to_str().unwrap(), "--watch", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = Vec::new();
    let output = server.stdout.as_mut().unwrap();
    let begun = Instant::now();
    while !line.ends_with(b"\n") && begun.elapsed() < Duration::from_secs(30) {
        let mut byte = [0];
        output.read_exact(&mut byte).unwrap();
        line.extend(byte);
    }
    let line = String::from_utf8(line).unwrap();
    let port = line.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.split('/').next());
    let port: u16 = port.unwrap_or_else(|| panic!("{line}")).parse().unwrap();
    let own = format!("127.0.0.1:{port}");
    // Nothing has begun yet.
    assert!(ask(port, "/", &own).contains("0 experiments, 0 runs that ended well"));
    made.run("net1", 0, Status::Ok, &[50.0, 58.0]);
    let (version, page) = (ask(port, "/version", &own), ask(port, "/", &own));
    assert!(page.contains("connect-src 'self'") && page.contains("58.00"), "{page}");
    assert_eq!(ask(port, "/version", &own), version);
    made.run("net1", 3, Status::Ok, &[1.0]);
    assert_ne!(ask(port, "/version", &own), version);
    let page = ask(port, "/", &format!("localhost:{port}"));
    assert!(page.contains("2 runs that ended well"), "{page}");
    assert!(ask(port, "/", "example.org").starts_with("HTTP/1.1 403"));
    assert!(ask(port, "/../record.ron", &own).starts_with("HTTP/1.1 404"));
    server.kill().unwrap();
    server.wait().unwrap();
}
