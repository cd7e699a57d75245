import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import {
  defineCommand,
  defined,
  isStackyardError,
  optionalFlag,
  optionalText,
  StackyardError,
  toShellCommand,
  withAccountName,
} from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import { toCell } from "@stackyard/sdk/commands";
import type { ProjectConfig, Release } from "@stackyard/sdk/releases";
import { type Static, Type } from "typebox";
import { readJson } from "../document/decode.ts";
import { formatEnd, formatProgress, formatRelease, toReleasePicture } from "../plan/format-release.ts";
import {
  fileArg,
  followArgs,
  openPlace,
  placeArgs,
  type ReleaseContext,
  reasonArg,
  resolveDeployer,
  toActor,
  toPlaceDefaults,
  toPlaceFlags,
  toReleaseExitCode,
} from "./place.ts";
import { formatProblems, formatWarnings, loadReleaseFile } from "./release-file.ts";
import type { ReleasePlace } from "./release-place.ts";

const Args = Type.Object({
  file: fileArg,
  follow: optionalFlag("If a release of this project and config is running, follow it instead of starting one."),
  queue: optionalFlag("In a yard: wait for the running release."),
  revision: optionalText("The source revision, such as a commit.", {
    minLength: 1,
    maxLength: 255,
    placeholder: "text",
  }),
  ...placeArgs,
  ...followArgs,
});
type Args = Static<typeof Args>;

/** `asg deploy`: starts a release and follows it to its end. */
export const releaseDeploy = defineCommand({
  name: "asg deploy",
  summary: "Deploy the file of an ASG release, and show its progress until it ends.",
  description:
    "The release gets a new id. Exit code 1: it failed, and everything it created was removed; 2: it left resources behind; 3: it could not start, for example because another one is running. Ctrl-C does not stop the release.",
  examples: {
    "stackyard asg deploy shop.json": "With the yard",
    "stackyard asg deploy shop.json --queue --revision 4f1c9d2": "After the running release",
    "stackyard asg deploy shop.json --preset odin --deployer coinbase-odin":
      "With an existing Odin, and your own credentials",
  },
  args: Args,
  run: deploy,
});

async function deploy(context: ReleaseContext, args: Args): Promise<number> {
  const { out } = context;
  const words = await resolveDeployer(context, args);
  const prepared = await loadReleaseFile(context, words.file, words);
  if (prepared.kind === "refused") {
    formatProblems(out, args.file, prepared.problems);
    return 3;
  }
  const { document, userData, warnings } = prepared;
  formatWarnings(out, warnings);
  const place = await openPlace(context, words);
  const running = await place.findRunning(toProjectConfig(document));
  if (running !== undefined && args.follow === true) {
    out.note(`${toCell(running.releaseId)} is already running. Following it; no release was started.`);
    return follow(context, place, running, args);
  }
  if (running !== undefined && args.queue !== true) return refuse(context, running, { place, args });
  const { queue, revision } = args;
  const order = { ...(queue && { queue }), ...(revision && { revision }) };
  const begun = await place.deploy({ document, ...defined({ userData }), ...order });
  return follow(context, place, begun, args);
}

async function follow(context: ReleaseContext, place: ReleasePlace, release: Release, args: Args): Promise<number> {
  if (args.detach === true) {
    context.out.result({ release }, () => release.jobId);
    return 0;
  }
  context.out.note(`Release ${toCell(release.releaseId)}, ${toCell(release.jobId)} of ${place.name}`);
  const ended = await followRelease(context, place, release.jobId, args);
  showRelease(context, ended);
  return toReleaseExitCode(ended);
}

function refuse(
  { out }: ReleaseContext,
  running: Release,
  { place, args }: { readonly place: ReleasePlace; readonly args: Args },
): number {
  const { project, config, releaseId, jobId, startedAt } = running;
  out.result({ alreadyDeploying: running }, () =>
    [
      `Already deploying: ${toCell(project)} ${toCell(config)} has the release ${toCell(releaseId)} since ${startedAt}.`,
      `No release was started on ${place.name}. Use --follow to follow it, --queue to wait for it, or stop it:`,
      toShellCommand`stackyard asg halt ${toCell(jobId)} ${toPlaceFlags(args)}`,
    ].join("\n"),
  );
  return 3;
}

function toProjectConfig(document: Readonly<Record<string, unknown>>): ProjectConfig {
  const text = (key: string) => String(document[key] ?? "");
  return {
    account: text("aws_account_id"),
    region: text("aws_region"),
    project: text("project_name"),
    config: text("config_name"),
  };
}

const POLL_MS = 2_000;
/** Maximum number of consecutive checks with transient errors. */
const MAX_FAULTS = 30;

/**
 * Follows a release until it ends and prints each change: a redrawn picture in a terminal, lines in a pipe. Throws
 * `TIMED_OUT` and `INTERRUPTED`: then the release continues, and the message says how to follow it again.
 */
export async function followRelease(
  context: ReleaseContext,
  place: ReleasePlace,
  id: string,
  { giveUpAfter }: { readonly giveUpAfter?: string },
): Promise<Release> {
  const { clock, signal, pollMs = POLL_MS } = context;
  const waitMs = (giveUpAfter === undefined ? undefined : parseDuration(giveUpAfter)) ?? Number.POSITIVE_INFINITY;
  const until = clock.now() + waitMs;
  const look = createLook(context, place, id);
  for (;;) {
    const release = await look();
    if (release?.endedAt !== undefined) return release;
    if (clock.now() >= until)
      throw toUnfinishedError(context, id, "TIMED_OUT", `${giveUpAfter} have passed; the release continues.`);
    await clock.sleep(Math.min(pollMs, until - clock.now()), signal);
    if (signal.aborted)
      throw toUnfinishedError(context, id, "INTERRUPTED", "Stopped following; the release continues.");
  }
}

