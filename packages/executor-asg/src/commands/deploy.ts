import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { isStackyardError, StackyardError } from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import type { ProjectConfig, Release } from "@stackyard/sdk/releases";
import { type Static, Type } from "typebox";
import { readJson } from "../document/decode.ts";
import type { ReleasePlace } from "../place/release-place.ts";
import { tellEnd, tellProgress, tellRelease, toCell, toReleasePicture } from "../plan/report.ts";
import {
  fileArg,
  followArgs,
  openPlace,
  placeArgs,
  type ReleaseCommandSpec,
  type ReleaseContext,
  reasonArg,
  toActor,
  toPlaceDefaults,
  toReleaseExitCode,
} from "./place.ts";
import { loadReleaseFile, tellProblems, tellWarnings } from "./release-file.ts";

const Args = Type.Object({
  file: fileArg,
  follow: Type.Optional(
    Type.Boolean({ description: "Where a release of this project-config runs: follow that one, and start none." }),
  ),
  queue: Type.Optional(Type.Boolean({ description: "Of a yard: wait for the release that runs there." })),
  revision: Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, placeholder: "text", description: "The source, such as a commit." }),
  ),
  ...placeArgs,
  ...followArgs,
});
type Args = Static<typeof Args>;

/** `release deploy`: starts a release and follows it to its end. */
export const releaseDeploy: ReleaseCommandSpec<typeof Args> = {
  name: "release deploy",
  summary: "Deploy a release file, and show how far it is until it has ended.",
  description:
    "The release gets a new id. Exit code 1: it has failed and nothing of it is left; 2: it has left something behind; 3: it could not start, for example because another one runs. Ctrl-C leaves the release alone.",
  examples: [
    { command: "stackyard release deploy shop.json", what: "Over the yard" },
    { command: "stackyard release deploy shop.json --queue --revision 4f1c9d2", what: "After the one that runs" },
    {
      command: "stackyard release deploy shop.json --preset odin --deployer coinbase-odin",
      what: "By an Odin that is there already, with your own credentials",
    },
  ],
  args: Args,
  run: deploy,
};

async function deploy(context: ReleaseContext, args: Args): Promise<number> {
  const { out } = context;
  const prepared = await loadReleaseFile(context, args.file, args);
  if (prepared.kind === "refused") {
    tellProblems(out, args.file, prepared.problems);
    return 3;
  }
  const { document, userData, warnings } = prepared;
  tellWarnings(out, warnings);
  const place = await openPlace(context, args);
  const running = await place.findRunning(toProjectConfig(document));
  if (running !== undefined && args.follow === true) {
    out.note(`${toCell(running.releaseId)} runs already; it is followed, and nothing is started.`);
    return follow(context, place, running, args);
  }
  if (running !== undefined && args.queue !== true) return refuse(context, running, place);
  const { queue, revision } = args;
  const order = { ...(queue && { queue }), ...(revision && { revision }) };
  const begun = await place.deploy({ document, ...(userData === undefined ? {} : { userData }), ...order });
  return follow(context, place, begun, args);
}

async function follow(context: ReleaseContext, place: ReleasePlace, release: Release, args: Args): Promise<number> {
  if (args.detach === true) {
    context.out.result({ release }, () => release.runId);
    return 0;
  }
  context.out.note(`Release ${toCell(release.releaseId)}, ${toCell(release.runId)} of ${place.name}`);
  const ended = await followRelease(context, place, release.runId, args);
  showRelease(context, ended);
  return toReleaseExitCode(ended);
}

