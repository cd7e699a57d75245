// @module-tag app
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execCli, type SpawnedCli, spawnCli } from "./spawn-cli.ts";

const BIN = fileURLToPath(new URL("../dist/bin.js", import.meta.url));
const MACHINE = `version: 2
events: { OPENED: {}, CLOSED: {} }
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { CLOSED: GONE } }
  GONE: { terminal: true }
`;
/** Prints for assistants, as a configuration does that is being debugged. */
const CONFIG = `if (process.argv.includes("mcp")) {
  console.log("the configuration is read");
  process.stdout.write("without a line end");
}
export default { server: { mcp: { allowWrites: true } } };
`;

describe("stackyard mcp, with the client of the protocol's SDK", () => {
  const cwd = mkdtempSync(join(tmpdir(), "stackyard-mcp-"));
  let dev: SpawnedCli;
  let url = "";
  const clients: Client[] = [];

  beforeAll(async () => {
    mkdirSync(join(cwd, "machines"));
    writeFileSync(join(cwd, "machines/app.yaml"), MACHINE);
    writeFileSync(join(cwd, "stackyard.config.mjs"), CONFIG);
    dev = spawnCli(["dev", "--port", "0", "--json"], { cwd });
    const ready = JSON.parse(await dev.line((line) => line.includes('"ready"')));
    url = ready.url;
    await execCli(["send", "pr-1", "OPENED", "--machine", "app", "--until", "LIVE"], { cwd });
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    dev.child.kill("SIGKILL");
    await dev.ended;
    rmSync(cwd, { recursive: true, force: true });
  });

  async function connect(...words: string[]) {
    const errors: unknown[] = [];
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [BIN, "mcp", ...words],
      cwd,
      stderr: "pipe",
    });
    const client = new Client({ name: "test", version: "1" });
    // Lines that are not messages come here.
    client.onerror = (error) => errors.push(error);
    await client.connect(transport);
    clients.push(client);
    return { client, transport, errors };
  }

  it("reads the yard of the project; nothing but messages is on standard output (azure-devops-mcp#147)", async () => {
    const { client, errors } = await connect();

    const { tools } = await client.listTools();
    const result = await client.callTool({ name: "explain_stack", arguments: { stack: "pr-1" } });

    expect(tools.map(({ name }) => name)).toContain("explain_stack");
    expect(tools.map(({ name }) => name)).not.toContain("send_event");
    expect(result.structuredContent).toMatchObject({ untrustedData: { id: "pr-1", state: "LIVE" } });
    expect(errors).toEqual([]);
  });

  it("sends an event with --allow-writes", async () => {
    const { client } = await connect("--allow-writes");

    await client.callTool({
      name: "send_event",
      arguments: { stack: "pr-2", event: "OPENED", machine: "app", id: "open-2" },
    });

    const show = async () => (await execCli(["stacks", "show", "pr-2"], { cwd })).stdout;
    await expect.poll(show, { timeout: 90_000 }).toContain("LIVE");
  });

  it("is served at /mcp too, as the configuration says", async () => {
    const { readFileSync } = await import("node:fs");
    const token = readFileSync(join(cwd, ".stackyard/token"), "utf8").trim();
    const client = new Client({ name: "test", version: "1" });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
        requestInit: { headers: { authorization: `Bearer ${token}` } },
      }),
    );
    clients.push(client);

    expect((await client.listTools()).tools.map(({ name }) => name)).toContain("send_event");
  });

  it("ends with its client, at once (typescript-sdk#2002)", async () => {
    const { exitCode, stdout } = await execCli(["mcp"], { cwd, stdin: '{"jsonrpc":"2.0","id":1,"method":"ping"}\n' });

    expect([exitCode, stdout]).toEqual([0, '{"result":{},"jsonrpc":"2.0","id":1}\n']);
  });

  it("lists its tools while no server runs, and says so at a call", async () => {
    const { client } = await connect("--url", "http://127.0.0.1:1", "--token", "none");

    const { tools } = await client.listTools();
    const result = await client.callTool({ name: "list_machines", arguments: {} });

    expect(tools.length).toBeGreaterThan(5);
    expect([result.isError, JSON.stringify(result.content)]).toEqual([true, expect.stringContaining("UNREACHABLE")]);
  });
});
