//! SIGTERM under load: every request that the server has taken is answered to its end.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::{join_all, try_join_all};
use mcp_testkit::{
    TestResult,
    binary::{HttpServer, LIMIT},
    http,
    kept_alive::{Ended, KeptAlive},
    suite::drive,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::peer::NAME;

/// Calls that are in flight when the signal comes.
const SLOW: usize = 32;
/// Connections that ask one thing after the other all the while.
const BUSY: usize = 16;

/// Ask until the server closes; how many were answered.
async fn ask_until_closed(address: SocketAddr) -> TestResult<usize> {
    let mut connection = KeptAlive::open(address).await?;
    for answered in 0.. {
        match connection.ask("tools/list", &json!({})).await? {
            Ended::Answered(200, body) => assert!(body.ends_with(b"}")),
            // Closed while idle, or before the request was taken: nothing was lost.
            Ended::Closed => return Ok(answered),
            other => return Err(format!("cut after {answered}: {other:?}").into()),
        }
    }
    Err("never closed".into())
}

async fn call_slowly(address: SocketAddr) -> TestResult<Ended> {
    let arguments = json!({"seconds": 1.5, "label": "kept"});
    let params = json!({"name": "slow_compute", "arguments": arguments});
    KeptAlive::open(address).await?.ask("tools/call", &params).await
}

/// Wait until so many calls are in flight.
async fn until_in_flight(address: SocketAddr, least: usize) -> TestResult {
    let wait = async {
        loop {
            let metrics = http::get(address, "/metrics").await?.body;
            let line = metrics.lines().find_map(|line| line.strip_prefix("machina_in_flight "));
            if line.ok_or("no gauge")?.parse::<usize>()? >= least {
                return TestResult::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await?
}

#[test]
fn sigterm_under_load_cuts_no_request() {
    drive(async {
        for signal in ["TERM", "INT"] {
            let environment = [("MACHINA_RATE_READ", "0"), ("MACHINA_RATE_WRITE", "0")];
            let server = HttpServer::start(NAME, &environment).await?;
            let address = server.address;
            let ended = CancellationToken::new();
            let slow = async {
                let calls = join_all((0..SLOW).map(|_| call_slowly(address))).await;
                ended.cancel();
                TestResult::Ok(calls)
            };
            let stop = async {
                until_in_flight(address, SLOW).await?;
                assert!(!ended.is_cancelled(), "the calls were over before the signal");
                server.signal(signal).await
            };
            let busy = try_join_all((0..BUSY).map(|_| ask_until_closed(address)));
            let (slow, busy, status) = tokio::join!(slow, busy, stop);
            assert!(status?.success(), "SIG{signal}");
            for call in slow? {
                let Ended::Answered(200, body) = call? else {
                    return Err(format!("SIG{signal}: a call in flight was cut").into());
                };
                let text = String::from_utf8(body)?;
                assert!(text.contains("slow_compute finished: kept"), "SIG{signal}: {text}");
            }
            let answered: usize = busy?.into_iter().sum();
            assert!(answered >= BUSY, "SIG{signal}: {answered} answers are no load");
        }
        Ok(())
    });
}
