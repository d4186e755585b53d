//! What processes on one directory say to each other: a length of four bytes, then JSON.
//!
//! The one that has the store speaks first ([`Hello`]); then the other asks ([`Ask`]), and hears
//! ([`Say`]) until the answer has come. A connection carries one question. Who asks no more closes its
//! half, or all of it.

use std::io;

use mcp_core::{
    prelude::{Deserialize, Serialize},
    relay::{Call, Caller, Outcome, Report},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of one frame.
pub(super) const MAX_FRAME: usize = 64 << 20;

/// The words of this version.
const PROTOCOL: u32 = 1;

/// Who has the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) server: String,
    pub(super) protocol: u32,
    pub(super) version: String,
    pub(super) process: u32,
}

impl Hello {
    pub(super) fn ours() -> Self {
        Self {
            server: "ptolemies".to_owned(),
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
        }
    }

    /// Whether it understands us: of the same version, so that neither does less than the other says.
    pub(super) fn fits(&self) -> bool {
        *self == Self { process: self.process, ..Self::ours() }
    }
}

/// A question.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    /// Hear when it leaves.
    Watch,
    /// Run the handler of a tool.
    Call(Call),
    /// Tell what a call would do.
    Effect { tool: String, arguments: Map<String, Value>, caller: Caller },
    /// Read a document.
    Document { uri: String, caller: Caller },
    /// Tell how it is.
    Reports,
}

/// What is heard.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Say {
    /// It takes longer.
    Alive,
    Report(Report),
    /// Ask the next one.
    Leaving,
    Outcome(Outcome),
}

/// A readiness check.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Probe {
    pub(super) name: String,
    pub(super) required: bool,
    /// As [`mcp_core::ProbeState::label`].
    pub(super) state: String,
    pub(super) detail: Option<String>,
}

/// A message as it is written.
pub(super) fn frame(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    if length > MAX_FRAME {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let length = u32::try_from(length).map_err(io::Error::other)?;
    for (to, from) in frame.iter_mut().zip(length.to_be_bytes()) {
        *to = from;
    }
    Ok(frame)
}

pub(super) async fn write<W>(to: &mut W, message: &impl Serialize) -> io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    to.write_all(&frame(message)?).await
}

pub(super) async fn read<T: DeserializeOwned, R>(from: &mut R) -> io::Result<T>
where
    R: AsyncRead + Unpin,
{
    let length = from.read_u32().await? as usize;
    if length > MAX_FRAME {
        return Err(io::Error::other("a frame is too long"));
    }
    // Room for what has come, not for what is announced.
    let mut text = Vec::new();
    from.take(length as u64).read_to_end(&mut text).await?;
    if text.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_read_as_they_were_written() {
        let mut bytes = Vec::new();
        write(&mut bytes, &Hello::ours()).await.unwrap();
        let caller = Caller::from(&mcp_core::Principal::local());
        let ask = Ask::Document { uri: "a\"\u{2028}".to_owned(), caller };
        write(&mut bytes, &ask).await.unwrap();
        let mut from = bytes.as_slice();
        let hello: Hello = read(&mut from).await.unwrap();
        assert!(hello.fits());
        assert!(!Hello { version: "0.0.0".to_owned(), ..hello }.fits());
        let ask: Ask = read(&mut from).await.unwrap();
        assert!(matches!(ask, Ask::Document { uri, .. } if uri == "a\"\u{2028}"));
        assert!(read::<Ask, _>(&mut from).await.is_err(), "nothing is left");
    }

    #[tokio::test]
    async fn a_frame_is_bounded_and_whole() {
        for bytes in [
            &[0xff, 0xff, 0xff, 0xff, b'{'][..],
            &[0, 0, 0, 9, b'"', b'w'],
            &[0, 0, 0, 3, b'{', b'{', b'{'],
            &[0, 0],
        ] {
            assert!(read::<Value, _>(&mut &*bytes).await.is_err(), "{bytes:?}");
        }
        let long = "x".repeat(MAX_FRAME);
        assert_eq!(frame(&long).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
