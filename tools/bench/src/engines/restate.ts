import { once } from "node:events";
import { createServer, type Http2Server } from "node:http2";
import { createEndpointHandler, type ObjectContext, object } from "@restatedev/restate-sdk";
import { connect as connectClient } from "@restatedev/restate-sdk-clients";
import type { Connection } from "../side-by-side/contender.ts";
import { type Form, type Run, startAll, toRuns, toSingleRun } from "./engine.ts";

/** Where a server of Restate listens, and where the worker does. */
export interface RestateAddresses {
  readonly ingress: string;
  readonly admin: string;
  readonly workerPort: number;
}

const ADDED_AT_A_TIME = 50;
// It logs each invocation.
const ignore = () => undefined;

/**
 * A virtual object for each stack: its handler sets the state and runs each task as a step, so the journal has their
 * results. https://docs.restate.dev/develop/ts/durable-steps
 */
export function connectRestate(form: Form): (url: string) => Connection {
  return (url) => {
    const { ingress, admin, workerPort } = parseAddresses(url);
    const state = createHandlerState();
    const stack = defineStack(state);
    const client = connectClient({ url: ingress });
    const send = (run: Run) => client.objectSendClient(stack, `stack-${form}-${run.number}`).event(run);
    let server: Http2Server | undefined;
    return {
      async prepare() {
        server = createServer(createEndpointHandler({ services: [stack], logger: ignore })).listen(
          workerPort,
          "127.0.0.1",
        );
        await once(server, "listening");
        await ask(`${admin}/deployments`, { uri: `http://127.0.0.1:${workerPort}`, force: true });
      },
      addMany: (jobs) => startAll(toRuns(form, jobs), ADDED_AT_A_TIME, send),
      async addOne(index) {
        await send(toSingleRun(index));
      },
      async work(onStart) {
        state.open(onStart);
        return async () => state.shut();
      },
      async isDone() {
        const query = "select count(1) as left from sys_invocation where status <> 'completed'";
        const answer = await ask(`${admin}/query`, { query });
        return readLeft(answer) === 0;
      },
      async close() {
        server?.close();
      },
    };
  };
}

/** Jobs that are there before the work begins wait in their handlers. */
function createHandlerState() {
  let gate = Promise.withResolvers<(index: number) => void>();
  return {
    opened: () => gate.promise,
    open: (onStart: (index: number) => void) => gate.resolve(onStart),
    shut: () => {
      gate = Promise.withResolvers();
    },
  };
}

function defineStack(state: ReturnType<typeof createHandlerState>) {
  return object({
    name: "Stack",
    handlers: {
      event: async (context: ObjectContext, { index, length }: Run) => {
        const onStart = await state.opened();
        for (let step = 0; step < length; step += 1) {
          context.set("state", `S${step + 1}`);
          await context.run("work", () => {
            onStart(index + step);
            return {};
          });
        }
        context.set("state", "REST");
      },
    },
  });
}

async function ask(url: string, body: object): Promise<unknown> {
  const headers = { "content-type": "application/json", accept: "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

function readLeft(answer: unknown): number {
  const [row] = Object(answer).rows ?? [];
  return Number(Object(row).left ?? Number.NaN);
}

function parseAddresses(url: string): RestateAddresses {
  const { searchParams } = new URL(url);
  const read = (name: string) => searchParams.get(name) ?? "";
  return { ingress: read("ingress"), admin: read("admin"), workerPort: Number(read("workerPort")) };
}

/** The inverse of what `connect` reads: one text for all addresses. */
export function toUrl({ ingress, admin, workerPort }: RestateAddresses): string {
  return `restate://local/?${new URLSearchParams({ ingress, admin, workerPort: String(workerPort) })}`;
}
