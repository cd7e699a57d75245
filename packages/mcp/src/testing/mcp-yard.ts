import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { defineExecutor, failed, silentLogger, succeeded } from "@stackyard/core";
import type { Role } from "@stackyard/core/access";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { Stackyard } from "@stackyard/sdk";
import { createServer } from "@stackyard/server";
import { Type } from "typebox";
import { createMcpDoor } from "../http-door.ts";

/** The token of the yard's administrator. */
export const TOKEN = "a-token-of-the-tests";

/** BUILD plans and works; BROKEN after a failure; REVIEW waits for a person. */
const SOURCE = `
version: 2
metadata: { note: { type: string, default: "" }, secret: { type: string, sensitive: true, default: "" } }
additionalMetadata: false
events:
  OPENED: { metadata: [] }
  REVIEW: {}
  CLOSED: {}
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [work], on: { NEXT: LIVE, CLOSED: GONE } }
  LIVE: { on: { REVIEW: WAIT, CLOSED: GONE } }
  WAIT: { tasks: [sign-off], on: { NEXT: LIVE, CLOSED: GONE } }
  GONE: { terminal: true }
tasks:
  work: { executor: script, config: { note: "\${metadata.note}" } }
  sign-off: { executor: approval, config: { from: [reviewers] } }
`;

/** Logs the note of the stack, and fails if the note says so. Its outputs are those of a plan. */
const script = defineExecutor({
  name: "script",
  config: Type.Object({ note: Type.String() }),
  async start(ctx, { note }) {
    const [word = "", count = "1"] = note.split(" ");
    if (word === "lines")
      for (let line = 0; line < Number(count); line += 1) ctx.report(`line ${line} of the log: ä€😀`);
    else ctx.report(note);
    if (word === "fail") return failed({ code: "SCRIPT_FAILED", message: note, retryable: false });
    return succeeded({ adds: 1, changes: 0, destroys: 2, unchanged: false, summary: note.slice(0, 1_000) });
  },
});

/** A yard that answers over a socket. */
export interface McpYard {
  readonly url: string;
  readonly yard: Stackyard;
  /** Connects a client of the SDK over HTTP. Default: with the token of the administrator. */
  connect(token?: string): Promise<Client>;
  /** Sends a request to the API or to `/mcp`. */
  call(
    path: string,
    init?: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Response>;
  createToken(role: Role): Promise<string>;
  /** Opens a stack whose task logs the note, and waits until the task has ended. Returns the attempt. */
  open(stackId: string, note?: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a yard whose server has the door for assistants. */
export async function startMcpYard({ allowWrites = true } = {}): Promise<McpYard> {
  const store = createMemoryStore();
  const executors = new Map([["script", script]]);
  const { machine, problems } = parseMachine(SOURCE, { name: "app", executors });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  const locator = createStaticLocator([{ machine, source: SOURCE }]);
  const ports = { store, locator, executors, clock: systemClock, ids: createUlids(), logger: silentLogger };
  const server = createServer(
    { ...ports, version: "0.0.0-test", mcp: createMcpDoor({ version: "0.0.0-test", allowWrites }) },
    { port: 0, tokens: [{ name: "tester", token: TOKEN }], console: false },
  );
  const { url } = await server.start();
  const running = startYard(ports, { drainMs: 100, process: { version: "0.0.0-test", host: "blue" } });
  const yard = new Stackyard({ url, token: TOKEN });
  const clients: Client[] = [];
  const call: McpYard["call"] = (path, { body, headers = {} } = {}) =>
    fetch(`${url}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
  return {
    url,
    yard,
    call,
    async connect(token = TOKEN) {
      const client = new Client({ name: "test", version: "1" });
      const requestInit = { headers: { authorization: `Bearer ${token}` } };
      await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit }));
      clients.push(client);
      return client;
    },
    createToken: async (role) => (await yard.tokens.create({ name: role, role })).token,
    async open(stackId, note = "hello") {
      const event = await yard.publish({ stackId, machine: "app", event: "OPENED", metadata: { note } });
      await yard.waitForOutcome(event);
      for (;;) {
        const [attempt] = await yard.stacks.attempts(stackId);
        if (attempt?.status === "settled") return attempt.attemptId;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async stop() {
      await Promise.all(clients.map((client) => client.close()));
      await server.stop();
      await running.stop();
      await store.close();
    },
  };
}
