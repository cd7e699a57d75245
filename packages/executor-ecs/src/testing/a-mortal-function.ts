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
    return { process, function: createEcsTask(toMortalDeps(deps, guard)) };
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
  let reject: (error: Error) => void = () => undefined;
  const died = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
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

type Guard = <Result>(call: () => Promise<Result>) => Promise<Result>;

function toMortalDeps({ records, aws, fetch, ...deps }: EcsTaskDeps, guard: Guard): EcsTaskDeps {
  return {
    ...deps,
    records: {
      get: (...given) => guard(() => records.get(...given)),
      put: (...given) => guard(() => records.put(...given)),
      remove: (...given) => guard(() => records.remove(...given)),
      list: (...given) => guard(() => records.list(...given)),
    },
    fetch: (...given) => guard(() => fetch(...given)),
    aws: <Client>(type: SdkClient<Client>, region?: string): Client => {
      const client = aws(type, region) as Sender;
      const send = client.send.bind(client);
      client.send = (...given) => guard(() => send(...given));
      return client as Client;
    },
  };
}
