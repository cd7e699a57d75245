import { randomBytes } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { IncomingMessage, ServerResponse } from "node:http";
import { defined, type Executor, type Store, silentLogger } from "@stackyard/core";
import { createStaticLocator, createUlids } from "@stackyard/core/engine";
import { type ArtifactsClient, createServer, type ServerDeps } from "@stackyard/server";

/** A yard of this process. */
export interface ServeInput {
  readonly store: Store;
  readonly clock: ServerDeps["clock"];
  /** Default: none. */
  readonly executors?: readonly Executor[];
  /** Default: no machines. */
  readonly locator?: ServerDeps["locator"];
  readonly ids?: ServerDeps["ids"];
  readonly artifacts?: ArtifactsClient;
  /** Records of the function behind `Custom::ECSTask`. Default: not configured. */
  readonly customResources?: ServerDeps["customResources"];
  /** Default: none. */
  readonly calendars?: ServerDeps["calendars"];
  /** Names of AWS accounts by their ids. Default: none. */
  readonly accounts?: Readonly<Record<string, string>>;
  /** Shown on every page. Default: none. */
  readonly yardName?: string;
  /** Where people sign in, and the port that their issuer knows. Default: by one-time codes alone, at a free port. */
  readonly people?: { readonly issuer: string; readonly port: number };
}

/** The server of a yard, on the loopback. */
export interface ServedYard {
  readonly url: string;
  /** Calls the API as an operator. Throws on unsuccessful responses. */
  call<Answer>(path: string, body?: unknown, method?: string): Promise<Answer>;
  /** Returns an address at which a browser signs in, once. */
  findSignIn(): Promise<string>;
  stop(): Promise<void>;
}

const GROUP = "release-managers";

/** Serves a yard, with its console, at a free port of the loopback. Who signs in may do everything. */
export async function serveYard(input: ServeInput): Promise<ServedYard> {
  const { store, clock, executors = [], locator = createStaticLocator([]), ids = createUlids() } = input;
  const { artifacts, customResources, calendars, accounts, yardName, people } = input;
  const token = randomBytes(24).toString("hex");
  const registry = new Map(executors.map((executor) => [executor.name, executor]));
  const optional = defined({ artifacts, customResources, calendars });
  const deps = { store, clock, locator, ids, executors: registry, logger: silentLogger, ...optional };
  const also = ["states:read", "states:write", "secrets:read"] as const;
  const server = createServer(
    { ...deps, version: "1.0.0" },
    {
      port: people?.port ?? 0,
      ...(people && { url: `http://127.0.0.1:${people.port}` }),
      tokens: [{ name: "ci", token }],
      local: { name: "ada", groups: [GROUP] },
      access: {
        ...(people && { people: { issuer: people.issuer, clientId: "stackyard" } }),
        grants: [
          { to: { token: "ci" }, role: "admin", also: [...also] },
          { to: { group: GROUP }, role: "admin", also: [...also] },
        ],
      },
      ...defined({ accounts, yardName }),
    },
  );
  const { url } = await server.start();
  const stopDates = answerWithDate(Number(new URL(url).port), () => clock.now());
  const call = async <Answer>(path: string, body?: unknown, method = "POST"): Promise<Answer> => {
    const answer = await fetch(url + path, {
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body !== undefined && { method, body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    const content: Answer = JSON.parse((await answer.text()) || "null");
    return content;
  };
  return {
    url,
    call,
    findSignIn: async () => (await call<{ readonly url: string }>("/auth/local", {})).url,
    async stop() {
      await server.stop();
      stopDates();
    },
  };
}

interface StartedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

function isStartedRequest(message: unknown): message is StartedRequest {
  if (typeof message !== "object" || message === null || !("request" in message && "response" in message)) return false;
  return message.request instanceof IncomingMessage && message.response instanceof ServerResponse;
}

/** The answers of the server at a port have the date of a clock: the console reckons with the server's time. */
function answerWithDate(port: number, now: () => number): () => void {
  const setDate = (message: unknown) => {
    if (!isStartedRequest(message)) return;
    const { request, response } = message;
    if (request.socket.localPort === port) response.setHeader("date", new Date(now()).toUTCString());
  };
  subscribe("http.server.request.start", setDate);
  return () => unsubscribe("http.server.request.start", setDate);
}
