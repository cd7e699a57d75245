import type { Executor, ExecutorContext, Store } from "@stackyard/core";
import { createJobs, type Jobs } from "@stackyard/core/jobs";
import { createSimulator, type FakeClock } from "@stackyard/core/testing";
import { type AwsSim, createAwsSim } from "./aws-sim.ts";
import type { NamedResource } from "./sim-call.ts";
import { createSimPlugin } from "./sim-plugin.ts";

/** A yard and a small AWS on one clock, whose time only passes when the test advances it. */
export interface SimYard {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly store: Store;
  readonly jobs: Jobs;
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
  const within = (ctx: ExecutorContext): ExecutorContext => ({ ...ctx, aws: client });
  const simulator = createSimulator({
    machines: [],
    executors: executors.map((each) => withContext(each, within)),
  });
  const { clock, store, findViolations } = simulator;
  const sim = createAwsSim({ clock });
  const client = openSimClients(sim, { account, region, name: "yard" });
  const jobs = createJobs({ store, clock, executors: new Map(executors.map((each) => [each.name, each])) });

  return {
    sim,
    clock,
    store,
    jobs,
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

/** Adds a user with all permissions; returns what opens its clients in a region, one of each type. */
export function openSimClients(sim: AwsSim, { account, region, name }: NamedResource): ExecutorContext["aws"] {
  const credentials = sim.iam.addUser({ account, name });
  const plugin = createSimPlugin(sim);
  const clients = new Map<unknown, unknown>();
  return <Client>(type: new (config: never) => Client): Client => {
    const client = clients.get(type) ?? new type({ region, credentials } as never);
    if (!clients.has(type)) Object(client).middlewareStack.use(plugin);
    clients.set(type, client);
    // What the map holds under a class is one of it.
    return client as Client;
  };
}

/** Returns the executor with another context, such as one with clients of the simulation. */
export function withContext(executor: Executor, within: (ctx: ExecutorContext) => ExecutorContext): Executor {
  const { plan, poll, cancel } = executor;
  return {
    ...executor,
    start: (ctx, config) => executor.start(within(ctx), config),
    ...(plan && { plan: (ctx, config) => plan(within(ctx), config) }),
    ...(poll && { poll: (ctx, config, progress) => poll(within(ctx), config, progress) }),
    ...(cancel && { cancel: (ctx, config, progress) => cancel(within(ctx), config, progress) }),
  };
}
