import { StartExecutionCommand } from "@aws-sdk/client-sfn";
import { callAws } from "@stackyard/aws";
import { defined, StackyardError } from "@stackyard/core";
import type { RecordVersion } from "@stackyard/core/services";
import type { ConsumerPlace } from "@stackyard/sdk/artifacts";
import { toPlaceKey } from "../cell.ts";
import { changeCell } from "../cell-records.ts";
import { type ConsumerRecord, knownConsumers, noteConsumer } from "../consumers.ts";
import type { DistributorContext, Turn } from "../context.ts";
import type { SetTask } from "../events.ts";
import type { PublishedArtifact } from "../fan-out.ts";
import { loadReadable } from "../published-versions.ts";
import { evaluateAdmitted, evaluateTrust } from "../trust.ts";
import {
  expectedSet,
  type ListedVersion,
  listVersions,
  openCoverage,
  toSubscription,
  toVersionKey,
} from "../versions.ts";
import {
  decideSet,
  decideSetEnd,
  initialSets,
  type SetDecision,
  type SetRecord,
  type SetRequest,
} from "./set-rules.ts";

/** The result for the state machine. It passes `askedAt` to the next step. */
type SetAnswer =
  | { readonly kind: "wait"; readonly seconds: number; readonly askedAt: number }
  | { readonly kind: "done"; readonly messages: number; readonly askedAt: number }
  | {
      readonly kind: "failed";
      readonly code: "ACCOUNT_NOT_TRUSTED" | "INITIAL_SET_FAILED";
      readonly message: string;
      readonly askedAt: number;
    };

/** An account of the organization is confirmed by an event on the bus, which can arrive after the trigger. */
const VOUCHING_MS = 5 * 60_000;
const VOUCHING_WAIT_S = 15;

