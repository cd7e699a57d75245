import type { ExecutorContext } from "@stackyard/core";

/** What is done to each call that leaves a process: of AWS, and of the records. */
export interface CallGuard {
  /** Performs the call, or throws instead, or afterwards. `name` is the command's, or `Records.put`; `group`: of Auto Scaling. */
  around<Result>(name: string, call: () => Promise<Result>, group?: string): Promise<Result>;
}

interface Sender {
  send(...args: readonly unknown[]): Promise<unknown>;
}

/** A context of which every call goes through the guard. The clients of the context stay as they are. */
export function guardContext<Context extends ExecutorContext>(context: Context, { around }: CallGuard): Context {
  const { records } = context;
  return {
    ...context,
    records: {
      get: (...input: Parameters<typeof records.get>) => around("Records.get", () => records.get(...input)),
      put: (...input: Parameters<typeof records.put>) => around("Records.put", () => records.put(...input)),
      remove: (...input: Parameters<typeof records.remove>) => around("Records.remove", () => records.remove(...input)),
      list: (...input: Parameters<typeof records.list>) => around("Records.list", () => records.list(...input)),
    },
    aws(type: Parameters<ExecutorContext["aws"]>[0]) {
      const client = context.aws(type) as object & Sender;
      const guarded: object & Sender = Object.create(client);
      guarded.send = (...args) => around(args[0]?.constructor.name ?? "", () => client.send(...args), toGroup(args[0]));
      return guarded;
    },
  };
}

function toGroup(command: unknown): string | undefined {
  const { input } = command as { readonly input?: { readonly AutoScalingGroupName?: string } };
  return input?.AutoScalingGroupName;
}

/** A process that dies at its call of that number, from 1: before the call, or after it was served and before its answer arrives. */
export function createDeath(
  number: number,
  when: "before" | "after",
): CallGuard & { count(): number; isDead(): boolean } {
  let calls = 0;
  let dead = false;
  const die = (): never => {
    dead = true;
    throw new Error("The process died.");
  };
  return {
    count: () => calls,
    isDead: () => dead,
    async around(name, call) {
      // Whether a process dies before or after it has read a record is the same to the world.
      if (name === "Records.get" && !dead) return call();
      calls += 1;
      const isIt = calls === number;
      if (dead || (isIt && when === "before")) return die();
      const result = await call();
      return isIt ? die() : result;
    },
  };
}
