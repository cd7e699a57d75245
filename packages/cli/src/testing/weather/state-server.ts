import { type Clock, parseJson, type Store, silentLogger } from "@stackyard/core";
import { createMemoryStore, createStaticLocator } from "@stackyard/core/engine";
import { type ActBeside, countingIds, type Sky } from "@stackyard/core/testing";
import { createServer } from "@stackyard/server";
import type { HttpAnswer, HttpCall } from "@stackyard/tf-sim";

const ORIGIN = "http://127.0.0.1";
/** The address of the yard's state backend. */
export const STATES: string = `${ORIGIN}/terraform/state`;
const TOKEN = "a-token-of-the-tests";
const HELD_MS = 10 * 60_000;

/** The yard whose states are served. */
interface ServedYard {
  readonly store: Store;
  readonly clock: Pick<Clock, "now">;
}

let served: ServedYard = { store: createMemoryStore(), clock: { now: () => 0 } };

/** One server for all runs: to create one takes longer than many runs of a story. */
const server = createServer(
  {
    store: createView(served.store, () => served.store),
    locator: createStaticLocator([]),
    executors: new Map(),
    clock: { now: () => served.clock.now(), sleep: () => Promise.reject(new Error("The server does not wait.")) },
    ids: countingIds("s"),
    logger: silentLogger,
    version: "0.0.0-test",
  },
  { port: 0, tokens: [{ name: "ada", token: TOKEN }], console: false },
);

/** Returns a view of what `find` returns at each call, with its parts. */
function createView<Part extends object>(first: Part, find: () => object): Part {
  return new Proxy(first, {
    get(_, name) {
      const value: unknown = Reflect.get(find(), name);
      // A method may be called when another yard is served: the server has wrapped it.
      if (typeof value === "function") return (...given: unknown[]) => call(find(), name, given);
      if (typeof value !== "object" || value === null) return value;
      return createView(value, () => {
        const part: unknown = Reflect.get(find(), name);
        return typeof part === "object" && part !== null ? part : value;
      });
    },
  });
}

function call(part: object, name: string | symbol, given: readonly unknown[]): unknown {
  const method: unknown = Reflect.get(part, name);
  if (typeof method !== "function") throw new Error(`The store has no method ${String(name)}.`);
  return Reflect.apply(method, part, given);
}

/** Serves the states of a yard from now on, in place of those of another one: one story plays at a time. */
export function serveStates(yard: ServedYard): void {
  served = yard;
}

/** Sends a request as an operator: to the API, or to the state backend. */
export function sendAsOperator(method: string, path: string, body?: string): Promise<HttpAnswer> {
  const isState = path.startsWith("/terraform/");
  const authorization = isState ? `Basic ${Buffer.from(`token:${TOKEN}`).toString("base64")}` : `Bearer ${TOKEN}`;
  const headers = { authorization, "content-type": "application/json" };
  return send(path, { method, headers, ...(body !== undefined && { body }) });
}

async function send(path: string, init: RequestInit): Promise<HttpAnswer> {
  const response = await server.app.fetch(new Request(`${ORIGIN}${path}`, init));
  return { status: response.status, body: await response.text() };
}

/** Sends a request for the state as a program. */
export type StateRequests = (operation: string, authorization: string | null, call: HttpCall) => Promise<HttpAnswer>;

interface StateRequestsInput {
  readonly sky: Sky;
  readonly clock: Clock;
  readonly key: string;
}

/** Passes requests for a state through the sky. Meanwhile a person may break its lock, or take it for ten minutes. */
export function createStateRequests({ sky, clock, key }: StateRequestsInput): StateRequests {
  const path = `/terraform/state/${key}`;
  const view = `/v1/terraform/states/${encodeURIComponent(key)}`;
  const lock = JSON.stringify({ ID: "a-person", Operation: "OperationTypeApply", Who: "ada@laptop" });
  const act: ActBeside = async (operation) => {
    const { body } = await sendAsOperator("GET", view);
    const found = Object(parseJson(body))["lock"];
    if (found !== undefined) await sendAsOperator("POST", `${view}/unlock`, JSON.stringify({ id: found.id }));
    if (operation !== "Backend.take") return;
    await sendAsOperator("LOCK", path, lock);
    void clock.sleep(HELD_MS).then(() => sendAsOperator("UNLOCK", path, lock));
  };
  return async (operation, authorization, { method, body, id }) => {
    const proceed = async (): Promise<HttpAnswer> => {
      const headers = { authorization: authorization ?? "" };
      const query = id === undefined ? "" : `?ID=${id}`;
      return send(`${path}${query}`, { method, headers, ...(body !== undefined && { body }) });
    };
    return (await sky.meet(operation, { body, id }, proceed, act)) as HttpAnswer;
  };
}
