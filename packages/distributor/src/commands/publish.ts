import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, extname, join, relative, resolve, sep } from "node:path";
import { StackyardError } from "@stackyard/core";
import {
  type CallDistributor,
  type CoverageOutcome,
  type PublishFile,
  type PublishProgress,
  type PublishResult,
  publishArtifact,
} from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import {
  type ArtifactCommandSpec,
  type ArtifactContext,
  createPacedTeller,
  distributorArgs,
  findDistributorRegion,
  findSourceBucket,
  openDistributor,
  sourceArgs,
  tellBytes,
  tellCount,
  tellSeconds,
  toCell,
  usage,
  versionArgs,
  waitArgs,
} from "./artifact-command.ts";
import { type FollowCoverageInput, followCoverage, noteMissing, tellRow } from "./coverage.ts";

const Args = Type.Object({
  ...versionArgs,
  path: Type.String({ minLength: 1, maxLength: 4_096, description: "A folder with the files, or a file." }),
  file: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 4_096 }), {
      maxItems: 1_000,
      placeholder: "path",
      description: "One more file or folder. May be repeated.",
    }),
  ),
  label: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 400 }), {
      maxItems: 50,
      placeholder: "key=value",
      description: "Stands in the manifest, such as commit=4f1c9d2. May be repeated.",
    }),
  ),
  rewriteTemplates: Type.Optional(
    Type.Boolean({ description: "Consumers write their own bucket's name into templates of CloudFormation." }),
  ),
  hidden: Type.Optional(Type.Boolean({ description: "Also files whose names begin with a dot." })),
  ...sourceArgs,
  ...waitArgs,
  ...distributorArgs,
});
type Args = Static<typeof Args>;

/** `artifacts publish`: brings files to where the distributor finds them, and commits them by a manifest. */
export const artifactsPublish: ArtifactCommandSpec<typeof Args> = {
  name: "artifacts publish",
  summary:
    "Publish the files of a folder as a version of an artifact, for every account and region that should have it.",
  description:
    "A version never changes: the same content again is no error, other content is VERSION_CONFLICT. What an interrupted publication has sent is not sent again. Exit code 4: with --wait, the time was over; the version is published.",
  examples: [
    {
      command: "stackyard artifacts publish billing-api 1.4.2 dist --label commit=4f1c9d2",
      what: "The files of a folder",
    },
    {
      command: "stackyard artifacts publish billing-api 1.4.2 app.zip --file template.yaml --rewrite-templates",
      what: "Two files; the template is to name each consumer's bucket",
    },
    {
      command: "stackyard artifacts publish billing-api 1.4.2 dist --wait --timeout 15m",
      what: "Go on when it stands everywhere",
    },
  ],
  args: Args,
  run: publish,
};

