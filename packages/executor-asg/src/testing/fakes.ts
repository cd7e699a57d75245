import { defined, type ExecutorContext, type Random } from "@stackyard/core";
import type { LockFiles, StoredFile } from "../locks/lock-files.ts";
import type { HaltAnswer, HaltOrder, ReleaseDeps, ReleaseLocks, ReleaseMemory } from "../release-state.ts";

/** A deployer's storage, in maps that a test fills and inspects. All except the halts are by release id. */
export interface TestMemory extends ReleaseMemory {
  readonly documents: Map<string, unknown>;
  readonly userData: Map<string, string>;
  /** Of every release. */
  readonly halts: HaltOrder[];
  readonly answers: HaltAnswer[];
}

/** Creates an empty memory. Its locks have no other owner. */
export function createTestMemory(): TestMemory {
  const documents = new Map<string, unknown>();
  const userData = new Map<string, string>();
  const halts: HaltOrder[] = [];
  const answers: HaltAnswer[] = [];
  return {
    isSecondChannel: true,
    documents,
    userData,
    halts,
    answers,
    locks: createFreeLocks(),
    loadDocument: async ({ release_id }) => documents.get(release_id),
    loadUserData: async ({ release_id }) => userData.get(release_id),
    async storeDocument({ release_id }, stored) {
      if (!documents.has(release_id)) documents.set(release_id, stored.document);
      if (stored.userData !== undefined && !userData.has(release_id)) userData.set(release_id, stored.userData);
    },
    listHalts: async () => halts,
    async orderHalt(_, { message, by }) {
      halts.push({ kind: "release", message, at: 0, ...defined({ by }) });
    },
    async clearHalts(_, answer = { outcome: "obeyed" }) {
      halts.length = 0;
      answers.push(answer);
    },
  };
}

function createFreeLocks(): ReleaseLocks {
  let owner: string | undefined;
  let token = 0;
  return {
    async acquire(_, by) {
      if (owner !== undefined && owner !== by) return { kind: "held", what: "root", by: owner, message: "Held." };
      if (owner === undefined) token += 1;
      owner = by;
      return { kind: "acquired", fencingToken: token };
    },
    renew: async (_, by) => (owner === by ? "held" : "lost"),
    async release(_, by) {
      if (owner === by) owner = undefined;
    },
    async keep() {
      // No other owner competes for them.
    },
  };
}

/** Files in memory; a test may inspect and intercept every call. */
interface MemoryLockFiles extends LockFiles {
  readonly texts: ReadonlyMap<string, string>;
}

/** What happens around each call: `before` it reaches the store, and `after` on the way back. Either may throw. */
export interface CallHooks {
  before?(operation: "load" | "put" | "remove", path: string): Promise<void>;
  after?(operation: "load" | "put" | "remove", path: string): Promise<void>;
  /** True if the last writer wins, as in the predecessor. */
  readonly isUnconditional?: boolean;
}

/** The state that several views of the same files share. */
export type StoredFiles = Map<string, StoredFile>;

let versions = 0;

/** Files with conditional writes as S3 has them: of several writers at a time the first wins. */
export function createMemoryLockFiles(hooks: CallHooks = {}, stored: StoredFiles = new Map()): MemoryLockFiles {
  async function around<Result>(
    operation: "load" | "put" | "remove",
    path: string,
    work: () => Result,
  ): Promise<Result> {
    await hooks.before?.(operation, path);
    const result = work();
    await hooks.after?.(operation, path);
    return result;
  }

  return {
    get texts() {
      return new Map([...stored].map(([path, { text }]) => [path, text]));
    },
    load: (path) => around("load", path, () => stored.get(path)),
    put: (path, text, over) =>
      around("put", path, () => {
        if (hooks.isUnconditional !== true && (stored.get(path)?.version ?? "absent") !== over) return "conflict";
        versions += 1;
        stored.set(path, { text, version: `v${versions}` });
        return "written";
      }),
    remove: (path, version) =>
      around("remove", path, () => {
        const found = stored.get(path);
        if (found !== undefined && found.version !== version) return "conflict";
        stored.delete(path);
        return "removed";
      }),
    locate: (path) => ({ place: path }),
  };
}

/** Runs several pieces of work one at a time, in an order that the seed decides at each of their awaits. */
export interface Scheduler {
  /** Waits for its turn. */
  turn(): Promise<void>;
  /** Runs until all work has ended. Calls `between` before each turn. */
  run(work: readonly Promise<unknown>[], between?: () => void): Promise<void>;
}

/** Creates one. `settle`: waits until all work without a turn is waiting. Default: for work of promises alone. */
export function createScheduler(random: Random, settle: () => Promise<void> = letSettle): Scheduler {
  const waiting: (() => void)[] = [];
  return {
    turn: () => new Promise((resolve) => waiting.push(resolve)),
    async run(work, between = () => undefined) {
      let open = work.length;
      // The one that ran last moves to the end: some runs let one get far ahead, others switch at each step.
      const stickiness = random();
      for (const each of work) void each.finally(() => (open -= 1));
      while (open > 0) {
        await settle();
        const place = random() < stickiness ? waiting.length - 1 : Math.floor(random() * waiting.length);
        const [next] = waiting.splice(Math.max(place, 0), 1);
        between();
        next?.();
      }
      await Promise.all(work);
    },
  };
}

/** Lets promises that wait only for promises continue; much faster than a timer's turn. */
async function letSettle(): Promise<void> {
  for (let rounds = 0; rounds < 12; rounds += 1) await Promise.resolve();
}

/** Routes every call of AWS and of the memory through the guard. */
export function guardDeps(deps: ReleaseDeps, guard: CallGuard): ReleaseDeps {
  const { target, memory } = deps;
  const guardedMemory = guardPort(memory, guard, "Memory", () => true);
  return {
    ...deps,
    memory: { ...guardedMemory, locks: guardPort(memory.locks, guard, "Locks", () => true) },
    target: {
      ...target,
      client: ((type: never) =>
        guardPort(Object(target.client(type)), guard, "AWS", (name) => name === "send")) as never,
    },
  };
}

function guardPort<Port extends object>(
  port: Port,
  { around }: CallGuard,
  what: string,
  isGuarded: (name: string | symbol) => boolean,
): Port {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function" || !isGuarded(name)) return member;
      const call = async (args: readonly unknown[]): Promise<unknown> => member.apply(target, args);
      return (...args: unknown[]) => around(toName(what, name, args), () => call(args));
    },
  });
}

/** Returns the name of a call; the command's if one is sent. */
function toName(what: string, name: string | symbol, [command]: readonly unknown[]): string {
  return name === "send" ? String(Object(command).constructor.name) : `${what}.${String(name)}`;
}

/** Intercepts each call that leaves a process: to AWS, and to the records. */
export interface CallGuard {
  /** Performs the call, or throws instead, or afterwards. `name` is the command's, or `Records.put`; `group`: of Auto Scaling. */
  around<Result>(name: string, call: () => Promise<Result>, group?: string): Promise<Result>;
}

interface Sender {
  send(...args: readonly unknown[]): Promise<unknown>;
}

/** Routes every call of a context through the guard, except those of its clients. */
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

/**
 * Creates a process that dies at its call number `number`, from 1: before the call, or after it was served and before
 * its response arrives.
 */
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
      // It makes no difference whether a process dies before or after it has read a record.
      if (name === "Records.get" && !dead) return call();
      calls += 1;
      const isIt = calls === number;
      if (dead || (isIt && when === "before")) return die();
      const result = await call();
      return isIt ? die() : result;
    },
  };
}
