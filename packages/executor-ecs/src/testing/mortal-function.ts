import type { Records } from "@stackyard/core";
import { createEcsTask } from "../custom-resource/create-ecs-task.ts";
import type { EcsTaskDeps, SdkClient } from "../custom-resource/turn.ts";

/** When a process dies: at which of all calls of its ports, and whether that call still has its effect. */
export interface Death {
  readonly at: number;
  readonly after: boolean;
}

/** Runs the function in processes, of which the first ones die. */
export interface MortalFunction {
  /** Rejects when the process of the call dies. */
  invoke(event: unknown, deps: EcsTaskDeps): Promise<unknown>;
  /** Calls of ports so far, over all processes. */
  readonly calls: number;
  readonly deaths: number;
}

interface Process {
  isDead: boolean;
  die(): void;
}

/** Each death is met once, in order; a new process has no memory. */
export function createMortalFunction(deaths: readonly Death[]): MortalFunction {
  let [calls, died] = [0, 0];

  async function live<T>(process: Process, call: () => Promise<T>): Promise<T> {
    if (process.isDead) return new Promise(() => undefined);
    calls += 1;
    const death = deaths[died];
    if (death?.at !== calls) return call();
    died += 1;
    if (death.after) await call();
    process.die();
    return new Promise(() => undefined);
  }

  return {
    get calls() {
      return calls;
    },
    get deaths() {
      return died;
    },
    invoke(event, deps) {
      return new Promise((resolve, reject) => {
        const process: Process = {
          isDead: false,
          die() {
            process.isDead = true;
            reject(Object.assign(new Error("Runtime exited"), { name: "Runtime.ExitError" }));
          },
        };
        const mortal = toMortalDeps(deps, (call) => live(process, call));
        createEcsTask(mortal).handler(event).then(resolve, reject);
      });
    },
  };
}

type Live = <T>(call: () => Promise<T>) => Promise<T>;

interface Sending {
  send(command: unknown, options?: unknown): Promise<unknown>;
}

function toMortalDeps(deps: EcsTaskDeps, live: Live): EcsTaskDeps {
  const { records, aws, fetch } = deps;
  const mortalRecords: Records = {
    get: (...input) => live(() => records.get(...input)),
    put: (...input) => live(() => records.put(...input)),
    remove: (...input) => live(() => records.remove(...input)),
    list: (...input) => live(() => records.list(...input)),
  };
  return {
    ...deps,
    records: mortalRecords,
    fetch: (...input) => live(() => fetch(...input)),
    aws<Client>(type: SdkClient<Client>, region?: string): Client {
      const client = aws(type, region);
      const sending = client as unknown as Sending;
      const send = sending.send.bind(client);
      sending.send = (...input) => live(() => send(...input));
      return client;
    },
  };
}
