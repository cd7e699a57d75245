import { createEcsTask } from "../custom-resource/create-ecs-task.ts";
import type { EcsTaskDeps, SdkClient } from "../custom-resource/turn.ts";

/**
 * The call at which the process dies, from 1: before it is sent, or after it was served and before its response
 * arrives.
 */
export interface Death {
  readonly at: number;
  readonly when: "before" | "after";
}

/** A function whose process may die. The next invocation is served by a new one. */
export interface MortalFunction {
  invoke(event: unknown): Promise<unknown>;
  /** Starts counting calls; the process dies at these. */
  arm(deaths: readonly Death[]): void;
  /** Calls of AWS, records and the answer endpoint since it was armed. */
  count(): number;
}

interface Process {
  isDead: boolean;
  readonly died: Promise<never>;
  readonly die: () => void;
}

interface Sender {
  send(...args: unknown[]): Promise<unknown>;
}

/** Creates a function that fails like one with a dead process in Lambda: `Runtime.ExitError`. */
export function createMortalFunction(deps: EcsTaskDeps): MortalFunction {
  let deaths: readonly Death[] = [];
  let calls = 0;
  let current = begin();

  function begin() {
    const process = createProcess();
    const guard = async <Result>(call: () => Promise<Result>): Promise<Result> => {
      if (process.isDead) return new Promise(() => undefined);
      calls += 1;
      const death = deaths.find(({ at }) => at === calls);
      if (death?.when === "before") return die(process);
      const result = await call();
      return death === undefined ? result : die(process);
    };
    return { process, function: createEcsTask(guardDeps(deps, guard)) };
  }

  function die(process: Process): Promise<never> {
    process.die();
    return new Promise(() => undefined);
  }

  return {
    async invoke(event) {
      if (current.process.isDead) current = begin();
      const { process, function: made } = current;
      return Promise.race([made.handler(event), process.died]);
    },
    arm(given) {
      calls = 0;
      deaths = given;
    },
    count: () => calls,
  };
}

function createProcess(): Process {
  const { promise: died, reject } = Promise.withResolvers<never>();
  died.catch(() => undefined);
  const process = {
    isDead: false,
    died,
    die() {
      process.isDead = true;
      reject(Object.assign(new Error("Runtime exited with error: signal: killed"), { name: "Runtime.ExitError" }));
    },
  };
  return process;
}

/** The ports of the function. */
export type GuardedPort = "records" | "fetch" | "aws";

type Guard = <Result>(call: () => Promise<Result>, port: GuardedPort) => Promise<Result>;

/** Passes every call of a port to the guard. */
export function guardDeps({ records, aws, fetch, ...deps }: EcsTaskDeps, guard: Guard): EcsTaskDeps {
  return {
    ...deps,
    records: {
      get: (...given) => guard(() => records.get(...given), "records"),
      put: (...given) => guard(() => records.put(...given), "records"),
      remove: (...given) => guard(() => records.remove(...given), "records"),
      list: (...given) => guard(() => records.list(...given), "records"),
    },
    fetch: (...given) => guard(() => fetch(...given), "fetch"),
    aws: <Client>(type: SdkClient<Client>, region?: string): Client => {
      const client = aws(type, region) as Sender;
      const send = client.send.bind(client);
      client.send = (...given) => guard(() => send(...given), "aws");
      return client as Client;
    },
  };
}
