import { explainStack } from "../inspect/explain-stack.ts";
import { toPrinted } from "../inspect/shown-stack.ts";
import { listHeldSecrets } from "../machine/decide/stack-secrets.ts";
import { findReachableOnSuccess } from "../machine/graph/find-reachable.ts";
import { defined } from "../machine/json.ts";
import type { Machine } from "../machine/machine.ts";
import { createMaskText } from "../machine/mask-text.ts";
import type { Stack } from "../machine/stack.ts";
import type { OpenFailure } from "../machine/stack-health.ts";
import { findUndoneWork } from "../machine/stack-standing.ts";
import type { Clock } from "../ports/clock.ts";
import type { Locator } from "../ports/locator.ts";
import type { DescribedStack } from "../ports/plugin-service.ts";
import type { Store } from "../ports/store.ts";

/** Dependencies of describing stacks. */
interface DescribeDeps {
  readonly store: Pick<Store, "queries" | "load">;
  readonly locator: Pick<Locator, "find">;
  readonly clock: Pick<Clock, "now">;
}

/** Explains a stack; undefined when it does not exist. */
export async function describeStack(
  { store, locator, clock }: DescribeDeps,
  stackId: string,
): Promise<DescribedStack | undefined> {
  const [loaded] = await store.load([stackId]);
  if (loaded?.stack === undefined) return undefined;
  const { stack, parked } = loaded;
  const attempts = await store.queries.listAttempts(stackId);
  const machine = await findMachine(locator, stack);
  const { summary, waitsFor, tasks } = explainStack({ stack, attempts, parked, machine }, clock.now());
  const printed = toPrinted.stack(stack);
  return { stack: printed, summary, tasks, ...defined({ waitsFor, ledBy: machine && findLedBy(machine, printed) }) };
}

/** Returns which failure of its present work has led a stack into its state: with success it would not have come there. */
function findLedBy(machine: Machine, stack: Stack): OpenFailure | undefined {
  const failure = findUndoneWork(stack);
  if (failure === undefined) return undefined;
  const places = [...machine.states.values()].filter(({ tasks }) => tasks.includes(failure.task));
  const wanted = places.flatMap(({ name }) => findReachableOnSuccess(machine, name).states);
  return places.length === 0 || wanted.includes(stack.state) ? undefined : failure;
}

/** Finds the newest revision only; a stack on another one is explained without its machine. */
async function findMachine(locator: DescribeDeps["locator"], stack: Stack): Promise<Machine | undefined> {
  // A document that cannot be read makes an explanation shorter, not impossible.
  const located = await locator.find(stack.machine).catch(() => undefined);
  if (located?.kind !== "found") return undefined;
  const { machine, revision } = located;
  const isDecidedOn =
    machine.revision === "follow" ? machine.states.has(stack.state) : revision.hash === stack.machineHash;
  return isDecidedOn ? machine : undefined;
}

/** Returns the end of an attempt's log, at most 64 KiB, masked; undefined without one. */
export async function findLogEnd(
  { store }: { readonly store: Pick<Store, "load" | "findAttempt"> },
  attemptId: string,
): Promise<string | undefined> {
  const attempt = await store.findAttempt(attemptId);
  if (attempt?.log === undefined) return undefined;
  const [loaded] = await store.load([attempt.stackId]);
  // The worker has masked only its own secrets; the stack may have more of them since.
  const mask = createMaskText(loaded?.stack === undefined ? [] : listHeldSecrets(loaded.stack));
  return mask(attempt.log);
}
