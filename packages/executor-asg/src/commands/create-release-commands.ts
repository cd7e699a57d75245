import {
  defineCommand,
  formatAccount,
  optionalFlag,
  optionalInteger,
  optionalText,
  type PluginCommand,
  StackyardError,
  withAccountName,
} from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { formatTable, toCell } from "@stackyard/sdk/commands";
import { createReleasesClient, type ProjectConfig, type Release } from "@stackyard/sdk/releases";
import { type Static, Type } from "typebox";
import { followRelease, releaseDeploy, releaseHalt, showRelease } from "./deploy.ts";
import {
  followArgs,
  openPlace,
  type PlaceWords,
  placeArgs,
  projectArgs,
  type ReleaseCommandDeps,
  type ReleaseContext,
  reasonArg,
  releaseArg,
  toActor,
  toPlaceDefaults,
  toReleaseExitCode,
  withReleases,
} from "./place.ts";
import { releaseGraph, releasePlan } from "./plan.ts";
import { releaseValidate } from "./release-file.ts";
import type { CareAnswer } from "./release-place.ts";

const DEPS: ReleaseCommandDeps = {
  clock: systemClock,
  random: Math.random,
  openReleases: createReleasesClient,
  async openAws(region) {
    // Load the SDK only when needed.
    const { openDeployerAws } = await import("./place.ts");
    return openDeployerAws(region);
  },
};

/** Creates the release commands; tests replace their dependencies. */
export function createReleaseCommands(deps: Partial<ReleaseCommandDeps> = {}): readonly PluginCommand[] {
  const whole = { ...DEPS, ...deps };
  const commands = [
    releaseValidate,
    releasePlan,
    releaseDeploy,
    releaseWatch,
    releaseHalt,
    releaseRollback,
    releaseRepair,
    releaseLs,
    releaseShow,
    releaseFails,
    releaseLock,
    releaseUnlock,
    releaseGraph,
  ];
  return commands.map((command) => withReleases(command, whole));
}

/** `asg rollback`: goes back by one release. */
const releaseRollback = defineCommand({
  name: "asg rollback",
  summary: "Go back to the previous release: return its kept groups to service, or deploy its document again.",
  examples: { "stackyard asg rollback acme/shop production": "In AWS_ACCOUNT_ID and AWS_REGION" },
  args: Type.Object({
    ...projectArgs,
    from: optionalText("Only if this release is running.", { minLength: 1, placeholder: "release" }),
    reason: Type.Optional(reasonArg),
    ...placeArgs,
    ...followArgs,
  }),
  async run(context: ReleaseContext, args) {
    const { out } = context;
    const place = await openPlace(context, args);
    const { from, reason } = args;
    const order = { ...(from && { releaseId: from }), ...(reason && { reason }) };
    const begun = await place.rollback({ at: toProjectConfig(context, args), ...order });
    if (args.detach === true) {
      out.result({ release: begun }, () => begun.jobId);
      return 0;
    }
    out.note(`Rolling back, ${toCell(begun.jobId)} of ${place.name}`);
    const ended = await followRelease(context, place, begun.jobId, args);
    showRelease(context, ended);
    return toReleaseExitCode(ended);
  },
});

/** `asg repair`: lists or removes what releases left behind. */
const releaseRepair = defineCommand({
  name: "asg repair",
  summary: "List what releases of a project and config left behind; remove it with --remove.",
  description: "Groups, launch templates and configurations, alarms and placement groups, each with the reason.",
  examples: {
    "stackyard asg repair acme/shop production": "List",
    "stackyard asg repair acme/shop production --remove": "Remove what the list shows",
  },
  args: Type.Object({
    ...projectArgs,
    remove: optionalFlag("Remove what was found. Default: only list."),
    force: optionalFlag(
      "With --remove: also remove the lock of the release. Use it only if you are certain that the release is dead.",
    ),
    keep: optionalText("Id of the release to keep. Required if groups of several releases exist.", {
      minLength: 1,
      maxLength: 255,
    }),
    reason: Type.Optional(reasonArg),
    ...placeArgs,
  }),
  async run(context: ReleaseContext, { remove = false, force = false, keep, reason, ...args }) {
    const place = await openPlace(context, args);
    const at = toProjectConfig(context, args);
    const order = { ...(force && { force }), ...(keep && { keep }), ...(reason && { reason }) };
    return tell(context, await place.repair({ at, remove, ...order }));
  },
});

