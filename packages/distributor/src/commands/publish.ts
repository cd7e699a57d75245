import type { Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, extname, join, relative, resolve, sep } from "node:path";
import { type CommandOutput, cutText, defineCommand, optionalFlag, StackyardError } from "@stackyard/core";
import {
  type CallDistributor,
  type CoverageOutcome,
  MAX_TEMPLATE_BYTES,
  type PublishFile,
  type PublishProgress,
  type PublishResult,
  publishArtifact,
  readTemplate,
} from "@stackyard/sdk/artifacts";
import { toCell } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";
import {
  type ArtifactContext,
  createProgressReporter,
  distributorArgs,
  findDistributorRegion,
  findSourceBucket,
  formatBytes,
  formatCount,
  formatSeconds,
  openDistributor,
  readVariables,
  sourceArgs,
  usage,
  versionArgs,
  waitArgs,
} from "./artifact-command.ts";
import { type FollowCoverageInput, followCoverage, formatRow, noteMissing } from "./coverage.ts";

const Args = Type.Object({
  ...versionArgs,
  path: Type.String({ minLength: 1, maxLength: 4_096, description: "A folder or a file." }),
  file: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 4_096 }), {
      maxItems: 1_000,
      placeholder: "path",
      description: "Another file or folder. Can be repeated.",
    }),
  ),
  label: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 400 }), {
      maxItems: 50,
      placeholder: "key=value",
      description: "A label in the manifest, such as commit=4f1c9d2. Can be repeated.",
    }),
  ),
  rewriteTemplates: optionalFlag("Consumers write their own bucket name into CloudFormation templates."),
  hidden: optionalFlag("Include files whose names start with a dot."),
  ...sourceArgs,
  ...waitArgs,
  ...distributorArgs,
});
type Args = Static<typeof Args>;

/** `artifacts publish`: uploads files to the distributor's bucket and commits them with a manifest. */
export const artifactsPublish = defineCommand({
  name: "artifacts publish",
  summary:
    "Publish the files of a folder as a version of an artifact, for all accounts and regions that should have it.",
  description:
    "A version never changes: publishing the same content again succeeds and makes the distributor look again, other content fails with VERSION_CONFLICT. An interrupted publication continues without uploading files again. Exit code 4: --wait timed out; the version is published.",
  examples: {
    "stackyard artifacts publish billing-api 1.4.2 dist --label commit=4f1c9d2": "The files of a folder",
    "stackyard artifacts publish billing-api 1.4.2 app.zip --file template.yaml --rewrite-templates":
      "Two files; consumers write their bucket name into the template",
    "stackyard artifacts publish billing-api 1.4.2 dist --wait --timeout 15m": "Continue when every consumer has it",
  },
  args: Args,
  run: publish,
});

async function publish(context: ArtifactContext, args: Args): Promise<number> {
  const { out, clock, signal } = context;
  const { name, version, wait = false } = args;
  if (args.timeout !== undefined && !wait) throw usage("--timeout requires --wait.");
  const bucket = findSourceBucket(context, args);
  const labels = parseLabels(args.label);
  // Check this before the upload, not after it.
  const call = wait ? await openDistributor(context, args) : undefined;
  const files = await findFiles(context, args);
  const region = findDistributorRegion(context, args);
  const { s3: client } = await context.openAws({ ...(region && { region }) });
  const prefix = args.prefix ?? readVariables(context).STACKYARD_ARTIFACTS_PREFIX ?? "";
  const report = createProgressReporter(out, clock);
  const onProgress = (progress: PublishProgress) =>
    report({
      phase: progress.phase,
      value: { kind: "publish", ...progress },
      toLine: () => formatPublishing(progress),
      toBlock: (columns) => toPublishPicture(progress, columns),
    });
  const result = await publishArtifact({
    client,
    bucket,
    prefix,
    name,
    version,
    labels,
    files,
    signal,
    onProgress,
    now: () => clock.now(),
  });
  noteLabels(context, result, labels);
  if (call === undefined) return show(context, result);
  return waitFor(context, result, { call, name, version, ...(args.timeout && { timeout: args.timeout }) });
}

async function findFiles({ cwd, out }: ArtifactContext, args: Args) {
  const options = { cwd, hidden: args.hidden === true, rewriteTemplates: args.rewriteTemplates === true };
  const found = [];
  for (const path of [args.path, ...(args.file ?? [])]) found.push(await findPublishFiles(path, options));
  const hidden = found.reduce((sum, each) => sum + each.hidden, 0);
  if (hidden > 0) out.note(`Skipped hidden files: ${hidden}. Pass --hidden to publish them too.`);
  const files = found.flatMap((each) => each.files);
  if (options.rewriteTemplates) await noteUnchanged(out, files);
  return files;
}

