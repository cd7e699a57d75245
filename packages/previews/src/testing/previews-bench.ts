import { type Executor, type PluginService, silentLogger } from "@stackyard/core";
import { createStaticLocator } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { createServiceRunner, type YardServicesDeps } from "@stackyard/core/services";
import { countingIds, createSimulator } from "@stackyard/core/testing";

/** The parts of a bench. */
export interface BenchInput {
  /** The document of the machine `preview`. */
  readonly source: string;
  readonly executors: readonly Executor[];
  readonly services: readonly PluginService[];
  /** By this, services reach AWS. */
  readonly aws?: YardServicesDeps["aws"];
}

/** Creates a yard in virtual time with the machine `preview`, and its services; a test calls their ticks. */
export function createPreviewsBench({ source, executors, services, aws }: BenchInput) {
  const registry = new Map(executors.map((executor) => [executor.name, executor]));
  const { machine, problems } = parseMachine(source, { name: "preview", executors: registry });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  const yard = createSimulator({ machines: [{ machine, source }], executors });
  const { deps } = createServiceRunner(
    {
      store: yard.store,
      locator: createStaticLocator([{ machine, source }]),
      clock: yard.clock,
      ids: countingIds(),
      random: () => 1,
      logger: silentLogger,
      aws,
      readSecret: async () => "a-key-of-the-tests",
    },
    services,
  );
  return {
    ...yard,
    problems,
    deps,
    async tick() {
      for (const { tick } of services) await tick?.(deps, Number.POSITIVE_INFINITY);
      await yard.settle();
    },
    /** Advances the time, and calls the services each minute. */
    async pass(minutes: number) {
      for (let minute = 0; minute < minutes; minute++) {
        await yard.advance(60_000);
        for (const { tick } of services) await tick?.(deps, Number.POSITIVE_INFINITY);
        await yard.settle();
      }
    },
    send: (stackId: string, event: string, metadata: Readonly<Record<string, unknown>> = {}) =>
      yard.publish({ stackId, machine: "preview", event, metadata }),
    async stateOf(stackId: string) {
      return (await yard.findStack(stackId))?.state;
    },
  };
}
