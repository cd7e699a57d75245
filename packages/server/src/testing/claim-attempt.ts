import { toAttemptPassword } from "@stackyard/core/engine";
import { decide, parseEventMessage } from "@stackyard/core/machine";
import { aChange } from "@stackyard/core/testing";
import type { TestYard } from "./test-yard.ts";

/** An attempt with a lease, as a runner's Terraform gets it. */
export interface ClaimedAttempt {
  readonly attemptId: string;
  readonly token: number;
  readonly password: string;
  /** Header of its requests. */
  readonly authorization: string;
  /** Ends it as its runner would. */
  settle(): Promise<void>;
}

/** Launches a stack without an engine and claims its task. `leaseMs` below zero: a lease that has ended already. */
export async function claimAttempt(yard: TestYard, stackId: string, leaseMs = 60_000): Promise<ClaimedAttempt> {
  const attemptId = (await findOpenAttempt(yard, stackId)) ?? (await launch(yard, stackId));
  // An expired lease was granted long ago.
  const now = yard.clock.now() + Math.min(0, leaseMs) * 2;
  const input = {
    attemptId,
    owner: `runner-${Math.random()}`,
    leaseMs: Math.abs(leaseMs),
    timeoutMs: 3_600_000,
    exclusiveKeys: [],
  };
  const claim = await yard.store.claim({ ...input, now });
  if (claim.kind !== "granted") throw new Error(`The claim was ${claim.kind}.`);
  const { grant } = claim;
  const password = await toAttemptPassword(yard.store.records, grant, now);
  return {
    attemptId,
    token: grant.token,
    password,
    authorization: `Basic ${Buffer.from(`${attemptId}:${password}`).toString("base64")}`,
    async settle() {
      const message = { event: "TASK_COMPLETED", stackId, task: { name: "create" }, dispatchId: attemptId };
      const event = { id: `${attemptId}-done`, stackId, origin: "worker", message, receivedAt: now } as const;
      await yard.store.settle(grant, { outcome: "succeeded", event, now: yard.clock.now() });
    },
  };
}

async function findOpenAttempt({ store }: TestYard, stackId: string): Promise<string | undefined> {
  return (await store.queries.listAttempts(stackId)).find(({ status }) => status !== "settled")?.attemptId;
}

async function launch({ store, locator, clock }: TestYard, stackId: string): Promise<string> {
  const located = await locator.find("review-app");
  const message = { id: `launch-${stackId}`, event: "LAUNCH", stackId, machine: "review-app" };
  const parsed = parseEventMessage(message, { at: clock.now() });
  if (located.kind !== "found" || parsed.kind !== "event") throw new Error("The tests' machine is not there.");
  const decision = decide(located.machine, undefined, parsed.event);
  if (decision.kind !== "applied") throw new Error(decision.reason);
  const { stack, dispatches } = decision;
  await store.commit([
    aChange({
      stackId,
      write: { kind: "put", stack },
      appliedIds: [message.id],
      dispatches: dispatches.map((dispatch) => ({ ...dispatch, claimWithinMs: dispatch.timeoutMs, cause: message.id })),
      now: clock.now(),
    }),
  ]);
  return dispatches[0]?.attemptId ?? "";
}
