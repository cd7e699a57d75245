import type { ExecutorContext } from "@stackyard/core";

/** A process that dies at one of its calls. */
export interface CrashingContext {
  readonly context: ExecutorContext;
  /** Calls of AWS and of the records so far. */
  count(): number;
  isDead(): boolean;
}

/** Dies at call `number`, from 1: before it is made, or after it was executed and before its response arrives. */
export function crashAt(context: ExecutorContext, number: number, when: "before" | "after"): CrashingContext {
  let calls = 0;
  let dead = false;

  async function guard<Result>(call: () => Promise<Result>): Promise<Result> {
    calls += 1;
    const isIt = calls === number;
    if (dead || (isIt && when === "before")) return die();
    const result = await call();
    return isIt ? die() : result;
  }

  function die(): never {
    dead = true;
    throw new Error("The process died.");
  }

  const { records } = context;
  return {
    count: () => calls,
    isDead: () => dead,
    context: {
      ...context,
      records: {
        ...records,
        get: (...a) => guard(() => records.get(...a)),
        put: (...a) => guard(() => records.put(...a)),
      },
      aws(type) {
        const client = context.aws(type) as Sender;
        const send = client.send.bind(client);
        client.send = (...args) => guard(() => send(...args));
        return client as never;
      },
    },
  };
}

interface Sender {
  send(...args: unknown[]): Promise<unknown>;
}
