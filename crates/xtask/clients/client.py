"""The official Python client on one server: list the tools and call one, over HTTP and stdio."""

import asyncio
import json
import os
import sys

from mcp import Client
from mcp.client.stdio import StdioServerParameters


async def talk(server, job):
    async with Client(server) as client:
        tools = await client.list_tools()
        result = await client.call_tool(job["tool"], job["arguments"])
        return {
            "tools": [tool.name for tool in tools.tools],
            "text": getattr(result.content[0], "text", "") if result.content else "",
            "structured": result.structured_content,
            "isError": bool(result.is_error),
            "protocol": str(getattr(client, "protocol_version", "")),
        }


async def main():
    job = json.loads(sys.argv[1])
    os.makedirs(job["home"], exist_ok=True)
    stdio = StdioServerParameters(
        command=job["command"], args=[], env={"HOME": job["home"], "PATH": "/usr/bin:/bin"}
    )
    print(json.dumps({"http": await talk(job["url"], job), "stdio": await talk(stdio, job)}))


asyncio.run(main())
