import { randomBytes } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import {
  defined,
  type ExecutorContext,
  isStackyardError,
  readChunks,
  removeChunks,
  writeChunks,
} from "@stackyard/core";
import { parseAttemptId } from "@stackyard/core/machine";
import { SEALER, type Sealer } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { TerraformFailure } from "../run/failure.ts";
import type { StagedRun } from "../run/staged-run.ts";
import { digestDefaultTags } from "../settings.ts";
import { packHeader, unpackHeader } from "../source/packed-header.ts";

/** As much as a state may have. */
const MAX_BYTES = 32 * 1024 * 1024;
const KEEP_MS = 7 * 24 * 60 * 60 * 1000;

/** All inputs of a plan except the state: Terraform itself compares its lineage and serial. */
const PlanBinding = Type.Object({
  stack: Type.String(),
  incarnation: Type.String(),
  state: Type.String(),
  source: Type.String(),
  program: Type.String(),
  version: Type.String(),
  target: Type.String(),
  tags: Type.String(),
  /** The folder of the run: configurations contain paths. */
  folder: Type.String(),
  /** The configuration's folder in it. */
  module: Type.String(),
});
type PlanBinding = Static<typeof PlanBinding>;

/** The words for each part. */
const PARTS: Readonly<Record<keyof PlanBinding, string>> = {
  stack: "stack",
  incarnation: "incarnation of the stack",
  state: "state",
  source: "digest of the source",
  program: "program",
  version: "version of the program",
  target: "target",
  tags: "digest of the yard's tags",
  folder: "folder of the run",
  module: "folder of the configuration",
};

/** Sealed together with the plan, so that neither can be exchanged. */
const PlanHeader = Type.Object({
  id: Type.String(),
  binding: PlanBinding,
  /** The dependency lock file of the run that planned: another choice of providers would not fit the plan. */
  lockFile: Type.Optional(Type.String()),
  /** Addresses that the plan removes from the state without destroying them. */
  forgets: Type.Array(Type.String()),
  /** Addresses of objects that it brings into the state. */
  imports: Type.Array(Type.String()),
});
type PlanHeader = Static<typeof PlanHeader>;

/** The unsealed facts about a stored plan. */
const PlanRecord = Type.Object({
  chunks: Type.Integer({ minimum: 1 }),
  /** The attempt that has begun to apply it. */
  appliedBy: Type.Optional(Type.String()),
});
type PlanRecord = Static<typeof PlanRecord>;

/** A saved plan in the folder of the run that is going to apply it. */
export interface OpenedPlan {
  readonly id: string;
  readonly file: string;
  readonly forgets: readonly string[];
  readonly imports: readonly string[];
  readonly record: PlanRecord;
  /** The version of the record. */
  readonly version: number;
}

/** Checks that a plan can be saved, before creating it. Fails with TERRAFORM_NEEDS_STORE. */
export async function checkSaving(ctx: ExecutorContext): Promise<void> {
  requireSealer(ctx);
  await withStore(() => ctx.records.get(toPlanKey("none"), ctx.clock.now()));
}

function requireSealer(ctx: ExecutorContext): Sealer {
  const sealer = ctx.service(SEALER);
  if (sealer !== undefined) return sealer;
  const text =
    "This runner has no seal key, without which plans are not saved. Set STACKYARD_SEAL_KEY, or on AWS STACKYARD_SEAL_KMS_KEY.";
  throw new TerraformFailure("TERRAFORM_NEEDS_STORE", text);
}

/** A plan file, and what applying it would forget and import. */
type SavedFile = Pick<OpenedPlan, "file" | "forgets" | "imports">;

/** Saves a plan file, sealed, for 7 days. Returns its id. Fails with TERRAFORM_PLAN_TOO_LARGE. */
export async function savePlan(run: StagedRun, { file, forgets, imports }: SavedFile): Promise<string> {
  const { ctx } = run;
  const { size } = await stat(file);
  if (size > MAX_BYTES) {
    const text = `The plan has ${size} bytes; ${MAX_BYTES} are allowed. Split the configuration.`;
    throw new TerraformFailure("TERRAFORM_PLAN_TOO_LARGE", text);
  }
  const id = randomBytes(16).toString("hex");
  const lockFile = await readFile(join(run.module, LOCK_FILE), "utf8").catch(() => undefined);
  const header: PlanHeader = defined({
    id,
    binding: toBinding(run),
    lockFile,
    forgets: [...forgets],
    imports: [...imports],
  });
  const sealed = await requireSealer(ctx).seal(packHeader(header, await readFile(file)));
  const now = ctx.clock.now();
  const expiresAt = now + KEEP_MS;
  const place = { keyOf: toChunkKey(id), now, expiresAt };
  const chunks = await writeChunks(ctx.records, place, Buffer.from(sealed).toString("base64"));
  const value: PlanRecord = { chunks };
  await ctx.records.put({ key: toPlanKey(id), value, expected: "absent", expiresAt, now });
  return id;
}

const LOCK_FILE = ".terraform.lock.hcl";

/** Returns the folder of the run that made a plan. Fails with TERRAFORM_PLAN_STALE, TERRAFORM_NEEDS_STORE. */
export async function findPlanFolder(ctx: ExecutorContext, id: string): Promise<string> {
  const { header } = await loadPlan(ctx, id);
  return header.binding.folder;
}

