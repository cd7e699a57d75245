import type { Executor, ExecutorContext, Store } from "@stackyard/core";
import { createJobs, type Jobs } from "@stackyard/core/jobs";
import { createSimulator, type FakeClock } from "@stackyard/core/testing";
import { type AwsSim, createAwsSim } from "../aws-sim.ts";
import { createSimPlugin } from "../sim-plugin.ts";

/** A yard and a small AWS on one clock, whose time only passes when the test advances it. */
export interface SimYard {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly store: Store;
  readonly runs: Jobs;
  /** Returns a client of the yard's user, in its region. */
  client<Client>(type: new (config: never) => Client): Client;
  /** Lets time pass, with everything that is due in it. */
  advance(ms: number): Promise<void>;
  /** Returns violated invariants, as sentences. */
  findViolations(): Promise<readonly string[]>;
}

/** What it is made of. */
export interface SimYardInput {
  readonly account: string;
  readonly region: string;
  /** Executors that reach AWS by `ctx.aws`. */
  readonly executors: readonly Executor[];
}

/** A second at a time: requests to AWS that are under way are answered in it. */
const TICK_MS = 1_000;
/** A request of the SDK goes through a hundred functions, some of which wait for the event loop. */
const TURNS = 8;

/**
 * Returns the engine and the workers of a yard over the memory store, with executors that work in the simulated AWS.
 */
export function createSimYard({ account, region, executors }: SimYardInput): SimYard {
  const clients = new Map<unknown, unknown>();
  const client = <Client>(type: new (config: never) => Client): Client => {
    const known = clients.get(type) ?? open(type);
    clients.set(type, known);
    // What the map holds under a class is one of it.
    return known as Client;
  };
  const simulator = createSimulator({ machines: [], executors: executors.map((each) => bind(each, client)) });
  const { clock, store, findViolations } = simulator;
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account, name: "yard" });
  const plugin = createSimPlugin(sim);
  const runs = createJobs({ store, clock, executors: new Map(executors.map((each) => [each.name, each])) });

  function open(type: new (config: never) => unknown): unknown {
    const made = new type({ region, credentials } as never);
    Object(made).middlewareStack.use(plugin);
    return made;
  }

  return {
    sim,
    clock,
    store,
    runs,
    client,
    findViolations,
    async advance(ms) {
      for (let left = ms; left > 0; left -= TICK_MS) {
        await simulator.advance(Math.min(left, TICK_MS));
        for (let turn = 0; turn < TURNS; turn++) await simulator.settle();
      }
    },
  };
}

/** Returns the executor with clients of the simulation. */
function bind(executor: Executor, aws: ExecutorContext["aws"]): Executor {
  const within = (ctx: ExecutorContext): ExecutorContext => ({ ...ctx, aws });
  const { plan, poll, cancel } = executor;
  return {
    ...executor,
    start: (ctx, config) => executor.start(within(ctx), config),
    ...(plan && { plan: (ctx, config) => plan(within(ctx), config) }),
    ...(poll && { poll: (ctx, config, progress) => poll(within(ctx), config, progress) }),
    ...(cancel && { cancel: (ctx, config, progress) => cancel(within(ctx), config, progress) }),
  };
}
