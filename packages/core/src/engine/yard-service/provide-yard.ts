import { parseAttemptId } from "../../machine/attempt-id.ts";
import { type ProvidedService, provideService } from "../../ports/executor.ts";
import { toEventId } from "./release-event-id.ts";
import type { YardServiceDeps } from "./yard-calls.ts";
import { YARD, type YardService } from "./yard-service.ts";

/** Provides the service to the attempts of a worker. What it does is read when a task first uses it: few do. */
export function provideYard(deps: YardServiceDeps): ProvidedService {
  let read: ReturnType<typeof readCalls> | undefined;
  const readOnce = () => {
    read ??= readCalls(deps);
    return read;
  };
  return provideService(YARD, ({ attemptId }) => createYardService(readOnce, attemptId));
}

async function readCalls(deps: YardServiceDeps) {
  const { createYardCalls } = await import("./yard-calls.ts");
  return createYardCalls(deps);
}

function createYardService(readOnce: () => ReturnType<typeof readCalls>, attemptId: string): YardService {
  const own = parseAttemptId(attemptId);
  if (own === undefined) throw new TypeError(`"${attemptId}" is not the id of an attempt.`);
  let made: ReturnType<Awaited<ReturnType<typeof readCalls>>> | undefined;
  const calls = async () => {
    made ??= (await readOnce())(own);
    return made;
  };
  return {
    load: async (stackIds) => (await calls()).load(stackIds),
    select: async (input) => (await calls()).select(input),
    findPositions: async (stackIds) => (await calls()).findPositions(stackIds),
    findChanges: async (mark) => (await calls()).findChanges(mark),
    findMoves: async (stack, since) => (await calls()).findMoves(stack, since),
    keepFitting: async (where, stacks) => (await calls()).keepFitting(where, stacks),
    send: async (events) => (await calls()).send(events),
    toEventId: (event) => toEventId(own, event),
    findOutcome: async (event) => (await calls()).findOutcome(event),
    own: async () => (await calls()).own(),
    foresee: async (stack) => (await calls()).foresee(stack),
    preview: async (loaded, event) => (await calls()).preview(loaded, event),
    config: async (task) => (await calls()).config(task),
  };
}
