import { mkdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ExecutorContext } from "@stackyard/core";
import type { SourceConfig } from "./definition.ts";
import { copyGitSource, parseGitPath } from "./git-source.ts";
import { copyLocalSource, isInside } from "./local-source.ts";
import { copyS3Source, loadSdkS3Source, type S3Source, toUrl } from "./s3-source.ts";
import { SourceFailure } from "./source-failure.ts";
import { type Leftovers, reportLeftOut, toChoice } from "./source-parts.ts";

/** Opens S3 for a task. */
export type OpenS3 = (ctx: ExecutorContext) => S3Source | Promise<S3Source>;

/** How a source is copied. */
export interface CopyOptions {
  /** The folder of local sources; nothing outside of it is read. */
  readonly baseDir: string;
  /** A folder that does not exist yet. */
  readonly target: string;
  /** Folders of the worker itself, absolute: they are not part of a local source, also not through links. */
  readonly ownDirs?: readonly string[];
  /** Default: the SDK's client for the task's target. */
  readonly s3?: OpenS3;
  /** Default: everything is copied. */
  readonly leftovers?: Leftovers;
}

/**
 * Copies files of the project, of a bucket or of a code host into a new folder; of `folder//inner`, the folder. Returns
 * the path of the inner folder. Fails with SourceFailure.
 */
export async function copySource(ctx: ExecutorContext, source: SourceConfig, options: CopyOptions): Promise<string> {
  const { baseDir, target, ownDirs, s3 = loadSdkS3Source, leftovers } = options;
  const choice = toChoice(leftovers);
  await mkdir(target);
  if (source.type === "git") {
    await copyGitSource(ctx, source, { target, leftovers });
    return join(target, parseGitPath(source.path).inner);
  }
  const { folder, inner } = parseSourcePath(source.type === "local" ? source.location : source.key);
  const leftOut =
    source.type === "local"
      ? await copyLocalSource({ baseDir, location: folder, target, ownDirs, choice })
      : await copyS3Source(await Promise.resolve(s3(ctx)), {
          ...source,
          key: folder,
          target,
          signal: ctx.signal,
          choice,
        });
  reportLeftOut(ctx, leftOut, leftovers);
  return findInner(target, inner, toSourceText(source));
}

/** Returns a source in a few words, for people. */
export function toSourceText(source: SourceConfig): string {
  if (source.type === "git") {
    const { path, repository, commit } = source;
    return `${path === undefined ? "" : `${path} of `}${repository} at ${commit}`;
  }
  return source.type === "local" ? source.location : toUrl(source);
}

/**
 * Reads a location; `//` ends the part that is copied, as in Terraform's addresses of modules. Returns the folder, and
 * the inner one, which is empty for the folder itself.
 */
export function parseSourcePath(location: string): { readonly folder: string; readonly inner: string } {
  const [folder = "", ...rest] = location.split(/\/{2,}/);
  const inner = rest.filter((part) => part !== "").join("/");
  return inner === "" ? { folder: location, inner: "" } : { folder: folder === "" ? "." : folder, inner };
}

/** Returns an inner folder of a copied source. Fails as missing or refused. */
async function findInner(copied: string, inner: string, place: string): Promise<string> {
  const path = resolve(copied, inner);
  if (!isInside(copied, path)) {
    throw new SourceFailure("refused", `What follows "//" in "${place}" leads out of the folder before it.`);
  }
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return path;
  throw new SourceFailure("missing", `"${place}" has no folder "${inner}" after "//".`);
}