/** Notes which files consumers will store unchanged although templates are to be rewritten. */
async function noteUnchanged(out: CommandOutput, files: readonly FileOnDisk[]): Promise<void> {
  const unchanged: string[] = [];
  let templates = 0;
  for (const file of files.filter(({ rewrite }) => rewrite !== undefined)) {
    if (await isTemplateFile(file)) templates += 1;
    else unchanged.push(toCell(file.path, 120));
  }
  const rule = `YAML must begin with AWSTemplateFormatVersion, JSON must contain it; at most ${formatBytes(MAX_TEMPLATE_BYTES)}`;
  if (unchanged.length > 0) out.note(`Not rewritten, not a template: ${unchanged.join(", ")}. ${rule}.`);
  else if (templates === 0) out.note(`--rewrite-templates has no effect: no file is a template. ${rule}.`);
}

async function isTemplateFile({ path, body }: FileOnDisk): Promise<boolean> {
  const { size } = await stat(body);
  return size <= MAX_TEMPLATE_BYTES && readTemplate(path, await readFile(body)) !== undefined;
}

async function waitFor(
  context: ArtifactContext,
  result: PublishResult,
  input: FollowCoverageInput & { readonly call: CallDistributor },
): Promise<number> {
  context.out.note(formatPublished(result));
  const outcome = await followCoverage(context, input);
  show(context, result, outcome);
  noteMissing(context, input, outcome);
  return outcome.kind === "covered" ? 0 : 4;
}

function show({ out }: ArtifactContext, result: PublishResult, coverage?: CoverageOutcome): number {
  const { manifest, ...facts } = result;
  const { name, version } = manifest;
  const covered = coverage && { covered: coverage.kind === "covered", coverage: coverage.row ?? null };
  out.result({ name, version, ...facts, files: manifest.files.length, ...covered }, () =>
    coverage?.row === undefined ? formatPublished(result) : `${formatRow(coverage.row)}.`,
  );
  return 0;
}

/** Notes ignored labels: a published version keeps its labels, which are not part of its content. */
function noteLabels(
  { out }: ArtifactContext,
  { outcome, manifest }: PublishResult,
  labels: Readonly<Record<string, string>>,
): void {
  const standing = manifest.labels ?? {};
  const differing = Object.entries(labels).filter(([key, value]) => standing[key] !== value);
  if (outcome === "published" || differing.length === 0) return;
  out.note(`The version keeps its published labels. Ignored: ${differing.map(([key]) => key).join(", ")}`);
}

/** Parses `key=value` labels. Throws `USAGE`. */
export function parseLabels(words: readonly string[] = []): Readonly<Record<string, string>> {
  const labels = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf("=");
    const [key, value] = [word.slice(0, Math.max(0, at)), word.slice(at + 1)];
    const said = JSON.stringify(cutText(word, 400));
    if (at < 1 || !/^\P{Cc}{0,256}$/u.test(value)) {
      throw usage(`--label ${said} is not key=value on one line, such as commit=4f1c9d2.`);
    }
    if (!/^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/.test(key)) {
      const form = "letters, digits, dots, -, _ and /, at most 64, the first a letter or digit";
      throw usage(`The key of --label ${said} must be ${form}.`);
    }
    if (labels.has(key)) throw usage(`The label "${key}" is given twice.`);
    labels.set(key, value);
  }
  return Object.fromEntries(labels);
}

interface FileOnDisk extends PublishFile {
  /** Its path in the file system. */
  readonly body: string;
}

/** The files to publish. */
interface FoundFiles {
  readonly files: readonly FileOnDisk[];
  /** Number of skipped hidden files. */
  readonly hidden: number;
}

/** Options for finding files. */
interface FindFilesOptions {
  readonly cwd: string;
  readonly hidden: boolean;
  /** True if consumers rewrite CloudFormation templates. */
  readonly rewriteTemplates: boolean;
}

/**
 * Finds the files of a folder, each under its relative path, or one file under its name. Hidden files are skipped by default, because
 * they are seldom meant for every account. Throws `CONFIG_INVALID` for a missing path, and `USAGE` for symbolic links, special files,
 * names that are not UTF-8, and folders without files.
 */
async function findPublishFiles(path: string, options: FindFilesOptions): Promise<FoundFiles> {
  const whole = resolve(options.cwd, path);
  const found = await stat(whole).catch((error: unknown) => {
    throw unreadable(`"${toCell(path, 200)}"`, error);
  });
  if (!found.isDirectory()) return { files: [toFile(whole, basename(whole), options)], hidden: 0 };
  const entries = await listEntries(whole);
  const shown = options.hidden ? entries : entries.filter(({ name }) => !isHidden(name));
  for (const entry of shown) refuseOdd(entry);
  if (shown.length === 0) throw noFiles(path, entries.length);
  const names = shown.map(({ name }) => name).toSorted();
  return {
    files: names.map((name) => toFile(join(whole, name), name, options)),
    hidden: entries.length - shown.length,
  };
}