/** `asg lock`: prevents new releases. */
const releaseLock = defineCommand({
  name: "asg lock",
  summary: "Prevent new releases of a project and config; a running release continues. Exit code 1: already locked.",
  examples: {
    "stackyard asg lock acme/shop production sale": "Others see the reason when they deploy",
  },
  args: Type.Object({ ...projectArgs, reason: reasonArg, ...placeArgs }),
  async run(context: ReleaseContext, { reason, ...args }) {
    const place = await openPlace(context, args);
    return tell(context, await place.lock({ at: toProjectConfig(context, args), reason, by: toActor(context) }));
  },
});

/** `asg unlock`: removes a person's lock. */
const releaseUnlock = defineCommand({
  name: "asg unlock",
  summary: "Remove a person's lock of a project and config.",
  args: Type.Object({
    ...projectArgs,
    root: optionalFlag("Also remove the lock of a release. Use it only if you are certain that the release is dead."),
    ...placeArgs,
  }),
  async run(context: ReleaseContext, { root = false, ...args }) {
    const place = await openPlace(context, args);
    return tell(context, await place.unlock({ at: toProjectConfig(context, args), root, by: toActor(context) }));
  },
});

function tell({ out }: ReleaseContext, { isDone, message, facts }: CareAnswer): number {
  out.result({ done: isDone, message, ...facts }, () => message);
  return isDone ? 0 : 1;
}

/** Throws `USAGE`. */
function toProjectConfig(
  context: ReleaseContext,
  args: PlaceWords & { readonly project: string; readonly config: string },
): ProjectConfig {
  const { project, config } = args;
  const { account, region } = toPlaceDefaults(context, args);
  if (account !== undefined && region !== undefined) return { account, region, project, config };
  const ways = "Pass --account and --region, or set AWS_ACCOUNT_ID and AWS_REGION.";
  throw new StackyardError("USAGE", `Account or region is missing. ${ways}`);
}

/** `asg watch`: follows a release. */
const releaseWatch = defineCommand({
  name: "asg watch",
  summary: "Follow an ASG release to its end; the exit code is that of the release.",
  args: Type.Object({ release: releaseArg, ...placeArgs, giveUpAfter: followArgs.giveUpAfter }),
  async run(context: ReleaseContext, args) {
    const ended = await followRelease(context, await openPlace(context, args), args.release, args);
    showRelease(context, ended);
    return toReleaseExitCode(ended);
  },
});

/** `asg show`: shows a release. */
const releaseShow = defineCommand({
  name: "asg show",
  summary: "Show an ASG release: its status, services, path through the states, and errors.",
  args: Type.Object({ release: releaseArg, ...placeArgs }),
  async run(context: ReleaseContext, args) {
    const place = await openPlace(context, args);
    showRelease(context, await place.get(args.release));
    return 0;
  },
});

const ListArgs = Type.Object({
  project: optionalText("Only of this project.", { minLength: 1, placeholder: "name" }),
  config: optionalText("Only of this config.", { minLength: 1, placeholder: "name" }),
  limit: optionalInteger("Maximum number. Default: 50.", { minimum: 1, maximum: 1_000 }),
  ...placeArgs,
});

/** `asg ls`: lists releases. */
const releaseLs = defineCommand({
  name: "asg ls",
  summary: "List ASG releases, the newest first.",
  args: ListArgs,
  run: (context: ReleaseContext, args) => list(context, args, { failed: false }),
});

