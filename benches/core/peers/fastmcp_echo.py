"""FastMCP with its fastest settings: JSON answers, no sessions, no log lines."""

import sys

from fastmcp import FastMCP
from pydantic import BaseModel


class Echo(BaseModel):
    text: str


server = FastMCP("fastmcp-echo")


@server.tool(annotations={"readOnlyHint": True})
async def echo_text(text: str) -> Echo:
    """Give a text back."""
    return Echo(text=text)


server.run(
    transport="http",
    host="127.0.0.1",
    port=int(sys.argv[1]),
    path="/mcp",
    show_banner=False,
    log_level="error",
    json_response=True,
    stateless_http=True,
)
