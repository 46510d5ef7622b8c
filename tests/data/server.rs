//! A web server on this machine that answers as a test wants, one request a connection.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A server that runs until the tests end.
pub struct Server {
    /// The address of the file that it has.
    pub url: String,
    ranges: Arc<Mutex<Vec<Option<usize>>>>,
}

impl Server {
    /// Starts a server whose answer depends on the byte from which the rest is asked for, if so.
    pub fn start(answer: impl Fn(Option<usize>) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/set.tar.gz", listener.local_addr().unwrap());
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&ranges);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let range = read_range(&stream);
                asked.lock().unwrap().push(range);
                // The client may hang up before it has read everything.
                let _ = answer(range).send(&mut stream);
            }
        });
        Self { url, ranges }
    }

    /// From where on each request so far asked for the rest.
    pub fn asked(&self) -> Vec<Option<usize>> {
        self.ranges.lock().unwrap().clone()
    }
}

/// Reads the head of a request and finds its range.
fn read_range(stream: &TcpStream) -> Option<usize> {
    let mut range = None;
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(start) = line.strip_prefix("range: bytes=") {
            range = Some(start.trim_end_matches('-').parse().unwrap());
        }
    }
    range
}

/// What the server sends.
pub struct Answer {
    head: String,
    body: Vec<u8>,
    /// So many bytes at once, with a pause after each.
    pieces: Option<(usize, Duration)>,
}

impl Answer {
    /// An answer with this status line and these headers, and a body that may contradict them.
    pub fn new(status: &str, headers: &[&str], body: &[u8]) -> Self {
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
        Self { head, body: body.to_vec(), pieces: None }
    }

    /// The whole file.
    pub fn whole(file: &[u8]) -> Self {
        Self::new("200 OK", &[&format!("Content-Length: {}", file.len())], file)
    }

    /// The file from `start` on.
    pub fn rest(file: &[u8], start: usize) -> Self {
        let (total, rest) = (file.len(), &file[start..]);
        let range = format!("Content-Range: bytes {start}-{}/{total}", total - 1);
        let length = format!("Content-Length: {}", rest.len());
        Self::new("206 Partial Content", &[&range, &length], rest)
    }

    /// This answer, with the connection cut after `bytes` of its body.
    pub fn cut(mut self, bytes: usize) -> Self {
        self.body.truncate(bytes);
        self
    }

    /// This answer with a pause after every so many bytes of its body, also after the last.
    pub fn slowly(mut self, bytes: usize, pause: Duration) -> Self {
        self.pieces = Some((bytes, pause));
        self
    }

    fn send(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        stream.write_all(self.head.as_bytes())?;
        let Some((bytes, pause)) = self.pieces else { return stream.write_all(&self.body) };
        for piece in self.body.chunks(bytes) {
            stream.write_all(piece)?;
            thread::sleep(pause);
        }
        Ok(())
    }
}
