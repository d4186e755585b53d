//! A connection that speaks Bolt, 5.1 to 5.4 or 4.4.
//!
//! An own one, because a library for it would turn features of tokio on that SurrealDB's whole tree
//! is then built with again, and cannot begin a transaction that may not write.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::packstream::{self, Garbled};

const MAGIC: [u8; 4] = [0x60, 0x60, 0xB0, 0x17];
/// Versions offered, best first: 5.4 and the three below it, then 4.4.
const VERSIONS: [[u8; 4]; 4] = [[0, 3, 4, 5], [0, 0, 4, 4], [0; 4], [0; 4]];
/// Bytes of one message of the server.
const MOST_OF_MESSAGE: usize = 16 << 20;

const HELLO: u8 = 0x01;
const GOODBYE: u8 = 0x02;
const RESET: u8 = 0x0F;
const RUN: u8 = 0x10;
const BEGIN: u8 = 0x11;
const COMMIT: u8 = 0x12;
const ROLLBACK: u8 = 0x13;
const PULL: u8 = 0x3F;
const LOGON: u8 = 0x6A;
const SUCCESS: u8 = 0x70;
const RECORD: u8 = 0x71;
const IGNORED: u8 = 0x7E;
const FAILURE: u8 = 0x7F;

/// Why something did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// Not reached, or broken off.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it refuses the user and password")]
    Denied,
    /// The server's own words.
    #[error("{code}: {message}")]
    Refused { code: String, message: String },
    #[error("it does not speak Bolt 4.4 or 5.1-5.4: {0}")]
    Foreign(&'static str),
    #[error("it did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl From<Garbled> for Failure {
    fn from(garbled: Garbled) -> Self {
        Self::Foreign(garbled.0)
    }
}

/// What a transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

pub(super) struct Connection {
    stream: BufReader<TcpStream>,
}

/// Where, and as whom.
#[derive(Debug)]
pub(super) struct Login<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) user: &'a str,
    pub(super) password: &'a str,
}

impl Connection {
    /// Connect and log in.
    pub(super) async fn open(login: &Login<'_>) -> Result<Self, Failure> {
        let stream = TcpStream::connect((login.host, login.port)).await?;
        stream.set_nodelay(true)?;
        let mut connection = Self { stream: BufReader::new(stream) };
        let mut hello = MAGIC.to_vec();
        hello.extend(VERSIONS.concat());
        connection.stream.write_all(&hello).await?;
        let mut version = [0; 4];
        connection.stream.read_exact(&mut version).await?;
        let agent = concat!("machina-ptolemies/", env!("CARGO_PKG_VERSION"));
        let auth = json!({
            "scheme": "basic", "principal": login.user, "credentials": login.password,
        });
        match version {
            [0, 0, 1..=4, 5] => {
                let hello = json!({"user_agent": agent, "bolt_agent": {"product": agent}});
                connection.ask(HELLO, &[hello]).await?;
                connection.ask(LOGON, &[auth]).await?;
            }
            [0, 0, 4, 4] => {
                let mut hello = auth;
                hello["user_agent"] = agent.into();
                connection.ask(HELLO, &[hello]).await?;
            }
            [b'H', b'T', b'T', b'P'] => return Err(Failure::Foreign("it speaks HTTP")),
            _ => return Err(Failure::Foreign("another version")),
        }
        Ok(connection)
    }

    pub(super) async fn begin(
        &mut self,
        access: Access,
        database: &str,
        within: Duration,
    ) -> Result<(), Failure> {
        let within = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
        let mut extra = json!({"db": database, "tx_timeout": within});
        if access == Access::Read {
            extra["mode"] = "r".into();
        }
        self.ask(BEGIN, &[extra]).await.map(drop)
    }

    /// Names of the columns.
    pub(super) async fn run(&mut self, query: &str, params: Value) -> Result<Vec<String>, Failure> {
        let extra = json!({});
        let answer = self.ask(RUN, &[query.into(), params, extra]).await?;
        let fields = answer.get("fields").and_then(Value::as_array);
        let names = fields.into_iter().flatten().filter_map(Value::as_str);
        Ok(names.map(str::to_owned).collect())
    }

