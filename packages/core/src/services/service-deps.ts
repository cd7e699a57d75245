import { publishMessages } from "../engine/engine.ts";
import type { Clock, Ids, Random } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";
import type { Locator } from "../ports/locator.ts";
import type { SecretReference, ServiceDeps } from "../ports/plugin-service.ts";
import type { Store } from "../ports/store.ts";
import { describeStack, findLogEnd } from "./describe-stack.ts";

/** What the services of a yard are given by the process that runs them. */
export interface YardServicesDeps {
  readonly store: Pick<Store, "records" | "queries" | "load" | "enqueue" | "findAttempt">;
  readonly locator: Pick<Locator, "find">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly logger: Logger;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
}

/** Creates what a service works with until the signal is aborted. */
export function createServiceDeps(
  deps: YardServicesDeps,
  { signal, wake }: Pick<ServiceDeps, "signal" | "wake">,
): ServiceDeps {
  const { store, locator, clock, ids, random, logger, readSecret } = deps;
  return {
    records: store.records,
    queries: store.queries,
    locator,
    clock,
    ids,
    random,
    logger,
    signal,
    wake,
    readSecret,
    async findStack(stackId) {
      const [loaded] = await store.load([stackId]);
      return loaded?.stack;
    },
    describeStack: (stackId) => describeStack(deps, stackId),
    findLogEnd: (attemptId) => findLogEnd(deps, attemptId),
    async publish(event, { id, name }) {
      const sender = { kind: "host", id, name, groups: [] } as const;
      const [result] = await publishMessages(deps, [event], { sender });
      if (result?.kind !== "invalid") return { kind: result?.kind ?? "accepted" };
      return { kind: "invalid", code: result.code, reason: result.reason };
    },
  };
}
