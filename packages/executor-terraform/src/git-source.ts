import { existsSync } from "node:fs";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { type ExecutorContext, isStackyardError } from "@stackyard/core";
import { SOURCE_ARCHIVES } from "@stackyard/core/services";
import { extract } from "tar";
import type { GitSource } from "./definition.ts";
import { TerraformFailure } from "./failure.ts";
import { createSourceBudget, isLeftOut, toUnreadable } from "./sources.ts";

/** Of everything that the repository contains, outside of the path too: it is read to find the path. */
const MAX_UNPACKED_BYTES = 2 * 1024 * 1024 * 1024;

const FILE_TYPES: ReadonlySet<string> = new Set(["File", "OldFile", "ContiguousFile"]);

/**
 * Reads a path; `//` ends the part that is copied, as in Terraform's addresses of modules. Returns the segments of the
 * copied folder, and the configuration relative to it, which is empty for the folder itself.
 */
export function parseGitPath(path = "") {
  const [folder = "", ...module] = path.split("//");
  return { folder: folder.split("/").filter((segment) => segment !== ""), module: module.join("/") };
}

/**
 * Copies a folder of a commit into a new folder. Fails with TERRAFORM_SOURCE_MISSING, TERRAFORM_SOURCE_REFUSED,
 * TERRAFORM_SOURCE_UNREADABLE, TERRAFORM_SOURCE_UNSUPPORTED.
 */
export async function copyGitSource(ctx: ExecutorContext, source: GitSource, target: string): Promise<void> {
  const address = `${source.repository} at ${source.commit} (${source.host})`;
  try {
    const archive = await openArchive(ctx, source);
    if (archive === undefined) {
      const text = `${address} does not exist, or the App of the host may not read it.`;
      throw new TerraformFailure("TERRAFORM_SOURCE_MISSING", text);
    }
    const { folder, module } = parseGitPath(source.path);
    const count = await extractFolder(archive, { folder, target, address, signal: ctx.signal });
    if (count > 0 && existsSync(join(target, module))) return;
    throw new TerraformFailure("TERRAFORM_SOURCE_MISSING", `${address} contains no folder "${source.path ?? ""}".`);
  } catch (error) {
    throw toUnreadable(error, address, ctx.signal);
  }
}

const MISSING_TEXT =
  'Sources of type "git" need a runner with the plugin @stackyard/hosts, which reads from the code host as its App.';

async function openArchive(ctx: ExecutorContext, { host, repository, commit }: GitSource) {
  const archives = ctx.service(SOURCE_ARCHIVES);
  if (archives === undefined) throw new TerraformFailure("TERRAFORM_SOURCE_UNSUPPORTED", MISSING_TEXT);
  return archives.open({ host, repository, commit }, ctx.signal).catch((cause: unknown) => {
    if (!isStackyardError(cause, "CONFIG_INVALID")) throw cause;
    throw new TerraformFailure("TERRAFORM_SOURCE_UNSUPPORTED", cause.message, { cause });
  });
}

interface ExtractInput {
  readonly folder: readonly string[];
  readonly target: string;
  readonly address: string;
  readonly signal: AbortSignal;
}

/** Returns how many files the folder has. */
async function extractFolder(
  archive: AsyncIterable<Uint8Array>,
  { folder, target, address, signal }: ExtractInput,
): Promise<number> {
  const budget = createSourceBudget(`${address} /${folder.join("/")}`);
  const stop = new AbortController();
  let count = 0;
  // The archive has one folder, which contains the repository.
  const strip = 1 + folder.length;
  const isWanted = (path: string, type: string, size: number): boolean => {
    const inFolder = findInFolder(path.split("/").slice(1), folder);
    if (inFolder === undefined || type === "Directory" || inFolder.some(isLeftOut)) return false;
    checkEntry(path, type, inFolder);
    budget(size);
    count += 1;
    return true;
  };
  const unpack = extract({
    cwd: target,
    strip,
    noMtime: true,
    filter: (path, entry) => {
      try {
        return "type" in entry && isWanted(path, entry.type, entry.size);
      } catch (error) {
        // An error thrown here would not reach the caller.
        stop.abort(error);
        return false;
      }
    },
  });
  await pipeline(archive, createGunzip(), createLimit(address), unpack, {
    signal: AbortSignal.any([signal, stop.signal]),
  }).catch((error: unknown) => {
    throw stop.signal.aborted ? stop.signal.reason : error;
  });
  stop.signal.throwIfAborted();
  return count;
}

/** Returns the rest of a path below a folder; undefined when it is elsewhere. */
function findInFolder(segments: readonly string[], folder: readonly string[]): readonly string[] | undefined {
  const isInside = folder.every((segment, index) => segments[index] === segment);
  return isInside ? segments.slice(folder.length) : undefined;
}

function checkEntry(path: string, type: string, segments: readonly string[]): void {
  if (!FILE_TYPES.has(type)) {
    const what = type.endsWith("Link") ? "a link" : `an entry of the type ${type}`;
    const text = `"${path}" is ${what}, which a source of the type git cannot contain. Replace it by a file.`;
    throw new TerraformFailure("TERRAFORM_SOURCE_REFUSED", text);
  }
  if (segments.length > 0 && segments.every((segment) => segment !== "" && segment !== "." && segment !== "..")) return;
  throw new TerraformFailure("TERRAFORM_SOURCE_REFUSED", `"${path}" cannot become a file of the source.`);
}

function createLimit(address: string): Transform {
  let bytes = 0;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      if (bytes <= MAX_UNPACKED_BYTES) return done(null, piece);
      const text = `${address} has more than ${MAX_UNPACKED_BYTES / 1024 ** 3} GiB. Keep the configuration in a smaller repository.`;
      done(new TerraformFailure("TERRAFORM_SOURCE_REFUSED", text));
    },
  });
}