    /// Rows, at most `most` (all: -1), and what the server says after them.
    pub(super) async fn pull(
        &mut self,
        most: i64,
    ) -> Result<(Vec<Vec<Value>>, Map<String, Value>), Failure> {
        self.send(PULL, &[json!({"n": most})]).await?;
        let mut rows = Vec::new();
        loop {
            match self.receive().await? {
                (RECORD, fields) => {
                    if let Some(Value::Array(values)) = fields.into_iter().next() {
                        rows.push(values);
                    }
                }
                (tag, fields) => return Ok((rows, summary(tag, fields)?)),
            }
        }
    }

    /// Run a statement for what it does.
    pub(super) async fn execute(&mut self, query: &str, params: Value) -> Result<(), Failure> {
        self.run(query, params).await?;
        self.pull(-1).await.map(drop)
    }

    pub(super) async fn commit(&mut self) -> Result<(), Failure> {
        self.ask(COMMIT, &[]).await.map(drop)
    }

    pub(super) async fn roll_back(&mut self) -> Result<(), Failure> {
        self.ask(ROLLBACK, &[]).await.map(drop)
    }

    /// Drop what is open and what has failed.
    pub(super) async fn reset(&mut self) -> Result<(), Failure> {
        self.ask(RESET, &[]).await.map(drop)
    }

    pub(super) async fn close(mut self) {
        // The server notices a closed socket too.
        drop(self.send(GOODBYE, &[]).await);
    }

    /// Send a message that is answered by one.
    async fn ask(&mut self, tag: u8, fields: &[Value]) -> Result<Map<String, Value>, Failure> {
        self.send(tag, fields).await?;
        let (tag, fields) = self.receive().await?;
        summary(tag, fields)
    }

    async fn send(&mut self, tag: u8, fields: &[Value]) -> Result<(), Failure> {
        let message = packstream::message(tag, fields);
        let mut bytes = Vec::with_capacity(message.len() + 4);
        for chunk in message.chunks(usize::from(u16::MAX)) {
            bytes.extend(u16::try_from(chunk.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend(chunk);
        }
        bytes.extend([0, 0]);
        self.stream.write_all(&bytes).await?;
        Ok(self.stream.flush().await?)
    }

    async fn receive(&mut self) -> Result<(u8, Vec<Value>), Failure> {
        let mut message = Vec::new();
        loop {
            let length = usize::from(self.stream.read_u16().await?);
            if length == 0 && !message.is_empty() {
                return Ok(packstream::read(&message)?);
            }
            let held = message.len();
            if held + length > MOST_OF_MESSAGE {
                return Err(Failure::Foreign("a message of more than 16 MiB"));
            }
            message.resize(held + length, 0);
            let (_, chunk) = message.split_at_mut(held);
            self.stream.read_exact(chunk).await?;
        }
    }
}

/// What the server says at the end of an answer.
fn summary(tag: u8, fields: Vec<Value>) -> Result<Map<String, Value>, Failure> {
    let said = match fields.into_iter().next() {
        Some(Value::Object(said)) => said,
        _ => Map::new(),
    };
    let word = |name| said.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match tag {
        SUCCESS => Ok(said),
        FAILURE => {
            let code = word("code");
            if code.starts_with("Neo.ClientError.Security.") {
                return Err(Failure::Denied);
            }
            Err(Failure::Refused { code, message: word("message") })
        }
        IGNORED => Err(Failure::Foreign("it ignores what is asked")),
        _ => Err(Failure::Foreign("an unknown answer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers the handshake with these bytes.
    async fn answered(version: &'static [u8]) -> Failure {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let login = Login { host: "127.0.0.1", port, user: "u", password: "p" };
        let serve = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut offered = [0; 20];
            socket.read_exact(&mut offered).await.unwrap();
            assert_eq!(offered[..4], MAGIC);
            socket.write_all(version).await.unwrap();
            socket
        };
        let (opened, _socket) = tokio::join!(Connection::open(&login), serve);
        opened.map(|_| ()).unwrap_err()
    }

    #[tokio::test]
    async fn what_speaks_otherwise_is_told_apart() {
        assert_eq!(answered(b"HTTP/1.1 400").await, Failure::Foreign("it speaks HTTP"));
        assert_eq!(answered(&[0; 4]).await, Failure::Foreign("another version"));
        assert_eq!(answered(&[0, 0, 0, 6]).await, Failure::Foreign("another version"));
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_reached() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let login = Login { host: "127.0.0.1", port, user: "u", password: "p" };
        let failure = Connection::open(&login).await.map(|_| ()).unwrap_err();
        assert!(matches!(failure, Failure::Unreachable(_)), "{failure}");
    }
}
