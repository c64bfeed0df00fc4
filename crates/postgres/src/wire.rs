//! As much of PostgreSQL's protocol (version 3) as statements without parameters need.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ROLE;

/// The port is only part of the socket's name.
pub(crate) const PORT: &str = "5432";
/// SQLSTATE `duplicate_database`.
pub(crate) const DUPLICATE_DATABASE: &str = "42P04";

const PROTOCOL_3_0: u32 = 196_608;
/// Longer than anything the server says to statements that return no rows.
const MESSAGE_MAX: usize = 64 * 1024;
/// `create database` copies a template and waits for a checkpoint.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Why a statement was not done.
#[derive(Debug)]
pub(crate) enum Error {
    /// The server refused it.
    Server {
        code: String,
        message: String,
    },
    Io(io::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Server { code, message } => write!(f, "{message} ({code})"),
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

pub(crate) fn socket(socket_dir: &Path) -> PathBuf {
    socket_dir.join(format!(".s.PGSQL.{PORT}"))
}

/// Runs statements in one implicit transaction, unless one of them is of the kind that cannot be in one.
pub(crate) fn execute(socket_dir: &Path, database: &str, statements: &str) -> Result<(), Error> {
    let mut stream = UnixStream::connect(socket(socket_dir))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let startup = [&PROTOCOL_3_0.to_be_bytes(), format!("user\0{ROLE}\0database\0{database}\0\0").as_bytes()].concat();
    send(&mut stream, None, &startup)?;
    until_ready(&mut stream)?;
    send(&mut stream, Some(b'Q'), format!("{statements}\0").as_bytes())?;
    until_ready(&mut stream)?;
    send(&mut stream, Some(b'X'), b"")?;
    Ok(())
}

fn send(stream: &mut UnixStream, kind: Option<u8>, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
    let message: Vec<u8> = kind.into_iter().chain(length.to_be_bytes()).chain(body.iter().copied()).collect();
    stream.write_all(&message)
}

/// Reads up to `ReadyForQuery`; an error the server reported before it is the result.
fn until_ready(stream: &mut UnixStream) -> Result<(), Error> {
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
        if !(4..=MESSAGE_MAX).contains(&length) {
            return Err(io::Error::other(format!("a message of {length} bytes")).into());
        }
        let mut body = vec![0; length - 4];
        stream.read_exact(&mut body)?;
        match kind {
            b'E' => return Err(server_error(&body)),
            b'Z' => return Ok(()),
            _ => {}
        }
    }
}

/// The fields of an `ErrorResponse`: a letter, a text, a zero.
fn server_error(body: &[u8]) -> Error {
    let field = |letter: u8| {
        let mut fields = body.split(|byte| *byte == 0);
        fields
            .find(|field| field.first() == Some(&letter))
            .map(|field| String::from_utf8_lossy(&field[1..]).into_owned())
            .unwrap_or_default()
    };
    Error::Server { code: field(b'C'), message: field(b'M') }
}
