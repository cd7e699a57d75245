import { optionalInteger, optionalText } from "@stackyard/core";
import type { TerraformState } from "@stackyard/core/api";
import { Type } from "typebox";

import { failWith } from "../failure.ts";
import { type Painter, toAge } from "../output.ts";
import { defineServerCommand } from "../server/connection.ts";
import { printPages } from "./print-list.ts";
import { limitArg } from "./stack-args.ts";

const keyArg = {
  key: Type.String({ minLength: 1, maxLength: 1_500, description: "The key of the state, as `states ls` shows it." }),
};

/** `stackyard states ls` */
export const statesLs = defineServerCommand({
  name: "states ls",
  summary: "List the Terraform states that the yard stores.",
  examples: {
    "stackyard states ls": "List all states, with their versions and locks.",
    "stackyard states ls --prefix review-app/pr-12/": "List the states of one stack.",
  },
  args: Type.Object({
    ...limitArg,
    prefix: optionalText("Only keys that start with this.", { minLength: 1, maxLength: 255 }),
  }),
  async run({ out, yard, signal }, { limit, prefix }) {
    const load = (page: { readonly limit: number; readonly cursor?: string }) =>
      yard.states.list({ ...page, ...(prefix && { prefix }), signal });
    const shown = await printPages(load, STATES, { out, limit });
    if (shown === 0) out.note("The yard stores no Terraform states.");
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
    const restored = await yard.states.restore(key, version, { signal });
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
    id: Type.String({
      minLength: 1,
      maxLength: 255,
      description: "The id of the lock, as the message of the refused run shows it.",
    }),
  }),
  async run({ out, yard, signal }, { key, id }) {
    const state = await yard.states.unlock(key, id, { signal });
    out.result(state, () => `"${key}" is unlocked.`);
  },
});
