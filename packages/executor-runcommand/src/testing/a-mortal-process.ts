import type { ExecutorContext, Records } from "@stackyard/core";

/** A process that dies at one of its calls of AWS or of the records: the awaits where a crash matters. */
export interface MortalProcess {
  readonly records: Records;
  readonly aws: ExecutorContext["aws"];
  isDead(): boolean;
  /** Calls so far. */
  count(): number;
}

/** The call at which it dies, and whether before it is served or after. */
export interface Death {
  readonly at: number;
  readonly when: "before" | "after";
}

/** Returns a process's view of records and AWS; after its death its calls reach neither. */
export function aMortalProcess(
  given: { readonly records: Records; readonly aws: ExecutorContext["aws"] },
  death?: Death,
): MortalProcess {
  let calls = 0;
  let isDead = false;

  async function call(serve: () => unknown): Promise<unknown> {
    if (isDead) throw new Error("The process has died.");
    calls += 1;
    const isLast = calls === death?.at;
    if (isLast && death?.when === "before") isDead = true;
    if (isDead) throw new Error("The process has died.");
    const answer = await serve();
    if (isLast) isDead = true;
    if (isDead) throw new Error("The process has died.");
    return answer;
  }

  const records = new Proxy(given.records, {
    get: (target, name, receiver) => {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof method !== "function") return method;
      return (...args: readonly unknown[]) => call(() => Reflect.apply(method, target, args));
    },
  });
  const aws: ExecutorContext["aws"] = (client) => {
    const made = given.aws(client);
    const send: unknown = Reflect.get(Object(made), "send");
    if (typeof send === "function") {
      Reflect.set(Object(made), "send", (...args: readonly unknown[]) => call(() => Reflect.apply(send, made, args)));
    }
    return made;
  };
  return { records, aws, isDead: () => isDead, count: () => calls };
}
