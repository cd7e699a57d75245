import type { Readable } from "node:stream";
import { toArtifactError } from "../artifact-error.ts";
import type { Manifest, ManifestFile } from "../manifest.ts";
import { toManifestText } from "../manifest-text.ts";
import { parseManifest } from "../parse-manifest.ts";
import { findSize, isReplayable } from "./file-body.ts";
import { SINGLE_BYTES, toPartBytes } from "./part-bytes.ts";

/** A file to publish. */
export interface PublishFile {
  /** Below the artifact's name and version, such as `app.zip` or `templates/vpc.yaml`. */
  readonly path: string;
  /** A path in the file system, bytes, or a stream. A stream is read once, also when a publication finds it standing. */
  readonly body: string | Uint8Array | Readable;
  /** Of a stream, where it is known. */
  readonly size?: number;
  readonly contentType?: string;
  /** `template`: consumers put their own bucket's name in the place of the source's. Default: `none`. */
  readonly rewrite?: "none" | "template";
}

/** What is published. */
export interface PublishContent {
  readonly name: string;
  readonly version: string;
  /** Before all keys. Default: none. A `/` is added where it lacks one. */
  readonly prefix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly files: readonly PublishFile[];
}

/** A file with its key, and how long it is where that is known. */
export interface PlannedFile extends Omit<PublishFile, "path" | "size"> {
  readonly key: string;
  readonly size: number | undefined;
}

/** What will be sent, in the order of the keys. */
export interface PublishPlan {
  readonly head: Omit<Manifest, "files">;
  readonly manifestKey: string;
  readonly files: readonly PlannedFile[];
}

const MAX_FILES = 1_000;
const NO_DIGEST = "0".repeat(64);

/** Checks everything before anything is sent. Throws `USAGE` with all problems, `CONFIG_INVALID` for files that cannot be read. */
export async function planPublish(content: PublishContent, now: number): Promise<PublishPlan> {
  const { name, version, labels = {} } = content;
  if (content.files.length > MAX_FILES) {
    const count = content.files.length.toLocaleString("en");
    throw toArtifactError("USAGE", `An artifact has at most 1,000 files, and these are ${count}.`, {
      hint: "Publish an archive of them, or several artifacts.",
    });
  }
  const folder = `${toPrefix(content.prefix)}${name}/${version}/`;
  const files: PlannedFile[] = [];
  for (const { path, size, ...file } of content.files) {
    // Nobody else listens until its turn comes, and then it is told: unheard, its error would end the process.
    if (!isReplayable(file.body)) file.body.on("error", () => {});
    files.push({ ...file, key: folder + path, size: await findSize(file.body, size) });
  }
  const head = {
    v: 1 as const,
    name,
    version,
    createdAt: new Date(now).toISOString(),
    ...(Object.keys(labels).length === 0 ? {} : { labels: { ...labels } }),
  };
  const plan = {
    head,
    manifestKey: `${folder}manifest.json`,
    files: files.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  };
  const problems = listProblems(plan);
  if (problems.length === 0) return plan;
  const told = [...Map.groupBy(problems, ({ message }) => message)].map(
    ([message, alike]) => `${alike.map(({ what }) => what).join(", ")}: ${message}`,
  );
  throw toArtifactError("USAGE", `This cannot be published. ${told.join(" ")}`, { facts: { problems } });
}

/** `a` and `a/` mean the same; nothing stays nothing. */
function toPrefix(prefix = ""): string {
  return prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
}

interface PublishProblem {
  readonly what: string;
  readonly message: string;
}

/** By the same rules as a distributor's, over a manifest whose digests are not known yet. */
function listProblems({ head, manifestKey, files }: PublishPlan): readonly PublishProblem[] {
  const parsed = parseManifest(toManifestText({ ...head, files: files.map(toDraft) }));
  const problems = parsed.kind === "invalid" ? parsed.problems : [];
  const reserved = files.some(({ key }) => key === manifestKey)
    ? [{ what: JSON.stringify(manifestKey), message: "This key is the manifest's own." }]
    : [];
  return [...problems.map(({ pointer, message }) => ({ what: nameOf(pointer, files), message })), ...reserved];
}

function nameOf(pointer: string, files: readonly PlannedFile[]): string {
  const [, index = "", rest = ""] = /^\/files\/(\d+)(.*)$/.exec(pointer) ?? [];
  const key = index === "" ? undefined : files[Number(index)]?.key;
  // What is wrong with a key is said of the file.
  return key === undefined ? pointer || "The manifest" : `${JSON.stringify(key)}${rest === "/key" ? "" : rest}`;
}

function toDraft({ key, size = 0, contentType, rewrite }: PlannedFile): ManifestFile {
  const parts = size > SINGLE_BYTES ? { parts: draftParts(size) } : {};
  return { key, size, sha256: NO_DIGEST, ...toFacts({ contentType, rewrite }), ...parts };
}

function draftParts(size: number): { size: number; sha256: string }[] {
  const bytes = toPartBytes(size);
  const parts: { size: number; sha256: string }[] = [];
  for (let left = size; left > 0; left -= bytes) parts.push({ size: Math.min(left, bytes), sha256: NO_DIGEST });
  return parts;
}

/** What of a file the manifest repeats. */
export function toFacts({
  contentType,
  rewrite = "none",
}: {
  readonly contentType?: string | undefined;
  readonly rewrite?: "none" | "template" | undefined;
}): Pick<ManifestFile, "contentType" | "rewrite"> {
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(rewrite === "none" ? {} : { rewrite }),
  };
}
