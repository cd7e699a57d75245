import { MAX_ATTEMPT_ID, optionalInteger, optionalText } from "@stackyard/core";
import type { TerraformState, UnsavedRun } from "@stackyard/core/api";
import {
  dismissUnsavedRun,
  fieldOf,
  getTerraformState,
  listTerraformStates,
  unlockTerraformState,
} from "@stackyard/core/api/operations";
import { Type } from "typebox";
import { failWith } from "../failure.ts";
import { type Painter, toAge } from "../output.ts";
import { defineServerCommand, type ServerContext } from "../server/connection.ts";
import { printPages } from "./print-list.ts";
import { limitArg } from "./stack-args.ts";

const keyArg = {
  key: fieldOf(getTerraformState, "key", { description: "The key of the state, as `states ls` shows it." }),
};

const listArgs = Type.Object({
  ...limitArg,
  prefix: fieldOf(listTerraformStates, "prefix", { description: "Only keys that start with this." }),
});

/** `stackyard states ls` */
export const statesLs = defineServerCommand({
  name: "states ls",
  summary: "List the Terraform states that the yard stores.",
  examples: {
    "stackyard states ls": "List all states, with their versions and locks.",
    "stackyard states ls --prefix review-app/pr-12/": "List the states of one stack.",
  },
  args: listArgs,
  async run({ out, yard, signal }, { limit, prefix }) {
    const load = (page: { readonly limit: number; readonly cursor?: string }) =>
      yard.states.list({ ...page, ...(prefix && { prefix }), signal });
    const shown = await printPages(load, STATES, { out, limit });
    if (shown === 0) out.note("The yard stores no Terraform states.");
    const { items } = await yard.states.unsaved({ limit: 1, ...(prefix && { prefix }), signal });
    const [run] = items;
    if (run !== undefined)
      out.note(`Some runs have not saved their state: \`stackyard states unsaved\`. ${run.description}`);
  },
});

const STATES = { columns: ["KEY", "VERSION", "RESOURCES", "CHANGED", "LOCK"], toRow };

function toRow({ key, current, versions, lock }: TerraformState, out: Painter, now: number): readonly string[] {
  const newest = versions.find(({ version }) => version === current);
  const holder = lock?.binds ? lock.holder : "–";
  if (newest === undefined) return [out.paint("bold", key), out.paint("red", "missing"), "–", "–", holder];
  const { version, resources, at } = newest;
  return [out.paint("bold", key), String(version), String(resources ?? "–"), toAge(at, now), holder];
}

/** `stackyard states restore` */
export const statesRestore = defineServerCommand({
  name: "states restore",
  summary: "Restore an old version of a Terraform state as its newest one.",
  description:
    "Use it when a state is missing or was overwritten. The earlier versions remain. Refused while the state is locked.",
  examples: {
    "stackyard states restore review-app/pr-12/local/network":
      "Restore a missing state, or the version before the current one.",
    "stackyard states restore review-app/pr-12/local/network --from 7": "Restore version 7.",
  },
  args: Type.Object({
    ...keyArg,
    from: optionalInteger("The version. Default: the newest one that is not current.", { minimum: 1 }),
  }),
  async run({ out, yard, signal }, { key, from }) {
    const { current, versions } = await yard.states.get(key, { signal });
    const version = from ?? versions.find((each) => each.version !== current)?.version;
    if (version === undefined) {
      throw failWith("NOT_FOUND", `"${key}" has no other version.`, {
        hint: "`stackyard states ls` lists the states.",
      });
    }
    const restored = await yard.states.restore(key, version, { signal, seen: current ?? null });
    out.result(restored, () => `Version ${version} is the newest one again, as version ${restored.version}.`);
  },
});

/** `stackyard states unlock` */
export const statesUnlock = defineServerCommand({
  name: "states unlock",
  summary: "Break the lock of a Terraform state.",
  description:
    "Use it only when no Terraform uses the state any more. The lock of a task ends with its lease by itself. The state records who broke the lock.",
  examples: {
    "stackyard states unlock review-app/pr-12/local/network 5ca11c1e-c355": "Break the lock with this id.",
  },
  args: Type.Object({
    ...keyArg,
    id: fieldOf(unlockTerraformState, "id", {
      description: "The id of the lock, as the message of the refused run shows it.",
    }),
  }),
  async run({ out, yard, signal }, { key, id }) {
    const state = await yard.states.unlock(key, id, { signal });
    out.result(state, () => `"${key}" is unlocked.`);
  },
});