/**
 * Writes a saved plan into the folder of the run, with its choice of providers, after comparing its inputs. Fails with
 * TERRAFORM_PLAN_STALE, TERRAFORM_NEEDS_STORE.
 */
export async function openSavedPlan(run: StagedRun, id: string): Promise<OpenedPlan> {
  const { header, plan, record, version } = await loadPlan(run.ctx, id);
  const differences = findDifferences(header.binding, toBinding(run));
  if (differences.length > 0) throw toStale(id, differences.join("; "));
  const file = join(run.folder, "saved.tfplan");
  await writeFile(file, plan, { mode: 0o600 });
  if (header.lockFile !== undefined) await writeFile(join(run.module, LOCK_FILE), header.lockFile);
  return { id, file, forgets: header.forgets, imports: header.imports, record, version };
}

/** Marks a plan as applied, before it is. Fails with TERRAFORM_PLAN_STALE if another attempt was first. */
export async function claimSavedPlan({ ctx }: StagedRun, plan: OpenedPlan): Promise<OpenedPlan> {
  const put = await putPlanRecord(ctx, plan, { ...plan.record, appliedBy: ctx.attempt.id });
  if (put.kind === "conflict") throw toStale(plan.id, "another attempt applies it");
  return { ...plan, version: put.record.version };
}

/** Lets another attempt apply a claimed plan that was not applied at all. */
export async function releaseSavedPlan({ ctx }: StagedRun, plan: OpenedPlan): Promise<void> {
  await putPlanRecord(ctx, plan, plan.record);
}

function putPlanRecord({ records, clock }: ExecutorContext, { id, version }: OpenedPlan, value: PlanRecord) {
  const now = clock.now();
  return records.put({ key: toPlanKey(id), value, expected: version, expiresAt: now + KEEP_MS, now });
}

/**
 * Removes the content of a plan that was applied; its record remains, so that a second apply is rejected with a reason.
 */
export async function dropSavedPlan({ ctx }: StagedRun, { id, record }: OpenedPlan): Promise<void> {
  await removeChunks(ctx.records, { keyOf: toChunkKey(id), now: ctx.clock.now() }, record.chunks);
}

async function loadPlan(ctx: ExecutorContext, id: string) {
  const { record, version } = await loadPlanRecord(ctx, id);
  if (record.appliedBy !== undefined) throw toStale(id, `it was applied by the attempt ${record.appliedBy}`);
  const { header, plan } = await loadContent(ctx, id, record);
  if (header.id !== id) throw toStale(id, "its content belongs to another plan");
  return { header, plan, record, version };
}

async function loadPlanRecord(ctx: ExecutorContext, id: string) {
  const found = await withStore(() => ctx.records.get(toPlanKey(id), ctx.clock.now()));
  if (found === undefined) throw toStale(id, "it does not exist, or was made more than 7 days ago");
  if (Value.Check(PlanRecord, found.value)) return { record: found.value, version: found.version };
  throw toStale(id, "its record cannot be read");
}

async function loadContent(ctx: ExecutorContext, id: string, { chunks }: PlanRecord) {
  const text = await readChunks(ctx.records, { keyOf: toChunkKey(id), now: ctx.clock.now() }, chunks);
  if (text === undefined) throw toStale(id, "its content does not exist any more");
  const opened = await ctx.service(SEALER)?.open(Buffer.from(text, "base64"));
  const content = opened && unpackHeader(opened);
  if (content !== undefined && Value.Check(PlanHeader, content.header))
    return { header: content.header, plan: content.rest };
  throw toStale(id, "this runner does not have the key that it was sealed with");
}

function toBinding(run: StagedRun): PlanBinding {
  const { ctx, program, stateKey, sourceDigest, folder, module } = run;
  const { account, region, role = "" } = ctx.target ?? { account: "", region: "" };
  return {
    stack: ctx.stackId,
    incarnation: parseAttemptId(ctx.attempt.id)?.incarnation ?? "",
    state: stateKey,
    source: sourceDigest,
    program: program.product,
    version: program.version,
    target: [account, region, role].filter((part) => part !== "").join(" "),
    tags: digestDefaultTags(run.environment),
    folder,
    module: relative(folder, module),
  };
}

function findDifferences(planned: PlanBinding, present: PlanBinding): readonly string[] {
  const parts = Object.entries(PARTS) as [keyof PlanBinding, string][];
  return parts
    .filter(([part]) => planned[part] !== present[part])
    .map(([part, name]) => `the ${name} was ${toShown(planned[part])} and is ${toShown(present[part])}`);
}

function toShown(value: string): string {
  return value === "" ? "unknown" : JSON.stringify(value);
}

function toStale(id: string, reason: string): TerraformFailure {
  return new TerraformFailure("TERRAFORM_PLAN_STALE", `The plan ${id} cannot be applied: ${reason}. Plan again.`);
}

function toPlanKey(id: string): string {
  return `terraform-plan/head/${id}`;
}

function toChunkKey(id: string): (index: number) => string {
  return (index) => `terraform-plan/data/${id}/${String(index).padStart(4, "0")}`;
}

/** Calls the store; a runner without one rejects every call of its records. */
async function withStore<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!isStackyardError(error, "CONFIG_INVALID")) throw error;
    throw new TerraformFailure("TERRAFORM_NEEDS_STORE", error.message, { cause: error });
  }
}
