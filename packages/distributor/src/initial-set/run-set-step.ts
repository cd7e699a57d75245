import { StackyardError } from "@stackyard/core";
import type { DistributorContext, Turn } from "../function/distributor-context.ts";
import type { ConsumerRecord } from "../registry/consumer-record.ts";
import { findConsumer, noteConsumer } from "../registry/consumers.ts";
import { judgeTrust } from "../trust/judge-trust.ts";
import { announceSet, type SaveCursor } from "./announce-set.ts";
import { decideSet, decideSetEnd, type SetDecision, type SetRequest } from "./decide-set.ts";
import type { SetTask } from "./set-input.ts";
import { parseSetRecord, type SetRecord, toSetKey } from "./set-record.ts";
import { startSet } from "./start-set.ts";

/** What the state machine is answered. `askedAt` comes back with the next step. */
export type SetAnswer =
  | { readonly kind: "wait"; readonly seconds: number; readonly askedAt: number }
  | { readonly kind: "done"; readonly messages: number; readonly askedAt: number }
  | {
      readonly kind: "failed";
      readonly code: "ACCOUNT_NOT_TRUSTED" | "INITIAL_SET_FAILED";
      readonly message: string;
      readonly askedAt: number;
    };

/** An organisation's account is vouched for by what it sends through the bus, which may be behind its trigger. */
const VOUCHING_MS = 5 * 60_000;
const VOUCHING_WAIT_S = 15;

/** One step of the state machine. It may be repeated at any time, and several executions may ask for the same consumer. */
export async function runSetStep(context: DistributorContext, task: SetTask, turn: Turn): Promise<SetAnswer> {
  const request = toRequest(task, context.clock.now());
  const { askedAt } = request;
  const known = await findConsumer(context, request);
  const refusal = judgeRequest(context, request, known);
  if (refusal !== undefined) return { ...refusal, askedAt };
  const consumer = await noteConsumer(context, request, { kind: "asked", at: askedAt });
  if (consumer === undefined) throw new StackyardError("INTERNAL", "A consumer that was just noted is not there.");
  const record = await context.records.get(toSetKey(request), context.clock.now());
  const set = record === undefined ? undefined : parseSetRecord(record.value);
  const decision = decideSet({ request, set, consumer, now: context.clock.now() });
  const answer = await carryOut(context, { request, consumer, turn }, decision, record?.version ?? "absent");
  return { ...answer, askedAt };
}

type Answer = Omit<SetAnswer & { kind: "wait" }, "askedAt"> | Omit<SetAnswer & { kind: "done" }, "askedAt"> | Refusal;
type Refusal = Omit<SetAnswer & { kind: "failed" }, "askedAt">;

function toRequest({ execution, input }: SetTask, now: number): SetRequest {
  const { AccountId, Region, Since, Artifact, Line, Step } = input;
  return {
    account: AccountId,
    region: Region,
    execution,
    line: Line ?? execution,
    askedAt: Math.min(Step?.askedAt ?? now, now),
    since: Since === undefined ? null : Date.parse(Since),
    artifact: Artifact ?? null,
  };
}

function judgeRequest(
  { trust, clock }: DistributorContext,
  { account, askedAt }: SetRequest,
  known: ConsumerRecord | undefined,
): Refusal | (Answer & { kind: "wait" }) | undefined {
  const isVouchedFor = known !== undefined && (known.registeredAt !== null || known.lastReceiptAt !== null);
  const verdict = judgeTrust(account, trust, isVouchedFor ? "stamped" : "claimed");
  if (verdict.kind === "trusted") return undefined;
  const mayCome = trust.organizationId !== undefined && clock.now() - askedAt < VOUCHING_MS;
  if (mayCome) return { kind: "wait", seconds: VOUCHING_WAIT_S };
  return { kind: "failed", code: verdict.code, message: verdict.reason };
}

interface StepInput {
  readonly request: SetRequest;
  readonly consumer: ConsumerRecord;
  readonly turn: Turn;
}

/** Whoever finds that somebody else has gone on meanwhile looks again soon. */
const LOST: Answer = { kind: "wait", seconds: 5 };
const NEXT: Answer = { kind: "wait", seconds: 1 };

async function carryOut(
  context: DistributorContext,
  input: StepInput,
  decision: SetDecision,
  expected: number | "absent",
): Promise<Answer> {
  const version = decision.set === undefined ? expected : await save(context, decision.set, expected);
  if (version === undefined) return LOST;
  switch (decision.kind) {
    case "wait":
      return { kind: "wait", seconds: decision.seconds };
    case "done":
      return { kind: "done", messages: decision.messages };
    case "failed":
      return toFailure(input);
    case "probe":
      await context.announcer.probe(toPlace(input.request));
      return { kind: "wait", seconds: decision.seconds };
    case "restart":
      await startAfresh(context, input.request, decision.set);
      return { kind: "done", messages: decision.set.messages };
    case "announce":
      return announceNext(context, input, decision.set, version);
  }
}

async function announceNext(
  context: DistributorContext,
  { consumer, turn, ...input }: StepInput,
  set: SetRecord,
  expected: number | "absent",
): Promise<Answer> {
  let after = set;
  let version = expected;
  const saveCursor: SaveCursor = async (cursor) => {
    const next = { ...after, aliveAt: context.clock.now(), cursor, messages: after.messages + 1 };
    const saved = await save(context, next, version);
    if (saved === undefined) return false;
    after = next;
    version = saved;
    return true;
  };
  const reached = await announceSet(context, { set, consumer, turn, save: saveCursor });
  if (reached === "lost") return LOST;
  if (reached === "more") return NEXT;
  const decision = decideSetEnd({ consumer, now: context.clock.now() }, after);
  return carryOut(context, { consumer, turn, ...input }, decision, version);
}

/** Gives the version that stands there now; undefined: somebody else has written meanwhile. */
async function save(
  { records, clock }: DistributorContext,
  set: SetRecord,
  expected: number | "absent",
): Promise<number | undefined> {
  const result = await records.put({ key: toSetKey(set), value: set, expected, now: clock.now() });
  return result.kind === "written" ? result.record.version : undefined;
}

async function startAfresh(context: DistributorContext, request: SetRequest, set: SetRecord): Promise<void> {
  const { account, region, since, artifact, line } = request;
  await startSet(context, { account, region, since, artifact, line, executionName: set.execution });
}

function toFailure({ request: { account, region } }: StepInput): Refusal {
  const message = `The consumer in ${account} ${region} has not answered. Look at its function, its queue and its subscription.`;
  return { kind: "failed", code: "INITIAL_SET_FAILED", message };
}

function toPlace({ account, region }: SetRequest) {
  return { account, region };
}
