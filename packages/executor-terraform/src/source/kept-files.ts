import { hash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { changeRecord, type ExecutorContext, isStackyardError, removeChunks } from "@stackyard/core";
import { readCompressed, SEALER, writeCompressed } from "@stackyard/core/services";
import { create, extract } from "tar";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { BACKEND_OVERRIDE_FILE } from "../state/backend.ts";
import { LEFTOVERS } from "./stage-source.ts";

/** The unsealed facts about content, as a record of the yard. */
const KeptRecord = Type.Object({
  /** SHA-256 of the content and of the key that it is sealed with. */
  digest: Type.String(),
  /** Content never replaces that of a higher number. */
  sequence: Type.Integer(),
  /** Names the records with the content. */
  blob: Type.String(),
  chunks: Type.Integer(),
  isSealed: Type.Boolean(),
});
type KeptRecord = Static<typeof KeptRecord>;

/** The maximum size of the files. Larger ones have to be read again. */
const MAX_FILES_BYTES = 8 * 1024 * 1024;
const MAX_CONTENT_BYTES = 2 * MAX_FILES_BYTES;

/** Where the yard keeps content. */
export interface KeptPlace {
  /** The prefix of the kind of content. */
  readonly prefix: string;
  readonly name: string;
}

/** Content to keep. */
export interface KeptInput {
  /** The digest of the packed content. */
  readonly digest: string;
  readonly sequence: number;
  /** Called when the yard does not have this digest. */
  pack(): Promise<Uint8Array>;
}

/** The context that reads and removes the content of a place. */
export type RecordsContext = Pick<ExecutorContext, "records" | "clock">;

/** Keeps content, sealed where there is a seal key. A runner without a store keeps nothing. */
export async function keepContent(
  ctx: ExecutorContext,
  place: KeptPlace,
  { digest: contentDigest, sequence, pack }: KeptInput,
): Promise<void> {
  const sealer = ctx.service(SEALER);
  const digest = hash("sha256", `${contentDigest} ${sealer?.keyId ?? ""}`);
  const stored = await findRecord(ctx, place);
  if (stored === "no store" || stored?.digest === digest) return;
  const packed = await pack();
  const content = sealer === undefined ? packed : await sealer.seal(packed);
  const blob = hash("sha256", JSON.stringify([ctx.attempt.id, ctx.attempt.token, digest])).slice(0, 32);
  const chunks = await writeCompressed(ctx.records, toChunks(ctx, place, blob), content);
  const value: KeptRecord = { digest, sequence, blob, chunks, isSealed: sealer !== undefined };
  const { write } = await changeRecord({
    ...ctx,
    key: toKey(place),
    // The runner of an earlier run may have been frozen meanwhile.
    decide: (found) => ((toRecord(found?.value)?.sequence ?? 0) > sequence ? {} : { write: { value } }),
  });
  const unused = write === undefined ? value : stored;
  if (unused !== undefined) await removeContent(ctx, place, unused);
}

/** Returns the content of a place; undefined when the yard does not have it, or cannot open it. */
export async function findContent(ctx: ExecutorContext, place: KeptPlace): Promise<Uint8Array | undefined> {
  const stored = await findRecord(ctx, place);
  if (stored === undefined || stored === "no store") return undefined;
  const { blob, chunks, isSealed } = stored;
  const content = await readCompressed(ctx.records, toChunks(ctx, place, blob), {
    chunks,
    maxBytes: MAX_CONTENT_BYTES,
  });
  return isSealed ? content && (await ctx.service(SEALER)?.open(content)) : content;
}

/** Removes the content of a place. */
export async function forgetContent(ctx: RecordsContext, place: KeptPlace): Promise<void> {
  const stored = await findRecord(ctx, place);
  if (stored === undefined || stored === "no store") return;
  await changeRecord({ ...ctx, key: toKey(place), decide: () => ({ write: "remove" }) });
  await removeContent(ctx, place, stored);
}

/** Writes the files into an existing folder. */
export async function restoreFiles(files: Uint8Array, target: string): Promise<void> {
  await pipeline(Readable.from([Buffer.from(files)]), extract({ cwd: target, strict: true }));
}

/**
 * Returns the files of a folder as a compressed archive, without ours and those that earlier runs have left; undefined if
 * they are too large.
 */
export async function packFiles(folder: string): Promise<Uint8Array | undefined> {
  const isKept = (path: string) => {
    const name = basename(path);
    return !path.split(sep).some(LEFTOVERS.isSkipped) && !LEFTOVERS.isReported(name) && name !== BACKEND_OVERRIDE_FILE;
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

async function findRecord(
  { records, clock }: RecordsContext,
  place: KeptPlace,
): Promise<KeptRecord | undefined | "no store"> {
  try {
    return toRecord((await records.get(toKey(place), clock.now()))?.value);
  } catch (error) {
    if (isStackyardError(error, "CONFIG_INVALID")) return "no store";
    throw error;
  }
}

function toRecord(value: unknown): KeptRecord | undefined {
  return Value.Check(KeptRecord, value) ? value : undefined;
}

function removeContent(ctx: RecordsContext, place: KeptPlace, { blob, chunks }: KeptRecord): Promise<void> {
  return removeChunks(ctx.records, toChunks(ctx, place, blob), chunks);
}

function toKey({ prefix, name }: KeptPlace): string {
  return `${prefix}/head/${name}`;
}

function toChunks({ clock }: RecordsContext, { prefix, name }: KeptPlace, blob: string) {
  return { keyOf: (index: number) => `${prefix}/data/${name}/${blob}/${index}`, now: clock.now() };
}