/** Runs one step of the state machine. Idempotent; several executions can request the same consumer. */
export async function runSetStep(context: DistributorContext, task: SetTask, turn: Turn): Promise<SetAnswer> {
  const request = toRequest(task, context.clock.now());
  const { askedAt } = request;
  const known = await knownConsumers.find(context, toPlaceKey(request));
  const refusal = validateRequest(context, request, known);
  if (refusal !== undefined) return { ...refusal, askedAt };
  const consumer = await noteConsumer(context, request, { kind: "asked", at: askedAt });
  if (consumer === undefined)
    throw new StackyardError("INTERNAL", "The consumer record is missing after it was written.");
  const { value: set, version } = await initialSets.load(context, toPlaceKey(request));
  const decision = decideSet({ request, set, consumer, now: context.clock.now() });
  const answer = await carryOut(context, { request, consumer, turn }, decision, version);
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

function validateRequest(
  { trust, clock }: DistributorContext,
  { account, askedAt }: SetRequest,
  known: ConsumerRecord | undefined,
): Refusal | (Answer & { kind: "wait" }) | undefined {
  const isVouchedFor = known !== undefined && (known.registeredAt !== null || known.lastReceiptAt !== null);
  const verdict = isVouchedFor ? evaluateAdmitted(known, trust) : evaluateTrust(account, trust, "claimed");
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

/** Another process changed the set: check again soon. */
const LOST: Answer = { kind: "wait", seconds: 5 };
const NEXT: Answer = { kind: "wait", seconds: 1 };

async function carryOut(
  context: DistributorContext,
  input: StepInput,
  decision: SetDecision,
  expected: RecordVersion,
): Promise<Answer> {
  const version = decision.set === undefined ? expected : await save(context, decision.set, expected);
  if (version === undefined) return LOST;
  switch (decision.kind) {
    case "wait":
      return { kind: "wait", seconds: decision.seconds };
    case "done":
      return { kind: "done", messages: decision.messages };
    case "failed": {
      const { account, region } = input.request;
      const message = `The consumer in ${account} ${region} did not respond. Check its function, queue and subscription.`;
      return { kind: "failed", code: "INITIAL_SET_FAILED", message };
    }
    case "probe":
      await context.announcer.probe(input.request);
      return { kind: "wait", seconds: decision.seconds };
    case "restart":
      await startSet(context, { ...input.request, executionName: decision.set.execution });
      return { kind: "done", messages: decision.set.messages };
    case "announce":
      return announceNext(context, input, decision.set, version);
  }
}

async function announceNext(
  context: DistributorContext,
  { consumer, turn, ...input }: StepInput,
  set: SetRecord,
  expected: RecordVersion,
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

/** Saves the set. Returns its new record version, or undefined when another process has changed it. */
function save(context: DistributorContext, set: SetRecord, version: RecordVersion): Promise<RecordVersion | undefined> {
  return initialSets.replace(context, { name: toPlaceKey(set), version }, { value: set });
}

type Cursor = NonNullable<SetRecord["cursor"]>;

/** Saves the cursor after an announced file. Returns false when another execution works on the set. */
type SaveCursor = (cursor: Cursor) => Promise<boolean>;

/** Files per step. */
const MAX_FILES = 500;
/** Reserved for the announcement of one file. */
const MARGIN_MS = 60_000;

interface AnnounceSetInput extends Omit<StepInput, "request"> {
  readonly set: SetRecord;
  readonly save: SaveCursor;
}

/**
 * Announces the next files of a set, from its cursor. Saves the cursor after each file, so after a crash at most one
 * file is announced twice. The rate of 20 files per second leaves time for a save per file.
 */
async function announceSet(
  context: DistributorContext,
  { set, consumer, turn, save }: AnnounceSetInput,
): Promise<"end" | "more" | "lost"> {
  let count = 0;
  for await (const { published, key, cursor } of listFiles(context, set, consumer)) {
    if (count >= MAX_FILES || context.clock.now() + MARGIN_MS > turn.deadlineAt) return "more";
    if (cursor.files === 1) await noteAnnounced(context, published, consumer);
    await context.announcer.announce(published, consumer, [key]);
    count += 1;
    if (!(await save(cursor))) return "lost";
  }
  return "end";
}

interface NextFile {
  readonly published: PublishedArtifact;
  readonly key: string;
  /** The cursor after this file. */
  readonly cursor: Cursor;
}

/** Yields the files after the cursor of a set. Manifests are loaded when their first file is needed. */
async function* listFiles(
  context: DistributorContext,
  set: SetRecord,
  consumer: ConsumerRecord,
): AsyncGenerator<NextFile> {
  for (const version of await findWanted(context, set, consumer)) {
    const first = findFirst(version, set.cursor);
    const published = first < version.record.files ? await loadVersion(context, version) : undefined;
    const files = published?.manifest.files.slice(first) ?? [];
    for (const [index, { key }] of files.entries()) {
      const cursor = { name: version.name, version: version.version, files: first + index + 1 };
      if (published) yield { published, key, cursor };
    }
  }
}

/** Returns the number of files of a version before the cursor. */
function findFirst(version: ListedVersion, cursor: SetRecord["cursor"]): number {
  if (cursor === null) return 0;
  const order = compare(toVersionKey(version), toVersionKey(cursor));
  if (order === 0) return cursor.files;
  return order < 0 ? version.record.files : 0;
}

async function loadVersion(
  context: DistributorContext,
  version: ListedVersion,
): Promise<PublishedArtifact | undefined> {
  const published = await loadReadable(context, version);
  if (published === undefined) {
    const subject = { name: version.name, version: version.version };
    context.logger.error("A published version cannot be read and is skipped in a set.", subject);
  }
  return published;
}

/** Records the announcement before it is sent: after a crash the cell becomes overdue. */
async function noteAnnounced(
  context: DistributorContext,
  { manifest: { name, version, files }, manifestSha256 }: PublishedArtifact,
  consumer: ConsumerRecord,
): Promise<void> {
  const at = context.clock.now();
  const subject = { name, version, manifestSha256, files: files.length };
  await changeCell(context, subject, consumer, () => [
    { kind: "announced", at, scope: "all", bucket: consumer.bucket ?? undefined },
  ]);
  await openCoverage(context, subject);
}

async function findWanted(
  context: DistributorContext,
  { since, artifact }: SetRecord,
  { capabilities }: ConsumerRecord,
): Promise<readonly ListedVersion[]> {
  const versions = await listVersions(context);
  // A named version is sent even when it is not current.
  const one = versions.filter((each) => !each.retired && `${each.name}@${each.version}` === artifact);
  const expected = one.length > 0 ? one : expectedSet(versions, toSubscription(capabilities));
  return expected
    .filter((each) => artifact === null || one.length > 0 || each.name === artifact)
    .filter(({ record }) => since === null || Date.parse(record.publishedAt) >= since)
    .sort((left, right) => compare(toVersionKey(left), toVersionKey(right)));
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** A set to start. */
interface StartSetInput extends ConsumerPlace {
  /** At most 80 characters. The same name starts only one execution. */
  readonly executionName: string;
  /** Epoch milliseconds. */
  readonly since?: number | null;
  readonly artifact?: string | null;
  /** The execution that this one continues. */
  readonly line?: string;
}

/** A started execution, new or existing. */
interface StartedSet {
  readonly executionArn: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** Starts the state machine. Throws `CONFIG_INVALID` when none is configured, and errors of Step Functions. */
export async function startSet(
  { states, config, clock }: Pick<DistributorContext, "states" | "config" | "clock">,
  { account, region, executionName, since, artifact, line }: StartSetInput,
): Promise<StartedSet> {
  const { machineArn } = config;
  if (machineArn === undefined) {
    const what = "No state machine for initial sets is configured. Set INITIAL_SET_MACHINE.";
    throw new StackyardError("CONFIG_INVALID", what);
  }
  const input = {
    AccountId: account,
    Region: region,
    ...(since === undefined || since === null ? {} : { Since: new Date(since).toISOString() }),
    ...(artifact ? { Artifact: artifact } : {}),
    ...defined({ Line: line }),
  };
  const command = { stateMachineArn: machineArn, name: executionName, input: JSON.stringify(input) };
  // The name is unique per purpose, so an existing execution does the same.
  const policy = { instead: { ExecutionAlreadyExists: undefined } };
  const started = await callAws(() => states.send(new StartExecutionCommand(command)), policy);
  const known = `${machineArn.replace(":stateMachine:", ":execution:")}:${executionName}`;
  const executionArn = started === undefined ? known : (started.executionArn ?? "");
  return { executionArn, startedAt: started?.startDate?.getTime() ?? clock.now() };
}
