import { defined, type NamedActor, nameSender } from "@stackyard/core";
import { endFreeze, exceptFromFreeze, fieldOf, startFreeze } from "@stackyard/core/api/operations";
import type { Freeze } from "@stackyard/sdk";
import { Type } from "typebox";
import { type Painter, toAge } from "../output.ts";
import { defineServerCommand } from "../server/connection.ts";
import { printItems } from "./print-list.ts";

const nameArg = {
  name: fieldOf(startFreeze, "name", {
    expected: "lower-case letters, digits and hyphens",
    description: "The freeze's name.",
  }),
};
const reasonArg = fieldOf(startFreeze, "reason", {
  description: "Why: people see it where a release waits. The audit log records it.",
});

/** `stackyard freezes start` */
export const freezesStart = defineServerCommand({
  name: "freezes start",
  summary: "Freeze stacks: releases send no new events to them.",
  description:
    "Holds new events of releases, not what runs already, plans, approvals or an undo. Needs the permission repair for all that it matches: for the machine without a limit of stacks, or for the yard. A stack of which it is not known whether it fits --where counts as frozen.",
  examples: {
    'stackyard freezes start winter --reason "Christmas" --to 2027-01-04T08:00:00+01:00':
      "Freeze all stacks until then.",
    "stackyard freezes start gold --reason audit --machine tenant --where \"metadata.tier == 'gold'\"":
      "Freeze some stacks of a machine, until a person ends it.",
  },
  args: Type.Object({
    ...nameArg,
    reason: reasonArg,
    to: fieldOf(startFreeze, "to", {
      placeholder: "instant",
      description: "When it ends by itself, with an offset: 2027-01-04T08:00:00Z. Default: when a person ends it.",
    }),
    machine: fieldOf(startFreeze, "machine", {
      short: "m",
      completes: "machine",
      description: "Only stacks of this machine.",
    }),
    where: fieldOf(startFreeze, "where", {
      placeholder: "expression",
      description: "Only stacks that fit: CEL over stack and metadata.",
    }),
  }),
  positionals: ["name"],
  async run({ out, yard, signal }, { name, reason, to, machine, where }) {
    const freeze = await yard.freezes.start({ name, reason, ...defined({ to, machine, where }) }, { signal });
    out.result(
      freeze,
      () => `${freeze.name} holds new events of releases to ${formatScope(freeze)} ${formatEnd(freeze)}.`,
    );
    if (machine === undefined) return;
    const machines = await yard.machines.list({ signal });
    if (!machines.some((each) => each.name === machine)) out.note(`You see no machine "${machine}". Check its name.`);
  },
});

/** `stackyard freezes ls` */
export const freezesLs = defineServerCommand({
  name: "freezes ls",
  summary: "List the freezes that have not ended, with the releases that pass.",
  examples: { "stackyard freezes ls --json": "Print one JSON object per freeze." },
  args: Type.Object({}),
  async run({ out, yard, signal }) {
    const freezes = await yard.freezes.list({ signal });
    printItems(freezes, { columns: ["FREEZE", "STACKS", "SINCE", "UNTIL", "BY", "PASS", "REASON"], toRow }, { out });
    if (freezes.length === 0) out.note("Nothing is frozen.");
  },
});

/** `stackyard freezes except` */
export const freezesExcept = defineServerCommand({
  name: "freezes except",
  summary: "Let one release pass a freeze.",
  description:
    "Needs the permission repair for all that the freeze matches. Acts on the freeze that has the name now. The audit log records it.",
  examples: { 'stackyard freezes except winter shop-1.42.1 --reason "outage of checkout"': "Let a hotfix pass." },
  args: Type.Object({
    ...nameArg,
    release: fieldOf(exceptFromFreeze, "release", {
      completes: "stack",
      description: "The release: a stack's id.",
    }),
    reason: reasonArg,
  }),
  positionals: ["name", "release"],
  async run({ out, yard, signal }, { name, release, reason }) {
    const freeze = await yard.freezes.except(name, { release, reason }, { signal });
    out.result(freeze, () => `${release} passes the freeze ${name}.`);
  },
});

/** `stackyard freezes end` */
export const freezesEnd = defineServerCommand({
  name: "freezes end",
  summary: "End a freeze.",
  description:
    "Needs the permission repair for all that the freeze matches. Acts on the freeze that has the name now. The audit log records it.",
  examples: { "stackyard freezes end winter": "Releases continue within a minute." },
  args: Type.Object({ ...nameArg, reason: fieldOf(endFreeze, "reason", { description: "Why, for the audit log." }) }),
  positionals: ["name"],
  async run({ out, yard, signal }, { name, reason }) {
    const freeze = await yard.freezes.end(name, { signal, ...defined({ reason }) });
    out.result(freeze, () => `${freeze.name} has ended. Releases continue within a minute.`);
  },
});

function toRow(freeze: Freeze, out: Painter, now: number, freezes: readonly Freeze[]): readonly string[] {
  const { name, startedAt, to = "ended by hand", except, reason } = freeze;
  const pass = except.map(({ release }) => release).join(", ") || "–";
  const by = nameSender(toStarter(freeze), freezes.map(toStarter)) ?? "–";
  return [out.paint("bold", name), formatScope(freeze), toAge(startedAt, now), to, by, pass, reason];
}

function toStarter({ startedBy: actor, startedById: actorId }: Freeze): NamedActor {
  return { actor, actorId };
}

function formatScope({ machine, where }: Freeze): string {
  const stacks = machine === undefined ? "all stacks" : `stacks of ${machine}`;
  return where === undefined ? stacks : `${stacks} with ${where}`;
}

function formatEnd({ to }: Freeze): string {
  return to === undefined ? "until a person ends it" : `until ${to}`;
}
