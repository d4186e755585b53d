//! Rebuild the committed schema from an introspection answer on standard input:
//! `gzip -dc admin_2026-10.json.gz | cargo run -p shopify-twin --example print_schema > FILE`.

use std::io::{Read as _, Write as _};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut json = String::new();
    std::io::stdin().read_to_string(&mut json)?;
    let sdl = shopify_twin::sdl_from_introspection(&json)?;
    std::io::stdout().write_all(sdl.as_bytes())?;
    Ok(())
}