/** Polls a release once. Skips transient errors, such as throttling. */
function createLook(context: ReleaseContext, place: ReleasePlace, id: string): () => Promise<Release | undefined> {
  let faults = 0;
  let last = "";
  return async () => {
    try {
      const release = await place.get(id);
      faults = 0;
      const value = toProgress(release);
      const seen = JSON.stringify(value);
      if (seen !== last) showProgress(context, release, value);
      last = seen;
      return release;
    } catch (error) {
      faults += 1;
      if (context.signal.aborted) return undefined;
      if (!isStackyardError(error) || !error.retryable || faults > MAX_FAULTS) throw error;
      return undefined;
    }
  };
}

function toProgress(release: Release): Readonly<Record<string, unknown>> {
  const { jobId, releaseId, standing, isHalting, report, message } = release;
  const { state, since, services, error, end } = report ?? {};
  return {
    kind: "progress",
    jobId,
    releaseId,
    standing,
    halting: isHalting,
    state: state ?? null,
    since: since ?? null,
    services: services ?? {},
    error: error ?? null,
    end: end ?? null,
    message: message ?? null,
  };
}

function showProgress(
  { out, clock }: ReleaseContext,
  release: Release,
  value: Readonly<Record<string, unknown>>,
): void {
  const { report } = release;
  const toBlock =
    report && ((columns: number) => toReleasePicture(report, { columns, colour: true, now: clock.now() }));
  out.progress(value, () => formatProgress(release), toBlock);
}

function toUnfinishedError(
  { out }: ReleaseContext,
  id: string,
  code: "TIMED_OUT" | "INTERRUPTED",
  reason: string,
): StackyardError {
  const [watch, halt] = [toShellCommand`stackyard asg watch ${id}`, toShellCommand`stackyard asg halt ${id}`];
  out.note(`Follow it again: ${watch}. Stop it: ${halt}`);
  return new StackyardError(code, reason);
}

/** Prints the state or end of a release, and what to do if it left resources behind. */
export function showRelease({ out, accounts }: Pick<ReleaseContext, "out" | "accounts">, release: Release): void {
  const named = withAccountName(accounts, release, release.account);
  out.result({ release: named }, () => formatRelease(release, accounts));
  const { end, project, config, account, region } = release;
  if (end !== "FailureDirty") return;
  const [first, second] = [toCell(project, 255), toCell(config, 255)];
  const repair = toShellCommand`stackyard asg repair ${first} ${second} --account ${account} --region ${region}`;
  out.note(`Its lock is kept, so no other release can start. List what is left: ${repair}`);
}

const HaltArgs = Type.Object({
  what: Type.String({
    minLength: 1,
    description: "A release file (its project and config), a job, or an execution.",
  }),
  reason: Type.Optional(reasonArg),
  ...placeArgs,
  ...followArgs,
});
type HaltArgs = Static<typeof HaltArgs>;

/** `asg halt`: stops the running release and waits until everything it created is removed. */
export const releaseHalt = defineCommand({
  name: "asg halt",
  summary: "Stop the running ASG release, and wait until everything it created is removed.",
  description:
    "Exit code 0: stopped, and everything it created was removed; 1: no release is running, or the halt came too late; 2: resources are left behind.",
  examples: {
    'stackyard asg halt shop.json --reason "wrong image"': "The running release of its project and config",
  },
  args: HaltArgs,
  run: halt,
});

async function halt(context: ReleaseContext, args: HaltArgs): Promise<number> {
  const { out } = context;
  const place = await openPlace(context, args);
  const release = await findRelease(context, place, args);
  if (release === undefined || release.endedAt !== undefined) {
    out.result({ release: release ?? null }, () =>
      release === undefined ? "No release is running. Nothing to halt." : `Nothing to halt. ${formatEnd(release)}`,
    );
    return 1;
  }
  const by = toActor(context);
  await place.halt(release, { message: args.reason ?? `Halted by ${by}`, by });
  if (args.detach === true) {
    out.result({ release }, () => `${toCell(release.jobId)} will stop.`);
    return 0;
  }
  const ended = await followRelease(context, place, release.jobId, args);
  showRelease(context, ended);
  return toHaltExitCode(ended);
}

/** Formats the result of a halt: a clean failure is the requested result. */
function toHaltExitCode(release: Release): number {
  const code = toReleaseExitCode(release);
  return code === 0 ? 1 : code === 1 ? 0 : code;
}

async function findRelease(context: ReleaseContext, place: ReleasePlace, args: HaltArgs): Promise<Release | undefined> {
  const text = await loadText(resolve(context.cwd, args.what));
  return text === undefined ? place.get(args.what) : place.findRunning(readProjectConfig(context, text, args));
}

async function loadText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Reads only the names, so that a file with problems can be halted too. Throws `CONFIG_INVALID`. */
function readProjectConfig(context: ReleaseContext, text: string, args: HaltArgs): ProjectConfig {
  const read = readJson(text);
  const document = read.kind === "value" ? { ...Object(read.value) } : {};
  const { account = "", region = "" } = toPlaceDefaults(context, args);
  const { project_name: project, config_name: config } = document;
  if (typeof project !== "string" || typeof config !== "string") {
    throw new StackyardError(
      "CONFIG_INVALID",
      `"${args.what}" is not a release file: project_name or config_name is missing.`,
    );
  }
  const textOf = (value: unknown, otherwise: string) => (typeof value === "string" ? value : otherwise);
  return {
    project,
    config,
    account: textOf(document["aws_account_id"], account),
    region: textOf(document["aws_region"], region),
  };
}
