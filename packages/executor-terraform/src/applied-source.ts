import { hash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { changeRecord, defined, type ExecutorContext, isStackyardError, removeChunks } from "@stackyard/core";
import { readCompressed, SEALER, toStateName, toUnsavedId, writeCompressed } from "@stackyard/core/services";
import { create, extract } from "tar";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { BACKEND_OVERRIDE_FILE } from "./backend.ts";
import { TerraformConfig } from "./definition.ts";
import { packHeader, unpackHeader } from "./packed-header.ts";
import { isOfTool, isState } from "./sources.ts";
import type { StagedRun } from "./staged-run.ts";

/** What a run needs of its task to find and to plan its configuration. */
const AppliedConfig = Type.Pick(TerraformConfig, ["source", "backend"]);

const AppliedHeader = Type.Object({
  config: AppliedConfig,
  /** Texts of the declared variables, by name. */
  variables: Type.Record(Type.String(), Type.String()),
  /** Names of variables whose values are secret. */
  secrets: Type.Array(Type.String()),
  /** The folder of the configuration in the files. */
  module: Type.String(),
});
type AppliedHeader = Static<typeof AppliedHeader>;

/** The configuration that a state was changed with last. */
export interface AppliedSource extends AppliedHeader {
  /** The files as a compressed archive. Undefined: the source has to be read again. */
  readonly files?: Uint8Array;
}

/** The unsealed facts about it, as a record of the yard. */
const AppliedRecord = Type.Object({
  /** SHA-256 of the content and of the key that it is sealed with. */
  digest: Type.String(),
  /** Of the run, among those of its state. */
  sequence: Type.Integer(),
  /** Names the records with the content. */
  blob: Type.String(),
  chunks: Type.Integer(),
  isSealed: Type.Boolean(),
});
type AppliedRecord = Static<typeof AppliedRecord>;

/** Of the files. Larger ones have to be read again. */
const MAX_FILES_BYTES = 8 * 1024 * 1024;
const MAX_CONTENT_BYTES = 2 * MAX_FILES_BYTES;

/**
 * Remembers the configuration of a run that has changed its state, for a destroy that cannot use its own. Without a seal
 * key, neither the files nor secret variables are remembered; a runner without a store remembers nothing.
 */
export async function rememberApplied(run: StagedRun, sequence: number): Promise<void> {
  const { ctx, config, stateKey } = run;
  if (config.sharedState !== undefined) return;
  const sealer = ctx.service(SEALER);
  const header = toHeader(run, sealer !== undefined);
  const digest = hash("sha256", JSON.stringify([run.sourceDigest, header, sealer?.keyId ?? ""]));
  const stored = await findRecord(ctx, stateKey);
  if (stored === "no store" || stored?.digest === digest) return;
  const packed = packHeader(header, (sealer && (await packFiles(join(run.folder, "module")))) ?? new Uint8Array());
  const content = sealer === undefined ? packed : await sealer.seal(packed);
  const blob = toUnsavedId({ attempt: ctx.attempt.id, token: ctx.attempt.token });
  const chunks = await writeCompressed(ctx.records, toPlace(ctx, stateKey, blob), content);
  const value: AppliedRecord = { digest, sequence, blob, chunks, isSealed: sealer !== undefined };
  const { write } = await changeRecord({
    ...ctx,
    key: toKey(stateKey),
    // The runner of an earlier run may have been frozen meanwhile.
    decide: (found) => ((toRecord(found?.value)?.sequence ?? 0) > sequence ? {} : { write: { value } }),
  });
  const unused = write === undefined ? value : stored;
  if (unused !== undefined) await removeContent(ctx, stateKey, unused);
}

/** Forgets the configuration of a state that has no resources any more. */
export async function forgetApplied(ctx: RecordsContext, stateKey: string): Promise<void> {
  const stored = await findRecord(ctx, stateKey);
  if (stored === undefined || stored === "no store") return;
  await changeRecord({ ...ctx, key: toKey(stateKey), decide: () => ({ write: "remove" }) });
  await removeContent(ctx, stateKey, stored);
}

/** Returns the configuration that a state was changed with last; undefined when the yard does not have it. */
export async function findApplied(ctx: ExecutorContext, stateKey: string): Promise<AppliedSource | undefined> {
  const stored = await findRecord(ctx, stateKey);
  if (stored === undefined || stored === "no store") return undefined;
  const place = toPlace(ctx, stateKey, stored.blob);
  const content = await readCompressed(ctx.records, place, { chunks: stored.chunks, maxBytes: MAX_CONTENT_BYTES });
  const opened = stored.isSealed ? content && (await ctx.service(SEALER)?.open(content)) : content;
  const { header, rest } = (opened && unpackHeader(opened)) ?? {};
  if (!Value.Check(AppliedHeader, header)) return undefined;
  return { ...header, ...(rest === undefined || rest.length === 0 ? {} : { files: rest }) };
}

/** Writes the files into a new folder. */
export async function restoreFiles(files: Uint8Array, target: string): Promise<void> {
  await pipeline(Readable.from([Buffer.from(files)]), extract({ cwd: target, strict: true }));
}

type RecordsContext = Pick<ExecutorContext, "records" | "clock">;

async function findRecord(
  { records, clock }: RecordsContext,
  stateKey: string,
): Promise<AppliedRecord | undefined | "no store"> {
  try {
    return toRecord((await records.get(toKey(stateKey), clock.now()))?.value);
  } catch (error) {
    if (isStackyardError(error, "CONFIG_INVALID")) return "no store";
    throw error;
  }
}

function toRecord(value: unknown): AppliedRecord | undefined {
  return Value.Check(AppliedRecord, value) ? value : undefined;
}

function removeContent(ctx: RecordsContext, stateKey: string, { blob, chunks }: AppliedRecord): Promise<void> {
  return removeChunks(ctx.records, toPlace(ctx, stateKey, blob), chunks);
}

function toHeader({ config, variables, isSecret, folder, module }: StagedRun, isSealed: boolean): AppliedHeader {
  const { source, backend } = config;
  const secrets = [...variables].filter(([name, value]) => isSecret(name, value)).map(([name]) => name);
  const kept = [...variables].filter(([name]) => isSealed || !secrets.includes(name));
  return {
    config: defined({ source, backend }),
    variables: Object.fromEntries(kept),
    secrets,
    module: relative(join(folder, "module"), module),
  };
}

/**
 * Returns the files as a compressed archive, without ours and those that earlier runs have left; undefined if they are too
 * large.
 */
async function packFiles(folder: string): Promise<Uint8Array | undefined> {
  const isKept = (path: string) => {
    const name = basename(path);
    return !path.split(sep).some(isOfTool) && !isState(name) && name !== BACKEND_OVERRIDE_FILE;
  };
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const kept = paths.filter(isKept);
  let bytes = 0;
  for (const path of kept) bytes += (await stat(join(folder, path))).size;
  if (bytes > MAX_FILES_BYTES) return undefined;
  const pack = create({ cwd: folder, gzip: true, portable: true }, kept);
  // It works on several files at once, and reports an error of each.
  pack.on("error", () => undefined);
  const pieces: Buffer[] = [];
  for await (const piece of pack) pieces.push(piece);
  return Buffer.concat(pieces);
}

function toKey(stateKey: string): string {
  return `terraform-applied/head/${toStateName(stateKey)}`;
}

function toPlace({ clock }: RecordsContext, stateKey: string, blob: string) {
  const prefix = `terraform-applied/data/${toStateName(stateKey)}/${blob}`;
  return { keyOf: (index: number) => `${prefix}/${index}`, now: clock.now() };
}
