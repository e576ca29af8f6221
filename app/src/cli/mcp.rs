//! `lectern mcp`.

use anyhow::Result;

use super::Exit;
use crate::mcp;
use crate::settings::Settings;

/// Serves one client over stdin and stdout, so that nothing else may be written to stdout.
pub(super) async fn run(settings: Settings) -> Result<Exit> {
    mcp::serve_stdio(settings).await?;
    Ok(Exit::Done)
}
