//! One request and its answer over a connection of their own.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Empty;
use hyper::{
    body::{Body, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};

use super::endpoint::{Address, Broken, Endpoint};

trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

type Connection = http1::Connection<TokioIo<Box<dyn Transport>>, Empty<Bytes>>;

/// An answer whose body is still to be read. Polling the body drives the connection, so that no
/// task is left behind when it is dropped.
pub(crate) struct Exchange {
    status: u16,
    body: Incoming,
    connection: Option<Pin<Box<Connection>>>,
}

impl Exchange {
    /// Send `GET path` and wait for the answer's head.
    pub(crate) async fn open(endpoint: &Endpoint, path: &str) -> Result<Self, Broken> {
        let (io, host): (Box<dyn Transport>, &str) = match &endpoint.address {
            Address::Unix(path) => (Box::new(UnixStream::connect(path).await?), "docker"),
            Address::Tcp(authority) => {
                let stream = TcpStream::connect(authority.as_str()).await?;
                stream.set_nodelay(true)?;
                (Box::new(stream), authority)
            }
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await?;
        let request = Request::get(path)
            .header(header::HOST, host)
            .header(header::USER_AGENT, concat!("machina-docker/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(|_| Broken { kind: None, text: "the request cannot be written".to_owned() })?;
        let mut connection = Some(Box::pin(connection));
        let mut answer = Box::pin(sender.send_request(request));
        let answer = poll_fn(|cx| {
            drive(&mut connection, cx);
            answer.as_mut().poll(cx)
        })
        .await?;
        Ok(Self { status: answer.status().as_u16(), body: answer.into_body(), connection })
    }

    /// HTTP status of the answer.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// The next piece of the body; `None` at its end.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        loop {
            let frame = poll_fn(|cx| {
                drive(&mut self.connection, cx);
                Pin::new(&mut self.body).poll_frame(cx)
            })
            .await?;
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) => return Some(Ok(data)),
                Ok(Err(_trailers)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Move bytes. How a connection ends is told by the request or the body, not here.
fn drive(connection: &mut Option<Pin<Box<Connection>>>, cx: &mut Context<'_>) {
    if let Some(running) = connection
        && let Poll::Ready(_end) = running.as_mut().poll(cx)
    {
        *connection = None;
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("status", &self.status).finish_non_exhaustive()
    }
}
