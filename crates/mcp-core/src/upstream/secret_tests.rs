//! The keys of upstreams: planted in every place that takes one, looked for in logs of all levels,
//! errors and `Debug`, whatever becomes of the request.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use tracing_subscriber::{fmt, layer::SubscriberExt};

use super::{
    tests::{Fake, answer},
    *,
};
use crate::{SecretString, ToolError};

const KEY: &str = "planted5-0123456789abcdefghijklmnopqrstuvwxyz";
const TOKEN: &str = "planted6-0123456789abcdefghijklmnopqrstuvwxyz";

/// What was logged, before anything is masked.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lines").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_keys_of_upstreams_are_in_no_log_error_or_debug() {
    let lines = Lines::default();
    let writer = lines.clone();
    let layer = fmt::layer().json().with_writer(move || writer.clone());
    // With one subscriber alone, a line that another test's thread reaches first is off for all.
    let _another = tracing::Dispatch::new(tracing_subscriber::registry());
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    tracing::trace!("every level is kept");

    let elsewhere = Fake::start([answer(200, "", b"moved")]).await;
    let moved = format!("Location: {}\r\n", elsewhere.url("/next"));
    let echo = format!("you sent {KEY} and {TOKEN}");
    let mut told = String::new();
    for step in [
        answer(200, "", b"fine"),
        answer(500, "", echo.as_bytes()),
        answer(401, "WWW-Authenticate: Bearer\r\n", echo.as_bytes()),
        answer(302, &moved, b""),
        b"no HTTP at all\r\n\r\n".to_vec(),
        Vec::new(),
    ] {
        let fake = Fake::start([step]).await;
        let list =
            |options: Options| options.list(&elsewhere.url("/"), Reach::Private).redirects(1);
        let client = fake.client(list);
        let key = SecretString::from(KEY.to_owned());
        let request = Request::get(fake.url("/")).bearer(TOKEN).secret_header("x-api-key", &key);
        told.push_str(&format!("{client:?} {request:?} {key:?}"));
        match client.attempt(&request).await {
            // The body is the upstream's word; who hands it on has to clean it.
            Ok(Answer { status, headers, .. }) => told.push_str(&format!("{status} {headers:?}")),
            Err(failure) => {
                told.push_str(&format!("{failure} {failure:?}"));
                told.push_str(&ToolError::from(failure).to_json().to_string());
            }
        }
        let sent = fake.seen().concat();
        assert!(sent.contains(KEY) && sent.contains(TOKEN), "it is sent where it belongs");
    }
    let strange = elsewhere.seen().concat();
    assert!(!strange.is_empty() && !strange.contains("planted"), "{strange}");
    let odd = Request::get(elsewhere.url("/")).bearer(&format!("{TOKEN}\n"));
    let refused = elsewhere.client(|o| o).attempt(&odd).await.expect_err("no header can hold it");
    told.push_str(&format!("{refused} {refused:?} {odd:?}"));
    drop(guard);

    let logged = String::from_utf8(lines.0.lock().expect("lines").clone()).expect("text");
    assert!(logged.contains("every level is kept") && logged.lines().count() > 10, "{logged}");
    for (place, text) in [("a log line", &logged), ("an error or a Debug", &told)] {
        assert!(!text.contains("planted"), "{place}: {text}");
    }
}
