//! Images for programs that speak plain HTTP, and at the command line.

use mcp_testkit::{
    TestResult,
    binary::{HttpServer, command},
    http::{PLAIN, send},
    suite::drive,
};

use crate::peer::NAME;

const CALL: &str = "POST /tools/test_image_content";

#[test]
fn who_takes_an_image_gets_the_file_and_others_the_content() {
    drive(async {
        let server = HttpServer::start(NAME, &[]).await?;
        let headers = [PLAIN[0], ("Accept", "image/*")];
        let file = send(server.address, CALL, &headers, b"{}").await?;
        assert_eq!(file.status, 200, "{file:?}");
        assert!(file.head.contains("content-type: image/png"), "{file:?}");
        assert!(file.body.contains("PNG") && file.body.contains("IHDR"), "{file:?}");
        let content = send(server.address, CALL, &PLAIN, b"{}").await?.json()?;
        assert_eq!(content["content"][0]["mimeType"], "image/png", "{content}");
        let wrong = send(server.address, CALL, &headers, b"[]").await?;
        assert!(wrong.head.contains("application/problem+json"), "{wrong:?}");
        TestResult::Ok(())
    });
}

#[test]
fn the_command_line_says_how_to_have_it() {
    drive(async {
        let state = tempfile::tempdir()?;
        let output =
            command(NAME, state.path())?.args(["call", "test_image_content"]).output().await?;
        let said = String::from_utf8(output.stderr)?;
        assert!(output.status.success() && said.contains("image/png"), "{said}");
        TestResult::Ok(())
    });
}
