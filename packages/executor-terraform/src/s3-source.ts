import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { TerraformFailure } from "./failure.ts";
import { createSourceBudget, isLeftOut } from "./source-rules.ts";

/** An object of a bucket. */
export interface S3Object {
  readonly key: string;
  readonly size: number;
}

/** What reading a source needs of S3. Anything thrown becomes TERRAFORM_SOURCE_UNREADABLE. */
export interface S3Source {
  /** All objects whose key begins with the prefix, over all pages, in the order of their keys. */
  list(bucket: string, prefix: string): AsyncIterable<S3Object>;
  read(bucket: string, key: string): Promise<AsyncIterable<Uint8Array>>;
}

export interface S3SourceInput {
  readonly bucket: string;
  readonly key: string;
  /** An empty folder. */
  readonly target: string;
  readonly signal: AbortSignal;
}

/** How many objects are read at the same time. */
const CONCURRENCY = 8;

interface SourceFile {
  readonly key: string;
  /** Relative to the target; checked. */
  readonly name: string;
}

/**
 * Stores the object `key` under its base name or, when there is none, everything under `key` + `/` with its folders.
 * Siblings that only share the prefix are never taken, empty objects (folder marks) neither.
 * Fails with TERRAFORM_SOURCE_MISSING, TERRAFORM_SOURCE_REFUSED, TERRAFORM_SOURCE_UNREADABLE.
 */
export async function copyS3Source(s3: S3Source, input: S3SourceInput): Promise<void> {
  try {
    const files = await findFiles(s3, input);
    if (files.length === 0) {
      throw new TerraformFailure(
        "TERRAFORM_SOURCE_MISSING",
        `There is neither an object nor a folder ${toUrl(input)}.`,
      );
    }
    await readAll(s3, input, files);
  } catch (error) {
    if (error instanceof TerraformFailure) throw error;
    if (input.signal.aborted)
      throw new TerraformFailure("TERRAFORM_CANCELLED", "Stopped before it began.", { cause: error });
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new TerraformFailure("TERRAFORM_SOURCE_UNREADABLE", `${toUrl(input)} cannot be read: ${reason}`, {
      cause: error,
    });
  }
}

async function findFiles(s3: S3Source, { bucket, key }: S3SourceInput): Promise<SourceFile[]> {
  if (!key.endsWith("/") && (await isObject(s3, bucket, key))) return [{ key, name: basename(key) }];
  const folder = key.endsWith("/") ? key : `${key}/`;
  const budget = createSourceBudget(toUrl({ bucket, key }));
  const files: SourceFile[] = [];
  for await (const object of s3.list(bucket, folder)) {
    const parts = object.key.slice(folder.length).split("/");
    if (object.size === 0 || parts.some(isLeftOut)) continue;
    budget(object.size);
    files.push({ key: object.key, name: toFileName(object.key, parts) });
  }
  return files;
}

/** The exact key comes first of all that begin with it (S3 API, ListObjectsV2: "in UTF-8 binary order"). */
async function isObject(s3: S3Source, bucket: string, key: string): Promise<boolean> {
  for await (const object of s3.list(bucket, key)) return object.key === key && object.size > 0;
  return false;
}

function toFileName(key: string, parts: readonly string[]): string {
  if (parts.every((part) => part !== "" && part !== "." && part !== "..")) return join(...parts);
  const text = `The object "${key}" has an empty part, "." or ".." in its name and cannot become a file.`;
  throw new TerraformFailure("TERRAFORM_SOURCE_REFUSED", text);
}

async function readAll(s3: S3Source, input: S3SourceInput, files: readonly SourceFile[]): Promise<void> {
  const waiting = files.values();
  const readOn = async () => {
    for (const file of waiting) await readOne(s3, input, file);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, readOn));
}

async function readOne(s3: S3Source, { bucket, target, signal }: S3SourceInput, file: SourceFile): Promise<void> {
  const path = join(target, file.name);
  await mkdir(dirname(path), { recursive: true });
  await pipeline(await s3.read(bucket, file.key), createWriteStream(path), { signal });
}

function toUrl({ bucket, key }: Pick<S3SourceInput, "bucket" | "key">): string {
  return `s3://${bucket}/${key}`;
}