async function publish(context: ArtifactContext, args: Args): Promise<number> {
  const { out, clock, signal } = context;
  const { name, version, wait = false } = args;
  if (args.timeout !== undefined && !wait) throw usage("--timeout belongs to --wait.");
  const bucket = findSourceBucket(context, args);
  const labels = parseLabels(args.label);
  // Before anything is sent: who cannot wait shall not find out at the end.
  const call = wait ? await openDistributor(context, args) : undefined;
  const files = await findFiles(context, args);
  const region = findDistributorRegion(context, args);
  const { s3: client } = await context.openAws({ ...(region && { region }) });
  const prefix = args.prefix ?? context.environment["STACKYARD_ARTIFACTS_PREFIX"] ?? "";
  const tell = createPacedTeller(out, clock);
  const onProgress = (progress: PublishProgress) =>
    tell({
      phase: progress.phase,
      value: { kind: "publish", ...progress },
      toLine: () => tellPublishing(progress),
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
  if (hidden > 0) out.note(`Hidden files that were left out: ${hidden}. --hidden publishes them too.`);
  return found.flatMap((each) => each.files);
}

async function waitFor(
  context: ArtifactContext,
  result: PublishResult,
  input: FollowCoverageInput & { readonly call: CallDistributor },
): Promise<number> {
  context.out.note(tellPublished(result));
  const outcome = await followCoverage(context, input);
  show(context, result, outcome);
  noteMissing(context, input, outcome);
  return outcome.kind === "covered" ? 0 : 4;
}

function show({ out }: ArtifactContext, result: PublishResult, coverage?: CoverageOutcome): number {
  const { manifest, ...facts } = result;
  const { name, version } = manifest;
  const covered =
    coverage === undefined ? {} : { covered: coverage.kind === "covered", coverage: coverage.row ?? null };
  out.result({ name, version, ...facts, files: manifest.files.length, ...covered }, () => {
    if (coverage === undefined) return tellPublished(result);
    return coverage.row === undefined ? tellPublished(result) : `${tellRow(coverage.row)}.`;
  });
  return 0;
}

/** Labels are no content: a version that stands keeps its own. */
function noteLabels(
  { out }: ArtifactContext,
  { outcome, manifest }: PublishResult,
  labels: Readonly<Record<string, string>>,
): void {
  const standing = manifest.labels ?? {};
  const differing = Object.entries(labels).filter(([key, value]) => standing[key] !== value);
  if (outcome === "published" || differing.length === 0) return;
  out.note(
    `The version keeps the labels that it was published with; not taken: ${differing.map(([key]) => key).join(", ")}`,
  );
}

/** Labels as words of a command line, `key=value` each. Throws `USAGE`. */
export function parseLabels(words: readonly string[] = []): Readonly<Record<string, string>> {
  const labels = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf("=");
    const [key, value] = [word.slice(0, Math.max(0, at)), word.slice(at + 1)];
    const said = JSON.stringify(word.slice(0, 400));
    if (at < 1 || !/^\P{Cc}{0,256}$/u.test(value)) {
      throw usage(`--label ${said} is no key=value of one line, such as commit=4f1c9d2.`);
    }
    if (!/^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/.test(key)) {
      throw usage(
        `The key of --label ${said} must be letters, digits, dots, -, _ and /, at most 64, the first a letter or digit.`,
      );
    }
    if (labels.has(key)) throw usage(`The label "${key}" is given twice.`);
    labels.set(key, value);
  }
  return Object.fromEntries(labels);
}

/** What a folder or a file gives to publish. */
interface FoundFiles {
  readonly files: readonly PublishFile[];
  /** Hidden files that were left out. */
  readonly hidden: number;
}

/** How files are taken. */
interface FindFilesOptions {
  readonly cwd: string;
  readonly hidden: boolean;
  /** Templates of CloudFormation are to be rewritten by consumers. */
  readonly rewriteTemplates: boolean;
}

/**
 * The files of a folder, each under its path in it, or one file under its name. What is hidden stays out unless it is asked for:
 * it is seldom meant for every account. Throws `CONFIG_INVALID` for what is not there, `USAGE` for symbolic links, pipes and the like,
 * names that are no text, and folders without files.
 */
async function findPublishFiles(path: string, options: FindFilesOptions): Promise<FoundFiles> {
  const whole = resolve(options.cwd, path);
  const found = await stat(whole).catch((error: unknown) => {
    throw new StackyardError("CONFIG_INVALID", `"${toCell(path, 200)}" cannot be read: ${tell(error)}`, {
      cause: error,
    });
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
  return new StackyardError("USAGE", `The folder "${toCell(path, 200)}" has no files to publish${but}.`);
}

interface Entry {
  /** Its path in the folder, with `/`. */
  readonly name: string;
  readonly dirent: Dirent;
}

/** All but folders. */
async function listEntries(folder: string): Promise<readonly Entry[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new StackyardError("CONFIG_INVALID", `A folder cannot be read: ${tell(error)}`, { cause: error });
  });
  return entries
    .filter((dirent) => !dirent.isDirectory())
    .map((dirent) => {
      const path = relative(folder, join(dirent.parentPath, dirent.name));
      return { name: path.split(sep).join("/"), dirent };
    });
}

/** What leads to what nobody wants to see in every account, cannot be read to an end, or could not be named. */
function refuseOdd({ name, dirent }: Entry): void {
  const said = toCell(name, 200);
  if (dirent.isSymbolicLink()) {
    throw new StackyardError("USAGE", `"${said}" is a symbolic link. Put the file itself there.`);
  }
  if (!dirent.isFile()) throw new StackyardError("USAGE", `"${said}" is no file, but a pipe, a socket or a device.`);
  // What is no UTF-8 was read with this in its place, and stands under another name.
  if (name.includes("\ufffd")) {
    throw new StackyardError("USAGE", `The name of "${said}" is no UTF-8 text. Give it another name.`);
  }
}

function isHidden(name: string): boolean {
  return name.split("/").some((segment) => segment.startsWith("."));
}

const TEMPLATES: ReadonlySet<string> = new Set([".yaml", ".yml", ".template", ".json"]);

function toFile(body: string, path: string, { rewriteTemplates }: FindFilesOptions): PublishFile {
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

function tell(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const PHASES = { checking: "Checking", sending: "Sending", committing: "Committing" } as const;

/** How far a publication is, on one line. */
function tellPublishing({ phase, files, filesDone, ...rest }: PublishProgress): string {
  const { bytes, bytesDone, bytesPerSecond, secondsLeft } = rest;
  const size = bytes === null ? tellBytes(bytesDone) : `${tellBytes(bytesDone)} of ${tellBytes(bytes)}`;
  const rate = bytesPerSecond === 0 ? [] : [`${tellBytes(bytesPerSecond)}/s`];
  const left = secondsLeft === null ? [] : [`${tellSeconds(secondsLeft)} left`];
  return [`${PHASES[phase]}: ${filesDone} of ${tellCount(files, "file")}`, size, ...rate, ...left].join(", ");
}

/** The same with a bar, for a terminal of so many columns. */
function toPublishPicture(progress: PublishProgress, columns: number): string {
  const { bytes, bytesDone } = progress;
  const line = tellPublishing(progress);
  if (bytes === null || bytes === 0) return line;
  const share = Math.min(1, bytesDone / bytes);
  const width = Math.max(10, Math.min(60, columns - 8));
  const full = Math.floor(share * width);
  const bar = `\u001b[32m${"█".repeat(full)}\u001b[90m${"░".repeat(width - full)}\u001b[39m`;
  return `${bar} ${String(Math.floor(share * 100)).padStart(3)} %\n${line}`;
}

/** What was published. */
function tellPublished({ outcome, manifest, manifestSha256, bytes, skipped }: PublishResult): string {
  const what = `${manifest.name} ${manifest.version}`;
  const content = `${tellCount(manifest.files.length, "file")}, ${tellBytes(bytes)}`;
  if (outcome === "already-published") return `${what} is published already, with the same content: ${content}.`;
  const stood = skipped.length === 0 ? "" : ` (${skipped.length} stood there already)`;
  return `${what} is published: ${content}${stood}.\nManifest ${manifestSha256}`;
}