/** `asg fails`: lists recent failures. */
const releaseFails = defineCommand({
  name: "asg fails",
  summary: "List the ASG releases that failed in the last three days, with state and reason.",
  args: ListArgs,
  run: (context: ReleaseContext, args) => list(context, args, { failed: true }),
});

const FAILS_MS = 3 * 86_400_000;
const DEFAULT_LIMIT = 50;

async function list(
  context: ReleaseContext,
  args: Static<typeof ListArgs>,
  { failed }: { readonly failed: boolean },
): Promise<number> {
  const { out, clock } = context;
  const place = await openPlace(context, args);
  const { project, config, limit = DEFAULT_LIMIT } = args;
  const { account } = args.account === undefined ? {} : toPlaceDefaults(context, args);
  const at = { ...(account && { account }), ...(project && { project }), ...(config && { config }) };
  const since = failed ? { since: clock.now() - FAILS_MS } : {};
  const found = await place.list({ at, limit, failed, ...since });
  const releases = failed ? await withReports(found, (id) => place.get(id)) : found;
  const { accounts } = context;
  const named = releases.map((release) => withAccountName(accounts, release, release.account));
  out.result({ releases: named }, () => (failed ? toFailTable(releases, context) : toTable(releases, context)));
  return 0;
}

/** Lists contain no reports, so the reports of failed releases are loaded one after the other. */
async function withReports(
  releases: readonly Release[],
  get: (id: string) => Promise<Release>,
): Promise<readonly Release[]> {
  const whole: Release[] = [];
  for (const release of releases) whole.push(release.report === undefined ? await get(release.jobId) : release);
  return whole;
}

/** The context of tables of releases: the names of accounts, and the width of the terminal. */
type TableContext = Pick<ReleaseContext, "accounts" | "out">;

function toTable(releases: readonly Release[], { accounts, out: { columns } }: TableContext): string {
  if (releases.length === 0) return "No releases found.";
  const rows = releases.map((release) => {
    const { startedAt, project, config, account, region, operation, jobId, end, standing } = release;
    const names = [project, config, operation, end ?? standing].map((name) => toCell(name, 60));
    return [startedAt.slice(0, 19), ...names, toCell(jobId, 80), toCell(formatAccount(accounts, account, region), 120)];
  });
  return formatTable([["STARTED", "PROJECT", "CONFIG", "WHAT", "STANDS", "JOB", "WHERE"], ...rows], { columns });
}

function toFailTable(releases: readonly Release[], { out: { columns } }: Pick<TableContext, "out">): string {
  if (releases.length === 0) return "No release failed in the last three days.";
  const rows = releases.map((release) => {
    const { startedAt, jobId, end = "-", error, report } = release;
    const cause = report?.error?.message ?? error?.message ?? "";
    const name = report?.error?.class ?? error?.code ?? "";
    return [startedAt.slice(0, 19), toCell(jobId, 80), findFailedState(release), end, toCell(`${name}: ${cause}`, 200)];
  });
  return formatTable([["STARTED", "JOB", "FAILED IN", "END", "WHY"], ...rows], { columns, keepLast: true });
}

const AFTER_FAILURE: ReadonlySet<string> = new Set([
  "DetachForFailure",
  "WaitDetachForFailure",
  "CleanUpFailure",
  "ReleaseLockFailure",
  "FailureClean",
  "FailureDirty",
]);

/** Returns the state that failed: the last one before the failure states, or the known one if no path exists. */
function findFailedState({ report, outputs }: Release): string {
  const states = report?.path.map(({ state }) => state) ?? [];
  const at = states.findIndex((state) => AFTER_FAILURE.has(state));
  const state = (at < 0 ? states.at(-1) : states[at - 1]) ?? outputs?.["state"] ?? report?.state;
  return toCell(typeof state === "string" && state !== "" ? state : "-", 40);
}
