//! The container's health check: one loopback GET, by the binary itself.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// The whole check takes at most about this long.
const LIMIT: Duration = Duration::from_secs(1);

/// GET `/health` or `/health/ready` of a server on this machine.
///
/// # Errors
/// One line on why the server does not count as healthy.
pub fn check(bind: IpAddr, port: u16, ready: bool) -> Result<String, String> {
    let host = if bind.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { bind };
    let address = SocketAddr::new(host, port);
    let path = if ready { "/health/ready" } else { "/health" };
    let answer = get(address, path).map_err(|error| format!("http://{address}{path}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status == "200" {
        Ok(body.to_owned())
    } else {
        Err(format!("http://{address}{path}: status {status} {body}"))
    }
}

fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    // By number: a name would have to be allowed as a host.
    let host = if address.is_ipv6() { "[::1]" } else { "127.0.0.1" };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(64 << 10).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
