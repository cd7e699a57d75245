import { existsSync } from "node:fs";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { type ExecutorContext, isStackyardError } from "@stackyard/core";
import { SOURCE_ARCHIVES } from "@stackyard/core/services";
import { extract, Parser } from "tar";
import type { GitSourceConfig } from "./definition.ts";
import { SourceFailure, toUnreadable } from "./source-failure.ts";
import { createBudget, type Leftovers, reportLeftOut, toChoice } from "./source-parts.ts";

/** The maximum size of everything that the repository contains, outside of the path too: it is read to find the path. */
const MAX_UNPACKED_BYTES = 2 * 1024 * 1024 * 1024;

const FILE_TYPES: ReadonlySet<string> = new Set(["File", "OldFile", "ContiguousFile"]);

/**
 * Reads a path; `//` ends the part that is copied, as in Terraform's addresses of modules. Returns the segments of the
 * copied folder, and the inner one relative to it, which is empty for the folder itself.
 */
export function parseGitPath(path = "") {
  const [folder = "", ...inner] = path.split("//");
  return { folder: folder.split("/").filter((segment) => segment !== ""), inner: inner.join("/") };
}

interface GitCopy {
  /** An empty folder. */
  readonly target: string;
  readonly leftovers: Leftovers | undefined;
}

/** Copies a folder of a commit, with the modes of its files. Fails as missing, refused, unreadable or unsupported. */
export async function copyGitSource(ctx: ExecutorContext, source: GitSourceConfig, copy: GitCopy): Promise<void> {
  if (source.commit === "") {
    throw new SourceFailure("missing", `The source in ${source.repository} names no commit.`);
  }
  const address = `${source.repository} at ${source.commit} (${source.host})`;
  try {
    const archive = await openArchive(ctx, source);
    if (archive === undefined) {
      const text = `${address} does not exist, or the App of the host may not read it.`;
      throw new SourceFailure("missing", text);
    }
    const { inner } = parseGitPath(source.path);
    const count = await extractFolder(ctx, { archive, source, address, ...copy });
    if (count > 0 && existsSync(join(copy.target, inner))) return;
    throw new SourceFailure("missing", `${address} contains no folder "${source.path ?? ""}".`);
  } catch (error) {
    throw toUnreadable(error, address, ctx.signal);
  }
}

const MISSING_TEXT =
  'Sources of type "git" need a runner with the plugin @stackyard/hosts, which reads from the code host as its App.';

async function openArchive(ctx: ExecutorContext, { host, repository, commit }: GitSourceConfig) {
  const archives = ctx.service(SOURCE_ARCHIVES);
  if (archives === undefined) throw new SourceFailure("unsupported", MISSING_TEXT);
  return archives.open({ host, repository, commit }, ctx.signal).catch((cause: unknown) => {
    if (!isStackyardError(cause, "CONFIG_INVALID")) throw cause;
    throw new SourceFailure("unsupported", cause.message, { cause });
  });
}

interface ExtractInput extends GitCopy {
  readonly archive: AsyncIterable<Uint8Array>;
  readonly source: GitSourceConfig;
  readonly address: string;
}

/**
 * Extracts the folder, and reports what the archive lacks of it. Returns how many files it has. An archive without its
 * end, or of another commit, is an error: what it lacks would count as removed.
 */
