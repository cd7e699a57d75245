import { createWriteStream } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type ExecutorContext, mapLimited } from "@stackyard/core";
import type { S3SourceConfig } from "./definition.ts";
import { SourceFailure, toUnreadable } from "./source-failure.ts";
import { type Choice, createBudget } from "./source-parts.ts";

/** An object of a bucket. */
export interface S3Object {
  readonly key: string;
  readonly size: number;
}

/** The port through which sources are read from S3. Anything thrown means that the source is unreadable. */
export interface S3Source {
  /** Lists all objects with this key prefix, over all pages, in the order of their keys. */
  list(bucket: string, prefix: string): AsyncIterable<S3Object>;
  read(bucket: string, key: string): Promise<AsyncIterable<Uint8Array>>;
}

interface S3SourceInput {
  readonly bucket: string;
  readonly key: string;
  /** An empty folder. */
  readonly target: string;
  readonly signal: AbortSignal;
  readonly choice: Choice;
}

/** Objects that are read concurrently. */
const CONCURRENCY = 8;

interface SourceFile {
  readonly key: string;
  /** Relative to the target; checked. */
  readonly name: string;
  /** As it was listed. */
  readonly size: number;
}

/**
 * Stores the object `key` under its base name or, if it does not exist, everything under `key` + `/` with its folders.
 * Never copies siblings that only share the prefix, nor keys that end with `/` (folder marks). Returns what was left
 * out, for people. Fails as missing, refused or unreadable.
 */
export async function copyS3Source(s3: S3Source, input: S3SourceInput): Promise<readonly string[]> {
  try {
    const { files, leftOut } = await findFiles(s3, input);
    if (files.length === 0) {
      throw new SourceFailure("missing", `There is neither an object nor a folder ${toUrl(input)}.`);
    }
    await mapLimited(files, CONCURRENCY, (file) => readOne(s3, input, file));
    return leftOut;
  } catch (error) {
    throw toUnreadable(error, toUrl(input), input.signal);
  }
}

async function findFiles(s3: S3Source, { bucket, key, choice }: S3SourceInput) {
  const files: SourceFile[] = [];
  const leftOut: string[] = [];
  const exact = key.endsWith("/") ? undefined : await findObject(s3, bucket, key);
  if (exact !== undefined) return { files: [{ ...exact, name: basename(key) }], leftOut };
  const folder = key.endsWith("/") ? key : `${key}/`;
  const budget = createBudget(toUrl({ bucket, key }));
  for await (const object of s3.list(bucket, folder)) {
    const name = object.key.slice(folder.length);
    const parts = name.split("/");
    if (parts.some(choice.isSkipped) || object.key.endsWith("/")) continue;
    if (choice.isReported(basename(name))) {
      leftOut.push(name);
      continue;
    }
    budget(object.size);
    files.push({ ...object, name: toFileName(object.key, parts) });
  }
  return { files, leftOut };
}

/**
 * Returns the object with exactly this key, which is listed first of all with this prefix (S3 API, ListObjectsV2: "in
 * UTF-8 binary order"). An empty one is not a source, but may be the mark of a folder.
 */
async function findObject(s3: S3Source, bucket: string, key: string): Promise<S3Object | undefined> {
  for await (const object of s3.list(bucket, key)) return object.key === key && object.size > 0 ? object : undefined;
  return undefined;
}

function toFileName(key: string, parts: readonly string[]): string {
  if (parts.every((part) => part !== "" && part !== "." && part !== "..")) return join(...parts);
  const text = `The object "${key}" has an empty part, "." or ".." in its name and cannot become a file.`;
  throw new SourceFailure("refused", text);
}

async function readOne(s3: S3Source, { bucket, target, signal }: S3SourceInput, file: SourceFile): Promise<void> {
  const path = join(target, file.name);
  await mkdir(dirname(path), { recursive: true });
  await pipeline(await s3.read(bucket, file.key), createWriteStream(path), { signal });
  const { size } = await stat(path);
  if (size === file.size) return;
  throw new Error(
    `${file.key} was listed with ${file.size} bytes, and ${size} were read. It is incomplete or has changed.`,
  );
}

/** Returns the address of an object or folder. */
export function toUrl({ bucket, key }: Pick<S3SourceConfig, "bucket" | "key">): string {
  return `s3://${bucket}/${key}`;
}

const MISSING_TEXT = 'Sources of type "s3" need the package @aws-sdk/client-s3: install it in the project.';

/**
 * Creates S3 access through the SDK's client for the task's target. Loads the SDK when the first source needs it, so a
 * project without S3 sources need not install it. Fails as unsupported.
 */
export async function loadSdkS3Source(ctx: ExecutorContext): Promise<S3Source> {
  const sdk = await import("@aws-sdk/client-s3").catch((cause: unknown) => {
    throw new SourceFailure("unsupported", MISSING_TEXT, { cause });
  });
  const client = ctx.aws(sdk.S3Client);
  const abort = { abortSignal: ctx.signal };
  return {
    async *list(bucket, prefix) {
      const pages = sdk.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }, abort);
      for await (const { Contents = [], IsTruncated, NextContinuationToken } of pages) {
        yield* Contents.map(({ Key = "", Size = 0 }) => ({ key: Key, size: Size }));
        // The paginator would end here, as if this were the last page.
        if (IsTruncated === true && !NextContinuationToken) throw new Error("The list of objects ended early.");
      }
    },
    async read(bucket, key) {
      const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }), abort);
      if (Body === undefined) throw new Error(`S3 returned no body for ${key}.`);
      return Body.transformToWebStream();
    },
  };
}
