// The TypeScript SDK on node:http: JSON answers, no sessions, a server per request as its guide says.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// The packages lie where scripts/ci-tools put them, not beside this file.
const [, , port, directory] = process.argv;
const require = createRequire(`${directory}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { McpServer, createMcpHandler } = await load('@modelcontextprotocol/server');
const { toNodeHandler } = await load('@modelcontextprotocol/node');
const { z } = await load('zod');

const text = z.string().min(1).max(1000);
const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'ts-echo', version: '1.0.0' });
  server.registerTool(
    'echo_text',
    {
      description: 'Give a text back',
      inputSchema: z.object({ text }),
      outputSchema: z.object({ text }),
      annotations: { readOnlyHint: true },
    },
    async (echo) => ({ content: [{ type: 'text', text: JSON.stringify(echo) }], structuredContent: echo }),
  );
  return server;
});
createServer(toNodeHandler(handler)).listen(Number(port), '127.0.0.1');
