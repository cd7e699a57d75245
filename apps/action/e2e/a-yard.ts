import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { defineExecutor, failed, type Store, silentLogger, succeeded } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { findFreePort, startTestIssuer } from "@stackyard/oidc-issuer";
import { createServer } from "@stackyard/server";
import { Type } from "typebox";

const MACHINE = `
version: 2
metadata: { outcome: { type: string }, url: { type: string } }
events: [OPENED, CLOSED]
states:
  INIT: { on: { OPENED: UP } }
  UP: { tasks: [create], on: { NEXT: LIVE } }
  LIVE: { protected: true, on: { CLOSED: GONE } }
  GONE: { terminal: true }
tasks:
  create: { executor: script, config: { outcome: "\${metadata.outcome}" } }
`;

/** Text that markup, terminals and runners would obey. */
export const HOSTILE =
  "</details>\n::add-mask::LIVE\n##[add-mask]LIVE\n```\n@team <img src=x> [a](http://evil.example)";

/** Does what the metadata of its stack says. */
const script = defineExecutor({
  name: "script",
  config: Type.Object({ outcome: Type.String() }),
  resumable: false,
  async start(ctx, { outcome }) {
    if (outcome === "fail") return failed({ code: "SCRIPT_FAILED", message: HOSTILE, retryable: false });
    if (outcome === "hang") await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
    return succeeded({});
  },
});

/** A yard with a server, and the issuer of GitHub Actions. */
export interface ActionYard {
  readonly url: string;
  readonly store: Store;
  /**
   * Returns the variables by which a job gets its token. Claims that differ from those of the repository 424242 can be
   * given.
   */
  toJob(claims?: Readonly<Record<string, unknown>>): Readonly<Record<string, string>>;
  /** Tokens that the server has given to jobs. */
  readonly idTokens: readonly string[];
  stop(): Promise<void>;
}

/** Starts all of it. */
export async function startActionYard(): Promise<ActionYard> {
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const issuer = await startTestIssuer({ yardUrl: url });
  const idTokens: string[] = [];
  // As GitHub answers: "OpenID Connect reference", requesting the token.
  const actions = createHttpServer(async (request, response) => {
    const { searchParams } = new URL(request.url ?? "/", "http://actions");
    const iat = Math.floor(Date.now() / 1_000);
    const claims = JSON.parse(searchParams.get("claims") ?? "{}");
    const aud = searchParams.get("audience") ?? undefined;
    const isOfJob = request.headers.authorization === "Bearer of-the-job";
    const job = { sub: "job", repository_id: "424242", repository_owner_id: "1", ...claims };
    const value = await issuer.sign({ ...job, iat, exp: iat + 300, aud });
    idTokens.push(value);
    response.writeHead(isOfJob ? 200 : 401).end(JSON.stringify(isOfJob ? { value } : {}));
  });
  await new Promise<void>((resolve) => actions.listen(0, "127.0.0.1", resolve));
  const requests = `http://127.0.0.1:${(actions.address() as AddressInfo).port}/?api-version=2.0`;

  const executors = new Map([["script", script]]);
  const { machine, problems } = parseMachine(MACHINE, { name: "preview", executors });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  const locator = createStaticLocator([{ machine, source: MACHINE }]);
  const deps = { store: createMemoryStore(), locator, executors, clock: systemClock, ids: createUlids() };
  const access = {
    workloads: [{ name: "github", issuer: issuer.url }],
    grants: [{ to: { workload: "github", claims: { repository_owner_id: "1" } }, role: "operator" as const }],
  };
  const options = { port, url, access, tokens: [], console: false as const };
  const server = createServer({ ...deps, logger: silentLogger, version: "0.0.0-test" }, options);
  await server.start();
  const yard = startYard({ ...deps, logger: silentLogger }, { drainMs: 100, process: { version: "0", host: "blue" } });
  return {
    url,
    store: deps.store,
    idTokens,
    toJob: (claims = {}) => ({
      ACTIONS_ID_TOKEN_REQUEST_URL: `${requests}&claims=${encodeURIComponent(JSON.stringify(claims))}`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "of-the-job",
    }),
    async stop() {
      await server.stop();
      await yard.stop();
      await issuer.stop();
      actions.close();
      actions.closeAllConnections();
    },
  };
}