function refuse({ out }: ReleaseContext, running: Release, place: ReleasePlace): number {
  const { project, config, releaseId, runId, startedAt } = running;
  out.result({ alreadyDeploying: running }, () =>
    [
      `Already deploying: ${toCell(project)} ${toCell(config)} has the release ${toCell(releaseId)} since ${startedAt}.`,
      `Nothing was started on ${place.name}. --follow follows that one, --queue waits for it; or stop it:`,
      `stackyard release halt ${toCell(runId)}`,
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

/** How a release is followed. */
interface FollowOptions {
  /** A duration. Default: until it has ended. */
  readonly giveUpAfter?: string;
}

const POLL_MS = 2_000;
/** Looks in a row that may fail with what passes. */
const MAX_FAULTS = 30;

/**
 * Looks at a release until it has ended, and shows each change: in a terminal as a picture that is drawn anew, in a pipe as lines.
 * Throws `TIMED_OUT` and `INTERRUPTED`: the release goes on then, and people are told how to get back to it.
 */
export async function followRelease(
  context: ReleaseContext,
  place: ReleasePlace,
  id: string,
  { giveUpAfter }: FollowOptions = {},
): Promise<Release> {
  const { clock, signal, pollMs = POLL_MS } = context;
  const waitMs = (giveUpAfter === undefined ? undefined : parseDuration(giveUpAfter)) ?? Number.POSITIVE_INFINITY;
  const until = clock.now() + waitMs;
  const look = createLook(context, place, id);
  for (;;) {
    const release = await look();
    if (release?.endedAt !== undefined) return release;
    if (clock.now() >= until) throw tellGoesOn(context, id, "TIMED_OUT", `${giveUpAfter} are over; it goes on.`);
    await clock.sleep(Math.min(pollMs, until - clock.now()), signal);
    if (signal.aborted) throw tellGoesOn(context, id, "INTERRUPTED", "The release is followed no more; it goes on.");
  }
}

/** One look. What passes, such as a throttled call, is passed over: the release does not end by it. */
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

function toProgress({ runId, releaseId, standing, isHalting, report, message }: Release) {
  const { state, since, services, error, end } = report ?? {};
  return {
    kind: "progress",
    runId,
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

function showProgress({ out, clock }: ReleaseContext, release: Release, value: ReturnType<typeof toProgress>): void {
  const { report } = release;
  const toBlock =
    report && ((columns: number) => toReleasePicture(report, { columns, colour: true, now: clock.now() }));
  out.progress(value, () => tellProgress(release), toBlock);
}

function tellGoesOn(
  { out }: ReleaseContext,
  id: string,
  code: "TIMED_OUT" | "INTERRUPTED",
  reason: string,
): StackyardError {
  out.note(`Look again: stackyard release watch ${id}. Stop it: stackyard release halt ${id}`);
  return new StackyardError(code, reason);
}

/** Prints a release as it stands or has ended, and what to do next where it has left something behind. */
export function showRelease({ out }: Pick<ReleaseContext, "out">, release: Release): void {
  out.result({ release }, () => tellRelease(release));
  const { end, project, config, account, region } = release;
  if (end !== "FailureDirty") return;
  const where = `${toCell(project, 255)} ${toCell(config, 255)} --account ${account} --region ${region}`;
  out.note(`Its lock is kept, so nobody deploys there. See what is left: stackyard release repair ${where}`);
}

const ArgsReleaseHalt = Type.Object({
  what: Type.String({
    minLength: 1,
    description: "A release file, whose project-config is meant; or a run or an execution.",
  }),
  reason: Type.Optional(reasonArg),
  ...placeArgs,
  ...followArgs,
});
type ArgsReleaseHalt = Static<typeof ArgsReleaseHalt>;

/** `release halt`: stops the release that runs, and waits until nothing of it is left. */
export const releaseHalt: ReleaseCommandSpec<typeof ArgsReleaseHalt> = {
  name: "release halt",
  summary: "Stop the release that runs, have what it made removed, and wait until that is done.",
  description:
    "Exit code 0: it was stopped and nothing of it is left; 1: there was none, or it came too late and the release is done; 2: something is left behind.",
  examples: [
    { command: 'stackyard release halt shop.json --reason "wrong image"', what: "Whatever runs for its project" },
  ],
  args: ArgsReleaseHalt,
  run: halt,
};

async function halt(context: ReleaseContext, args: ArgsReleaseHalt): Promise<number> {
  const { out } = context;
  const place = await openPlace(context, args);
  const release = await findRelease(context, place, args);
  if (release === undefined || release.endedAt !== undefined) {
    out.result({ release: release ?? null }, () =>
      release === undefined ? "No release runs there: nothing to halt." : `Nothing to halt. ${tellEnd(release)}`,
    );
    return 1;
  }
  const by = toActor(context);
  await place.halt(release, { message: args.reason ?? `Halted by ${by}`, by });
  if (args.detach === true) {
    out.result({ release }, () => `${toCell(release.runId)} was asked to stop.`);
    return 0;
  }
  const ended = await followRelease(context, place, release.runId, args);
  showRelease(context, ended);
  return toHaltExitCode(ended);
}

/** The words of a release turned round: a clean failure is what was asked for. */
function toHaltExitCode(release: Release): number {
  const code = toReleaseExitCode(release);
  return code === 0 ? 1 : code === 1 ? 0 : code;
}

async function findRelease(
  context: ReleaseContext,
  place: ReleasePlace,
  args: ArgsReleaseHalt,
): Promise<Release | undefined> {
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

/** Only the names count: a file that could not be deployed can be halted. Throws `CONFIG_INVALID`. */
function readProjectConfig(context: ReleaseContext, text: string, args: ArgsReleaseHalt): ProjectConfig {
  const read = readJson(text);
  const document = read.kind === "value" ? { ...Object(read.value) } : {};
  const { account = "", region = "" } = toPlaceDefaults(context, args);
  const { project_name: project, config_name: config } = document;
  if (typeof project !== "string" || typeof config !== "string") {
    throw new StackyardError(
      "CONFIG_INVALID",
      `"${args.what}" is no release file: it has no project_name and config_name.`,
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
