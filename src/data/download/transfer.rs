//! Bringing the bytes of an archive to a file, over as many requests as it takes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use super::progress::Progress;
use super::{Archive, Patience, writing};
use crate::data::DataError;

/// A transfer that stalled is taken up again where it had brought as many bytes as this.
const WORTH: u64 = 1 << 20;

/// Brings the archive to the file `part`, going on behind the bytes that it has already. A transfer
/// that breaks off is taken up again as long as it brings more than the one before, one that stalls where
/// it has brought a good deal.
pub(super) fn complete(
    archive: &Archive,
    part: &Path,
    patience: &Patience,
) -> Result<(), DataError> {
    let agent = agent(patience);
    let mut progress = Progress::new(archive);
    loop {
        let before = length(part);
        if before == archive.bytes {
            return Ok(());
        }
        let outcome = advance(&agent, archive, part, before, patience, &mut progress);
        let gained = length(part).saturating_sub(before);
        match outcome {
            Ok(Step::Taken) => {}
            Ok(Step::Restart) => fs::remove_file(part).map_err(writing(part))?,
            Err(DataError::Interrupted { source, .. }) if is_worth(&source, gained) => {
                thread::sleep(patience.pause);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether a transfer that ended so, and had brought so many bytes, is taken up again.
fn is_worth(source: &io::Error, gained: u64) -> bool {
    gained >= if source.kind() == io::ErrorKind::TimedOut { WORTH } else { 1 }
}

/// How a request left the transfer.
enum Step {
    /// All the bytes are there.
    Taken,
    /// The server cannot go on from where the file ends: it has to be brought from the start.
    Restart,
}

/// Where the bytes of an answer belong.
enum Answer {
    /// Behind those that are there.
    Rest,
    /// In place of those that are there.
    Whole,
    /// Nowhere, the range that was asked for is not there.
    NoSuchRange,
}

fn agent(patience: &Patience) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .accept_encoding("identity")
        .timeout_connect(Some(patience.answer))
        .timeout_recv_response(Some(patience.answer))
        .timeout_per_read(Some(patience.stall));
    config.build().into()
}

/// Makes one request and writes what it brings.
fn advance(
    agent: &Agent,
    archive: &Archive,
    part: &Path,
    have: u64,
    patience: &Patience,
    progress: &mut Progress,
) -> Result<Step, DataError> {
    if have > archive.bytes {
        return Ok(Step::Restart);
    }
    let mut request = agent.get(&*archive.url);
    if have > 0 {
        request = request.header(header::RANGE, format!("bytes={have}-"));
    }
    let response = request.call().map_err(|source| DataError::Unreachable {
        url: archive.url.to_string(),
        source: Box::new(source),
    })?;
    let start = match classify(archive, &response, have)? {
        Answer::NoSuchRange => return Ok(Step::Restart),
        Answer::Rest => have,
        Answer::Whole => 0,
    };
    append(archive, part, start, response, patience, progress)
}

/// Tells what a server's answer is, before any of its body is read.
fn classify(archive: &Archive, answer: &Response<Body>, have: u64) -> Result<Answer, DataError> {
    let url = archive.url.to_string();
    match answer.status() {
        StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => return Ok(Answer::NoSuchRange),
        StatusCode::OK | StatusCode::PARTIAL_CONTENT => {}
        status => return Err(DataError::HttpStatus { url, status: status.as_u16() }),
    }
    let content_type = header(answer, header::CONTENT_TYPE).unwrap_or_default();
    if content_type.starts_with("text/") || content_type.contains("html") {
        return Err(DataError::NotAnArchive { url, content_type: content_type.to_owned() });
    }
    let (kind, announced) = match answer.status() {
        StatusCode::PARTIAL_CONTENT => match content_range(answer) {
            Some((start, total)) if start == have => (Answer::Rest, total),
            _ if have > 0 => return Ok(Answer::NoSuchRange),
            _ => return Err(DataError::HttpStatus { url, status: answer.status().as_u16() }),
        },
        _ => (Answer::Whole, answer.body().content_length()),
    };
    match announced {
        Some(found) if found != archive.bytes => {
            Err(DataError::WrongLength { url, found, expected: archive.bytes })
        }
        _ => Ok(kind),
    }
}

fn header(answer: &Response<Body>, name: header::HeaderName) -> Option<&str> {
    answer.headers().get(name)?.to_str().ok()
}

/// The start of a partial answer and the length of the whole: `bytes 100-199/200`, or `/*`.
/// Source: RFC 9110, section 14.4.
fn content_range(answer: &Response<Body>) -> Option<(u64, Option<u64>)> {
    let range = header(answer, header::CONTENT_RANGE)?.strip_prefix("bytes ")?;
    let (range, total) = range.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

/// Writes the body of an answer to `part` from byte `start` on; what stood there is dropped.
fn append(
    archive: &Archive,
    part: &Path,
    start: u64,
    answer: Response<Body>,
    patience: &Patience,
    progress: &mut Progress,
) -> Result<Step, DataError> {
    let mut file = open_at(part, start).map_err(writing(part))?;
    // One byte more than there should be shows a body that is too long.
    let mut body = answer.into_body().into_reader().take(archive.bytes - start + 1);
    let mut buffer = vec![0; 1 << 16];
    let (mut have, mut pace) = (start, Pace::new(patience, start));
    progress.at(have);
    while have <= archive.bytes {
        let read = body.read(&mut buffer).map_err(|error| stalled(error, patience));
        let is_last = |n: usize| n == 0 || have + n as u64 >= archive.bytes;
        let paced = |n| if is_last(n) { Ok(n) } else { pace.check(have + n as u64).map(|()| n) };
        let n = match read.and_then(paced) {
            Ok(0) => break,
            Ok(n) => n,
            Err(source) => return Err(interrupted(archive, part, have, source)),
        };
        file.write_all(&buffer[..n]).map_err(writing(part))?;
        have += n as u64;
        progress.at(have);
    }
    conclude(archive, part, have)
}

/// How quickly bytes come.
struct Pace {
    within: Duration,
    since: Instant,
    from: u64,
}

impl Pace {
    fn new(patience: &Patience, from: u64) -> Self {
        Self { within: patience.stall, since: Instant::now(), from }
    }

    /// Whether enough bytes came of late; so many are there.
    fn check(&mut self, have: u64) -> io::Result<()> {
        if self.since.elapsed() < self.within {
            return Ok(());
        }
        let came = have - self.from;
        (self.since, self.from) = (Instant::now(), have);
        if came >= Patience::SLOWEST {
            return Ok(());
        }
        let reason = format!("no more than {came} bytes came within {:?}", self.within);
        Err(io::Error::new(io::ErrorKind::TimedOut, reason))
    }
}

/// What reading reports, in words where nothing came.
fn stalled(error: io::Error, patience: &Patience) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    let is_timeout = matches!(inner, Some(ureq::Error::Timeout(_)));
    if !is_timeout && !matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) {
        return error;
    }
    let reason = format!("nothing came for {:?}", patience.stall);
    io::Error::new(io::ErrorKind::TimedOut, reason)
}

/// Compares what is there after the end of a body with what should be.
fn conclude(archive: &Archive, part: &Path, have: u64) -> Result<Step, DataError> {
    if have == archive.bytes {
        return Ok(Step::Taken);
    }
    if have < archive.bytes {
        return Err(interrupted(archive, part, have, io::ErrorKind::UnexpectedEof.into()));
    }
    fs::remove_file(part).map_err(writing(part))?;
    let (url, expected) = (archive.url.to_string(), archive.bytes);
    Err(DataError::WrongLength { url, found: have, expected })
}

fn interrupted(archive: &Archive, part: &Path, have: u64, source: io::Error) -> DataError {
    let (url, expected) = (archive.url.to_string(), archive.bytes);
    DataError::Interrupted { url, part: part.to_owned(), have, expected, source }
}

/// Opens a file for writing behind its first `start` bytes, and cuts the others off.
fn open_at(path: &Path, start: u64) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    file.set_len(start)?;
    Ok(file)
}

/// The bytes that a file has, none where it is missing.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.len())
}