async function extractFolder(
  ctx: ExecutorContext,
  { archive, source: { path, commit }, target, address, leftovers }: ExtractInput,
): Promise<number> {
  const { folder } = parseGitPath(path);
  const { isSkipped, isReported } = toChoice(leftovers);
  const budget = createBudget(`${address} /${folder.join("/")}`);
  const stop = new AbortController();
  const leftOut: string[] = [];
  let count = 0;
  // The archive has one folder, which contains the repository.
  const strip = 1 + folder.length;
  const isWanted = (entryPath: string, type: string, size: number): boolean => {
    const inFolder = findInFolder(entryPath.split("/").slice(1), folder);
    if (inFolder === undefined || type === "Directory" || inFolder.some(isSkipped)) return false;
    checkEntry(entryPath, type, inFolder);
    budget(size);
    count += 1;
    const isLeftOut = isReported(inFolder.at(-1) ?? "");
    if (isLeftOut) leftOut.push(inFolder.join("/"));
    return !isLeftOut;
  };
  const unpack = extract({
    cwd: target,
    strip,
    noMtime: true,
    // Also where the worker is root: numbers of users mean nothing on another machine.
    preserveOwner: false,
    // Otherwise what cannot be read or written is skipped.
    strict: true,
    filter: (entryPath, entry) => {
      try {
        if (!("type" in entry) || !isWanted(entryPath, entry.type, entry.size)) return false;
        // A file of a source can be run, and never as another user.
        entry.mode = (entry.mode ?? 0o644) & 0o777;
        return true;
      } catch (error) {
        // An error thrown here would not reach the caller.
        stop.abort(error);
        return false;
      }
    },
  });
  const examined = examineArchive();
  const unpacked = createCopy(address, (piece) => examined.write(piece));
  await pipeline(archive, createGunzip(), unpacked, unpack, {
    signal: AbortSignal.any([ctx.signal, stop.signal]),
  }).catch((error: unknown) => {
    throw stop.signal.aborted ? stop.signal.reason : error;
  });
  stop.signal.throwIfAborted();
  const { hasEnd, commit: found, notes } = examined.end();
  if (!hasEnd) throw new Error("The archive has no end: it was cut off.");
  if (found !== undefined && found !== commit) throw new Error(`The archive is of the commit ${found}.`);
  reportLeftOut(ctx, leftOut, leftovers);
  for (const note of notes) ctx.report(note);
  return count;
}

/** Attributes by which files of a commit are not in its archive, or not as they are in the repository, and what follows. */
const ATTRIBUTES = {
  "export-ignore": "the files that it names are missing in the source, as if they had been removed",
  "filter=lfs": "the files that it names are not included, only their pointers",
} as const;

/** The maximum size of all files of attributes together. More are not read: the authors of a source decide how many there are. */
const MAX_ATTRIBUTES_BYTES = 1024 * 1024;
/** More of them say nothing new. */
const MAX_NOTES = 10;

/** Reads what an archive says about itself: its end, its commit, and what it lacks. */
function examineArchive() {
  const notes = new Set<string>();
  let hasEnd = false;
  let commit: string | undefined;
  let left = MAX_ATTRIBUTES_BYTES;
  const parser = new Parser({
    filter(path, { size }) {
      const isNote = path.endsWith("/.gitattributes") || /^[^/]+\/\.gitmodules$/.test(path);
      if (!isNote || size > left) return false;
      left -= size;
      return true;
    },
    onReadEntry(entry) {
      const pieces: Buffer[] = [];
      const path = entry.path.slice(entry.path.indexOf("/") + 1);
      entry.on("data", (piece) => pieces.push(piece));
      entry.on("end", () => {
        if (path === ".gitmodules") notes.add("The repository has submodules, which are not included in the source.");
        const lines = Buffer.concat(pieces).toString("utf8").split("\n");
        for (const [word, effect] of Object.entries(ATTRIBUTES)) {
          if (notes.size < MAX_NOTES && lines.some((line) => hasAttribute(line, word)))
            notes.add(`${path} has "${word}": ${effect}.`);
        }
      });
    },
  });
  // Two empty blocks (POSIX.1-2017, pax, "ustar Interchange Format").
  parser.on("eof", () => {
    hasEnd = true;
  });
  // `git archive` writes the commit into the global header (git-archive(1)).
  parser.on("meta", (text) => {
    commit ??= /^\d+ comment=([0-9a-f]{40})$/m.exec(text)?.[1];
  });
  return {
    write: (piece: Buffer) => void parser.write(piece),
    end() {
      parser.end();
      return { hasEnd, commit, notes: [...notes] };
    },
  };
}

/** Returns true for a line of attributes that has the word; comments are lines that begin with `#` (gitattributes(5)). */
function hasAttribute(line: string, word: string): boolean {
  return line.includes(word) && !line.trimStart().startsWith("#") && line.split(/\s+/).includes(word);
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
    throw new SourceFailure("refused", text);
  }
  if (segments.length > 0 && segments.every((segment) => segment !== "" && segment !== "." && segment !== "..")) return;
  throw new SourceFailure("refused", `"${path}" cannot become a file of the source.`);
}

function createCopy(address: string, onPiece: (piece: Buffer) => void): Transform {
  let bytes = 0;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      if (bytes <= MAX_UNPACKED_BYTES) {
        onPiece(piece);
        return done(null, piece);
      }
      const text = `${address} has more than ${MAX_UNPACKED_BYTES / 1024 ** 3} GiB. Keep what is needed in a smaller repository.`;
      done(new SourceFailure("refused", text));
    },
  });
}
