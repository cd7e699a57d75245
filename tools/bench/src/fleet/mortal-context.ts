import type { TestExecutorContext } from "@stackyard/core/testing";

/** When a process dies: at the how-manieth request, counted from 1, before it is served or after. */
export interface Death {
  readonly at: number;
  readonly when: "before" | "after";
}

/** A process of the control plane that may die. */
export interface MortalContext {
  readonly context: TestExecutorContext;
  isDead(): boolean;
  /** Requests to AWS and to the records so far: the awaits at which a death matters. */
  count(): number;
}

/** Nothing that it does after its death reaches anybody. */
export function toMortalContext(context: TestExecutorContext, death?: Death): MortalContext {
  let requests = 0;
  let isDead = false;

  async function guard<Result>(serve: () => Promise<Result>): Promise<Result> {
    requests += 1;
    const isIt = requests === death?.at;
    isDead ||= isIt && death?.when === "before";
    if (isDead) throw new Error("The process has died.");
    const result = await serve();
    isDead ||= isIt;
    if (isDead) throw new Error("The process has died.");
    return result;
  }

  const { records } = context;
  return {
    isDead: () => isDead,
    count: () => requests,
    context: {
      ...context,
      records: {
        get: (...input) => guard(() => records.get(...input)),
        put: (...input) => guard(() => records.put(...input)),
        list: (...input) => guard(() => records.list(...input)),
        remove: (...input) => guard(() => records.remove(...input)),
      },
      aws<Client>(type: new (config: never) => Client): Client {
        const client = context.aws(type);
        const { middlewareStack } = Object(client);
        const middleware = (next: (args: unknown) => Promise<unknown>) => (args: unknown) => guard(() => next(args));
        middlewareStack.add(middleware, { step: "initialize", name: "mortal", override: true });
        return client;
      },
    },
  };
}
