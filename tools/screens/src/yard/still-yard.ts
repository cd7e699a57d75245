import { defined, silentLogger } from "@stackyard/core";
import { createStaticLocator, publishMessages, startYard } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { provideCalendarFiles } from "@stackyard/core/services";
import { countingIds, createSimulator, type Simulator } from "@stackyard/core/testing";
import { type ServedYard, type ServeInput, serveYard } from "@stackyard/look";
import { ACCOUNT_NAMES, ALARMS, ARTIFACTS } from "./aws-data.ts";
import { createExecutors, type Fates } from "./executors.ts";
import { CALENDARS, MACHINES } from "./machines.ts";

/** Who sends an event. */
export interface Person {
  readonly name: string;
  readonly groups?: readonly string[];
}

/** A yard in virtual time with a server on the loopback. Its time passes only while its story is played. */
export interface StillYard extends ServedYard {
  readonly simulator: Simulator;
  readonly fates: Fates;
  /** Sends an event as a person. */
  send(message: object, person: Person): Promise<void>;
}

/** Starts one without stacks, with these machines. `people`: their issuer. */
export async function startStillYard(
  machineNames: readonly string[] = Object.keys(MACHINES),
  people?: ServeInput["people"],
): Promise<StillYard> {
  const fates: Fates = new Map();
  const executors = createExecutors(fates);
  const registry = new Map(executors.map((executor) => [executor.name, executor]));
  const machines = machineNames.map((name) => {
    const source = (MACHINES[name] ?? "").trimStart();
    const { machine, problems } = parseMachine(source, { name, executors: registry });
    if (machine === undefined) throw new Error(`${name}: ${JSON.stringify(problems)}`);
    return { machine, source };
  });
  const calendars = { read: async (name: string) => CALENDARS[name] };
  const simulator = createSimulator({ machines, executors, aws: ALARMS, services: [provideCalendarFiles(calendars)] });
  const { clock, store } = simulator;
  const locator = createStaticLocator(machines);
  const ids = countingIds("call");
  const ofAws = {
    artifacts: ARTIFACTS,
    customResources: store.records,
    accounts: ACCOUNT_NAMES,
    calendars,
    yardName: "eu-prod",
  };
  const served = await serveYard({ store, clock, locator, executors, ids, ...ofAws, ...defined({ people }) });
  const deps = { store, clock, locator, executors: registry, ids, logger: silentLogger };
  let process: ReturnType<typeof startYard> | undefined;
  return {
    ...served,
    simulator,
    fates,
    async send(message, { name, groups = [] }) {
      const sender = { kind: "host", id: name, name, groups } as const;
      const [result] = await publishMessages(deps, [message], { sender });
      if (result?.kind !== "accepted") throw new Error(JSON.stringify(result));
      await simulator.settle();
    },
    async findSignIn() {
      // Listed as the yard's process from now on. Its time stands still, so it does nothing.
      process ??= startYard(deps, { process: { version: "1.0.0", host: "worker-1" }, concurrency: 31 });
      return served.findSignIn();
    },
    async stop() {
      await served.stop();
      void process?.stop();
    },
  };
}
