import { formatTable } from "@stackyard/sdk/commands";
import type { Release } from "@stackyard/sdk/releases";
import { type Static, Type } from "typebox";
import { toCell } from "../report/to-cell.ts";
import { followRelease } from "./follow-release.ts";
import { openPlace, toPlaceDefaults } from "./open-place.ts";
import { followArgs, placeArgs, releaseArg } from "./release-args.ts";
import type { ReleaseCommandSpec, ReleaseContext } from "./release-command.ts";
import { toReleaseExitCode } from "./release-exit-code.ts";
import { showRelease } from "./show-release.ts";

const WatchArgs = Type.Object({ release: releaseArg, ...placeArgs, giveUpAfter: followArgs.giveUpAfter });

/** `release watch`: waits for the end of a release. */
export const releaseWatch: ReleaseCommandSpec<typeof WatchArgs> = {
  name: "release watch",
  summary: "Follow a release to its end; the exit code is that of the release.",
  args: WatchArgs,
  async run(context, args) {
    const ended = await followRelease(context, await openPlace(context, args), args.release, args);
    showRelease(context, ended);
    return toReleaseExitCode(ended);
  },
};

const ShowArgs = Type.Object({ release: releaseArg, ...placeArgs });

/** `release show`: a release as it stands now. */
export const releaseShow: ReleaseCommandSpec<typeof ShowArgs> = {
  name: "release show",
  summary: "Show a release: how it stands, its services, its path through the states, its errors.",
  args: ShowArgs,
  async run(context, args) {
    const place = await openPlace(context, args);
    showRelease(context, await place.get(args.release));
    return 0;
  },
};

const filterArgs = {
  project: Type.Optional(Type.String({ minLength: 1, placeholder: "name", description: "Only of this project." })),
  config: Type.Optional(Type.String({ minLength: 1, placeholder: "name", description: "Only of this config." })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: "At most so many. Default: 50." })),
};
const ListArgs = Type.Object({ ...filterArgs, ...placeArgs });

/** `release ls`: the newest releases. */
export const releaseLs: ReleaseCommandSpec<typeof ListArgs> = {
  name: "release ls",
  summary: "List releases, the newest first.",
  args: ListArgs,
  run: (context, args) => list(context, args, { failed: false }),
};

/** `release fails`: what has failed lately. */
export const releaseFails: ReleaseCommandSpec<typeof ListArgs> = {
  name: "release fails",
  summary: "List the releases of the last three days that have failed: where, and why.",
  args: ListArgs,
  run: (context, args) => list(context, args, { failed: true }),
};

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
  out.result({ releases }, () => {
    return failed ? toFailTable(releases, out.columns) : toTable(releases, out.columns);
  });
  return 0;
}

/** Lists hold no reports; of failed ones they are wanted, one after the other. */
async function withReports(
  releases: readonly Release[],
  get: (id: string) => Promise<Release>,
): Promise<readonly Release[]> {
  const whole: Release[] = [];
  for (const release of releases) whole.push(release.report === undefined ? await get(release.runId) : release);
  return whole;
}

function toTable(releases: readonly Release[], columns: number | undefined): string {
  if (releases.length === 0) return "There are no releases.";
  const rows = releases.map((release) => {
    const { startedAt, project, config, operation, runId, end, standing } = release;
    const names = [project, config, operation, end ?? standing].map((name) => toCell(name, 60));
    return [startedAt.slice(0, 19), ...names, toCell(runId, 80)];
  });
  return formatTable([["STARTED", "PROJECT", "CONFIG", "WHAT", "STANDS", "RUN"], ...rows], { columns });
}

function toFailTable(releases: readonly Release[], columns: number | undefined): string {
  if (releases.length === 0) return "No release has failed in the last three days.";
  const rows = releases.map((release) => {
    const { startedAt, runId, end = "-", error, report } = release;
    const cause = report?.error?.message ?? error?.message ?? "";
    const name = report?.error?.class ?? error?.code ?? "";
    return [startedAt.slice(0, 19), toCell(runId, 80), findFailedState(release), end, toCell(`${name}: ${cause}`, 200)];
  });
  return formatTable([["STARTED", "RUN", "FAILED IN", "END", "WHY"], ...rows], { columns, keepLast: true });
}

const AFTER_FAILURE: ReadonlySet<string> = new Set([
  "DetachForFailure",
  "WaitDetachForFailure",
  "CleanUpFailure",
  "ReleaseLockFailure",
  "FailureClean",
  "FailureDirty",
]);

/** The state whose error decided: the last one before those that follow a failure. Without a path what else is known. */
function findFailedState({ report, outputs }: Release): string {
  const states = report?.path.map(({ state }) => state) ?? [];
  const at = states.findIndex((state) => AFTER_FAILURE.has(state));
  const state = (at < 0 ? states.at(-1) : states[at - 1]) ?? outputs?.["state"] ?? report?.state;
  return toCell(typeof state === "string" && state !== "" ? state : "-", 40);
}
