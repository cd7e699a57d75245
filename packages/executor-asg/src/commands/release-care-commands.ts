import { StackyardError } from "@stackyard/core";
import type { ProjectConfig } from "@stackyard/sdk/releases";
import { Type } from "typebox";
import type { CareAnswer } from "../place/release-place.ts";
import { toCell } from "../report/to-cell.ts";
import { followRelease } from "./follow-release.ts";
import { openPlace, type PlaceWords, toActor, toPlaceDefaults } from "./open-place.ts";
import { followArgs, placeArgs, projectArgs, reasonArg } from "./release-args.ts";
import type { ReleaseCommandSpec, ReleaseContext } from "./release-command.ts";
import { toReleaseExitCode } from "./release-exit-code.ts";
import { showRelease } from "./show-release.ts";

const RollbackArgs = Type.Object({
  ...projectArgs,
  from: Type.Optional(
    Type.String({ minLength: 1, placeholder: "release", description: "Only if this release is the one that runs." }),
  ),
  reason: Type.Optional(reasonArg),
  ...placeArgs,
  ...followArgs,
});

/** `release rollback`: one step back. */
export const releaseRollback: ReleaseCommandSpec<typeof RollbackArgs> = {
  name: "release rollback",
  summary: "Go back to the release before: its groups where they are kept, else its document deployed again.",
  examples: [{ command: "stackyard release rollback acme/shop production", what: "In AWS_ACCOUNT_ID and AWS_REGION" }],
  args: RollbackArgs,
  async run(context, args) {
    const { out } = context;
    const place = await openPlace(context, args);
    const { from, reason } = args;
    const order = { ...(from && { releaseId: from }), ...(reason && { reason }) };
    const begun = await place.rollback({ at: toProjectConfig(context, args), ...order });
    if (args.detach === true) {
      out.result({ release: begun }, () => begun.runId);
      return 0;
    }
    out.note(`Rolling back, ${toCell(begun.runId)} of ${place.name}`);
    const ended = await followRelease(context, place, begun.runId, args);
    showRelease(context, ended);
    return toReleaseExitCode(ended);
  },
};

const RepairArgs = Type.Object({
  ...projectArgs,
  remove: Type.Optional(Type.Boolean({ description: "Remove what was found. Default: only list it." })),
  force: Type.Optional(
    Type.Boolean({
      description: "With --remove: also the lock of the release. Only when it is certain that it is dead.",
    }),
  ),
  keep: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description: "Id of the release that stays, where groups of several stand and the list asks which.",
    }),
  ),
  reason: Type.Optional(reasonArg),
  ...placeArgs,
});

/** `release repair`: what releases have left behind. */
export const releaseRepair: ReleaseCommandSpec<typeof RepairArgs> = {
  name: "release repair",
  summary: "List what releases of a project-config have left behind and nobody owns; with --remove, remove it.",
  description:
    "Groups, launch templates and configurations, alarms and placement groups, each with why it is a left-over.",
  examples: [
    { command: "stackyard release repair acme/shop production", what: "List" },
    { command: "stackyard release repair acme/shop production --remove", what: "Remove what the list has shown" },
  ],
  args: RepairArgs,
  async run(context, { remove = false, force = false, keep, reason, ...args }) {
    const place = await openPlace(context, args);
    const at = toProjectConfig(context, args);
    const order = { ...(force && { force }), ...(keep && { keep }), ...(reason && { reason }) };
    return tell(context, await place.repair({ at, remove, ...order }));
  },
};

const LockArgs = Type.Object({ ...projectArgs, reason: reasonArg, ...placeArgs });

/** `release lock`: nobody deploys until it is taken away. */
export const releaseLock: ReleaseCommandSpec<typeof LockArgs> = {
  name: "release lock",
  summary: "Let nobody deploy to a project-config; a release that runs goes on. Exit code 1: it is locked already.",
  examples: [
    { command: "stackyard release lock acme/shop production sale", what: "The reason is told to whoever deploys" },
  ],
  args: LockArgs,
  async run(context, { reason, ...args }) {
    const place = await openPlace(context, args);
    return tell(context, await place.lock({ at: toProjectConfig(context, args), reason, by: toActor(context) }));
  },
};

const UnlockArgs = Type.Object({
  ...projectArgs,
  root: Type.Optional(
    Type.Boolean({ description: "Also the lock of a release. Only when it is certain that the release is dead." }),
  ),
  ...placeArgs,
});

/** `release unlock`: takes a person's lock away. */
export const releaseUnlock: ReleaseCommandSpec<typeof UnlockArgs> = {
  name: "release unlock",
  summary: "Take away the lock that a person has put on a project-config.",
  args: UnlockArgs,
  async run(context, { root = false, ...args }) {
    const place = await openPlace(context, args);
    return tell(context, await place.unlock({ at: toProjectConfig(context, args), root, by: toActor(context) }));
  },
};

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
  const ways = "Give --account and --region, or set AWS_ACCOUNT_ID and AWS_REGION.";
  throw new StackyardError("USAGE", `Which account and region? ${ways}`);
}
