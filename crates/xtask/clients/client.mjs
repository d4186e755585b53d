// The official TypeScript client on one server: list the tools and call one, over HTTP and stdio.

import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// Modules are found by this variable: ESM looks beside the script only.
const require = createRequire(join(process.env.MACHINA_NODE_MODULES, "x.js"));
const { Client, StreamableHTTPClientTransport } = require("@modelcontextprotocol/client");
const { StdioClientTransport } = require("@modelcontextprotocol/client/stdio");

const job = JSON.parse(process.argv[2]);

async function talk(transport, options) {
  const client = new Client({ name: "machina-tests", version: "1" }, options);
  await client.connect(transport);
  const { tools } = await client.listTools();
  const result = await client.callTool({ name: job.tool, arguments: job.arguments });
  await client.close();
  return {
    tools: tools.map((tool) => tool.name),
    text: result.content?.[0]?.text ?? "",
    structured: result.structuredContent ?? null,
    isError: result.isError ?? false,
    protocol: options?.versionNegotiation ? "auto" : "legacy",
  };
}

mkdirSync(job.home, { recursive: true });
const env = { HOME: job.home, PATH: "/usr/bin:/bin" };
const auto = { versionNegotiation: { mode: "auto" } };
const http = await talk(new StreamableHTTPClientTransport(new URL(job.url)), auto);
const stdio = await talk(new StdioClientTransport({ command: job.command, args: [], env }));
console.log(JSON.stringify({ http, stdio }));