function noFiles(path: string, hidden: number): StackyardError {
  const but = hidden === 0 ? "" : ` but hidden ones: ${hidden}. --hidden publishes them`;
  return usage(`The folder "${toCell(path, 200)}" has no files to publish${but}.`);
}

interface Entry {
  /** The path in the folder, with `/`. */
  readonly name: string;
  readonly dirent: Dirent;
}

/** Lists all entries except folders. */
async function listEntries(folder: string): Promise<readonly Entry[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw unreadable("A folder", error);
  });
  return entries
    .filter((dirent) => !dirent.isDirectory())
    .map((dirent) => {
      const path = relative(folder, join(dirent.parentPath, dirent.name));
      return { name: path.split(sep).join("/"), dirent };
    });
}

/** Rejects symbolic links, special files, and names that are not UTF-8. */
function refuseOdd({ name, dirent }: Entry): void {
  const said = toCell(name, 200);
  if (dirent.isSymbolicLink()) throw usage(`"${said}" is a symbolic link. Replace it with the file.`);
  if (!dirent.isFile()) throw usage(`"${said}" is not a regular file.`);
  // Node replaces invalid UTF-8 in names with this character.
  if (name.includes("\ufffd")) throw usage(`The name of "${said}" is not UTF-8. Rename the file.`);
}

function isHidden(name: string): boolean {
  return name.split("/").some((segment) => segment.startsWith("."));
}

const TEMPLATES: ReadonlySet<string> = new Set([".yaml", ".yml", ".template", ".json"]);

function toFile(body: string, path: string, { rewriteTemplates }: FindFilesOptions): FileOnDisk {
  const type = CONTENT_TYPES[extname(path).toLowerCase()];
  const isTemplate = rewriteTemplates && TEMPLATES.has(extname(path).toLowerCase());
  return {
    path,
    body,
    contentType: type ?? "application/octet-stream",
    ...(isTemplate ? { rewrite: "template" as const } : {}),
  };
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".gz": "application/gzip",
  ".html": "text/html; charset=utf-8",
  ".jar": "application/java-archive",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".md": "text/markdown; charset=utf-8",
  ".tar": "application/x-tar",
  ".template": "text/plain; charset=utf-8",
  ".tgz": "application/gzip",
  ".txt": "text/plain; charset=utf-8",
  ".yaml": "application/yaml",
  ".yml": "application/yaml",
  ".zip": "application/zip",
};

function unreadable(what: string, error: unknown): StackyardError {
  const reason = error instanceof Error ? error.message : String(error);
  return new StackyardError("CONFIG_INVALID", `${what} cannot be read: ${reason}`, { cause: error });
}

const PHASES = { checking: "Checking", sending: "Sending", committing: "Committing" } as const;

/** Formats the progress of a publication on one line. */
function formatPublishing({ phase, files, filesDone, ...rest }: PublishProgress): string {
  const { bytes, bytesDone, bytesPerSecond, secondsLeft } = rest;
  const size = bytes === null ? formatBytes(bytesDone) : `${formatBytes(bytesDone)} of ${formatBytes(bytes)}`;
  const rate = bytesPerSecond === 0 ? [] : [`${formatBytes(bytesPerSecond)}/s`];
  const left = secondsLeft === null ? [] : [`${formatSeconds(secondsLeft)} left`];
  return [`${PHASES[phase]}: ${filesDone} of ${formatCount(files, "file")}`, size, ...rate, ...left].join(", ");
}

/** Formats the progress with a bar, for a terminal of the given width. */
function toPublishPicture(progress: PublishProgress, columns: number): string {
  const { bytes, bytesDone } = progress;
  const line = formatPublishing(progress);
  if (bytes === null || bytes === 0) return line;
  const share = Math.min(1, bytesDone / bytes);
  const width = Math.max(10, Math.min(60, columns - 8));
  const full = Math.floor(share * width);
  const bar = `\u001b[32m${"█".repeat(full)}\u001b[90m${"░".repeat(width - full)}\u001b[39m`;
  return `${bar} ${String(Math.floor(share * 100)).padStart(3)} %\n${line}`;
}

/** Formats the result of a publication. */
function formatPublished({ outcome, manifest, manifestSha256, bytes, skipped }: PublishResult): string {
  const what = `${manifest.name} ${manifest.version}`;
  const content = `${formatCount(manifest.files.length, "file")}, ${formatBytes(bytes)}`;
  if (outcome === "already-published") return `${what} is already published with the same content: ${content}.`;
  const existing = skipped.length === 0 ? "" : ` (${skipped.length} already uploaded)`;
  return `${what} is published: ${content}${existing}.\nManifest ${manifestSha256}`;
}
