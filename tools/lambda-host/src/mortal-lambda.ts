import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Clock, defined } from "@stackyard/core";

/** A function whose instances are processes that can be killed. */
export interface MortalLambda {
  /** Serves an event: by an instance that has nothing to do, or by a new one. Rejects when it throws or is killed. */
  invoke(event: unknown): Promise<unknown>;
  /** Kills what is at work, as a machine that is switched off. Gives how many. */
  killBusy(): number;
  stop(): void;
}

/** What the instances are made of. */
export interface MortalLambdaInput {
  readonly bundle: string;
  /** Name of the export that is called. Default: `handler`. */
  readonly handler?: string;
  /** The remaining time of each invocation as the function sees it. Default: 10,000. */
  readonly remainingMs?: number;
  /** Where answers of custom resources lead. Default: to CloudFormation. */
  readonly answers?: string;
  /** Hides the log, which reports the failures that a test causes. Default: false. */
  readonly isSilent?: boolean;
  /** What time it is for the instances, at the beginning of each invocation. Default: the system's clock. */
  readonly clock?: Pick<Clock, "now">;
  readonly environment: Readonly<Record<string, string>>;
}

interface Instance {
  readonly child: ChildProcess;
  isBusy: boolean;
}

interface Reply {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: { readonly name: string; readonly message: string };
}

/** Creates the function; makes no instance before the first event. */
export function createMortalLambda(input: MortalLambdaInput): MortalLambda {
  const { clock = { now: Date.now } } = input;
  const instances = new Set<Instance>();
  let ids = 0;

  async function findIdle(): Promise<Instance> {
    for (const instance of instances) {
      if (instance.isBusy) continue;
      instance.isBusy = true;
      return instance;
    }
    const { bundle, handler = "handler", remainingMs = 10_000, answers = "", isSilent = false } = input;
    const child = fork(join(import.meta.dirname, "function-process.ts"), [bundle, handler, `${remainingMs}`, answers], {
      env: { ...input.environment, ...inherited() },
      silent: isSilent,
      // Not those of the process of the tests, which resolve and load modules in another way.
      execArgv: [],
    });
    const instance = { child, isBusy: true };
    instances.add(instance);
    child.once("exit", () => instances.delete(instance));
    await once(child, "message");
    return instance;
  }

  return {
    async invoke(event) {
      const instance = await findIdle();
      ids += 1;
      try {
        return await ask(instance.child, { id: ids, event, now: clock.now() });
      } finally {
        instance.isBusy = false;
      }
    },
    killBusy() {
      const busy = [...instances].filter(({ isBusy }) => isBusy);
      for (const { child } of busy) child.kill("SIGKILL");
      return busy.length;
    },
    stop() {
      for (const { child } of instances) child.kill("SIGKILL");
    },
  };
}

/** Where programs and compiled modules are. */
function inherited(): NodeJS.ProcessEnv {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return defined({ PATH, NODE_COMPILE_CACHE });
}

/** An event as an instance gets it; `now`: what time it is. */
export interface Call {
  readonly id: number;
  readonly event: unknown;
  readonly now: number;
}

function ask(child: ChildProcess, call: Call): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const die = () => reject(Object.assign(new Error("signal: killed"), { name: "Runtime.ExitError" }));
    const read = (reply: Reply): void => {
      if (reply.id !== call.id) return;
      child.off("message", read);
      child.off("exit", die);
      if (reply.error === undefined) resolve(reply.answer);
      else reject(Object.assign(new Error(reply.error.message), { name: reply.error.name }));
    };
    child.on("message", read);
    child.once("exit", die);
    child.send(call);
  });
}