/** `stackyard states unsaved` */
export const statesUnsaved = defineServerCommand({
  name: "states unsaved",
  summary: "List runs of Terraform that have not saved their state.",
  description:
    "A run is listed from its beginning until its state is saved, so a run that works now is listed too. What the others have created is in no saved state.",
  examples: {
    "stackyard states unsaved": "List them, and what to do about each.",
    "stackyard states unsaved --prefix review-app/pr-12/ --json": "Print those of one stack, with what they have left.",
  },
  args: listArgs,
  async run({ out, yard, signal }, { limit, prefix }) {
    const load = (page: { readonly limit: number; readonly cursor?: string }) =>
      yard.states.unsaved({ ...page, ...(prefix && { prefix }), signal });
    const shown = await printPages(load, UNSAVED, { out, limit });
    if (shown === 0) out.note("All runs have saved their states.");
  },
});

const UNSAVED = { columns: ["KEY", "RUN", "HOST", "BEGAN", "LEFT", "FILE"], toRow: toUnsavedRow };

function toUnsavedRow({ state, attemptId, host, at, left }: UnsavedRun, out: Painter, now: number): readonly string[] {
  const count = left === undefined ? "not known" : String(left.count);
  return [out.paint("bold", state), attemptId, host, toAge(at, now), count, left?.file ?? "–"];
}

const runArg = {
  run: optionalText("The attempt of the run, where the state has several.", {
    minLength: 1,
    maxLength: MAX_ATTEMPT_ID,
  }),
};

/** Returns the unsaved run of a state. Throws `NOT_FOUND`, and `USAGE` when it is not clear which one. */
async function findUnsaved({ yard, signal }: ServerContext, key: string, attempt: string | undefined) {
  const { unsaved = [] } = await yard.states.get(key, { signal });
  const [run, ...more] = unsaved.filter(({ attemptId }) => attempt === undefined || attemptId === attempt);
  const hint = "`stackyard states unsaved` lists them.";
  if (run === undefined) throw failWith("NOT_FOUND", `"${key}" has no unsaved run.`, { hint });
  if (more.length === 0) return run;
  throw failWith("USAGE", `"${key}" has ${more.length + 1} unsaved runs. Name one with --run.`, { hint });
}

/** `stackyard states push` */
export const statesPush = defineServerCommand({
  name: "states push",
  summary: "Make the state that a run could not save the newest one.",
  description:
    "Until then, and unless you dismiss it, no other run of the state begins. Refused while the state is locked, and when another run has written resources into it since. States in other backends are pushed with Terraform.",
  examples: { "stackyard states push review-app/pr-12/local/network": "Push the unsaved state of the only such run." },
  args: Type.Object({ ...keyArg, ...runArg }),
  async run(context, { key, run: attempt }) {
    const { out, yard, signal } = context;
    const { id } = await findUnsaved(context, key, attempt);
    const pushed = await yard.states.push(key, id, { signal });
    out.result(pushed, () => `The unsaved state is the newest one, as version ${pushed.version}.`);
  },
});

/** `stackyard states dismiss` */
export const statesDismiss = defineServerCommand({
  name: "states dismiss",
  summary: "Give up what a run may have left that is in no saved state.",
  description:
    "Do this when you have removed or imported what it left: afterwards nothing names these resources. Refused while the run works. The audit log records who has done it.",
  examples: {
    "stackyard states dismiss review-app/pr-12/local/network --reason 'removed by hand'": "Give up the only such run.",
  },
  args: Type.Object({ ...keyArg, ...runArg, reason: fieldOf(dismissUnsavedRun, "reason", { description: "Why." }) }),
  async run(context, { key, run: attempt, reason }) {
    const { out, yard, signal } = context;
    const { id } = await findUnsaved(context, key, attempt);
    const dismissed = await yard.states.dismiss(key, id, { signal, ...(reason !== undefined && { reason }) });
    out.result(dismissed, () => `What ${dismissed.attemptId} may have left is given up.`);
  },
});
