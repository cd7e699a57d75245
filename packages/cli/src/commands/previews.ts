import { defined, optionalInteger, toShellCommand } from "@stackyard/core";
import { fieldOf, listPreviews } from "@stackyard/core/api/operations";
import { parseDuration } from "@stackyard/core/machine";
import type { NewEvent, StackPreview } from "@stackyard/sdk";
import { formatTable } from "@stackyard/sdk/commands";
import { Type } from "typebox";

import { failWith } from "../failure.ts";
import { type Output, type Painter, toAge } from "../output.ts";
import { defineServerCommand, type LoadPage, type ServerContext } from "../server/connection.ts";
import { serverNow } from "../server/server-clock.ts";
import { printPages } from "./print-list.ts";
import { reportAccepted, toLookMs } from "./send.ts";
import { limitArg, stackArg, stackFilterArgs } from "./stack-args.ts";
import { formatStack, formatState } from "./stacks.ts";

/** `stackyard previews ls` */
export const previewsLs = defineServerCommand({
  name: "previews ls",
  summary: "List stacks of pull requests: why they wait, what they cost, when they expire.",
  examples: {
    "stackyard previews ls --repository acme/shop": "List the previews of a repository.",
    "stackyard previews ls --condition waiting": "List only those that need attention.",
  },
  args: Type.Object({
    repository: fieldOf(listPreviews, "repository", {
      description: "Only this repository.",
      placeholder: "owner/name",
    }),
    number: optionalInteger("Only the pull request with this number.", { minimum: 1 }),
    owner: fieldOf(listPreviews, "owner", { description: "Only pull requests of this author." }),
    machine: stackFilterArgs.machine,
    state: stackFilterArgs.state,
    text: stackFilterArgs.text,
    condition: stackFilterArgs.condition,
    ...limitArg,
  }),
  async run({ out, previews, signal }, { limit, ...filter }) {
    const load: LoadPage<StackPreview> = (page) => previews.list({ ...defined(filter), ...page, signal });
    const shown = await printPages(load, PREVIEWS, { out, limit });
    if (shown === 0) out.note("No stacks of pull requests found.");
  },
});

const PREVIEWS = {
  columns: ["STACK", "PULL REQUEST", "STATE", "FOR", "USD/MONTH", "EXPIRES", "OWNER", "DRIFT", "WHY"],
  toRow,
};

function toRow(preview: StackPreview, out: Painter, now: number): readonly string[] {
  const { stackId, pull, state, enteredAt, expiresAt = "–", drifted, waiting, fault } = preview;
  return [
    out.paint("bold", stackId),
    `${pull.repository.fullName}#${pull.number}`,
    state === undefined ? "–" : formatState({ ...preview, state }, out),
    enteredAt === undefined ? "–" : toAge(enteredAt, now),
    formatCost(preview),
    expiresAt,
    pull.owner,
    drifted === true ? out.paint("yellow", "drifted") : "–",
    fault?.reason ?? waiting?.summary ?? "",
  ];
}

function formatCost({ monthlyCost, costActual }: StackPreview): string {
  if (monthlyCost === undefined && costActual === undefined) return "–";
  const parts = [monthlyCost?.toFixed(2), costActual === undefined ? undefined : `actual ${costActual.toFixed(2)}`];
  return parts.filter((part) => part !== undefined).join(", ");
}

/** `stackyard previews show` */
export const previewsShow = defineServerCommand({
  name: "previews show",
  summary: "Show the pull request of a stack, and the stack.",
  examples: { "stackyard previews show shop-pr-7": "Show whose stack it is and why it waits." },
  args: Type.Object(stackArg),
  async run({ out, previews, yard, signal }, { stack: id }) {
    const preview = await previews.get(id, { signal });
    const stack = await yard.stacks.get(id, { signal });
    out.result({ ...preview, stack }, () =>
      [formatFacts(preview, out), "", formatStack(stack, out, serverNow())].join("\n"),
    );
  },
});

function formatFacts(preview: StackPreview, out: Output): string {
  const { pull, url, expiresAt, drifted, commands, fault } = preview;
  const { repository, number, title, head, owner } = pull;
  const facts = [
    ["pull request", [`${repository.fullName}#${number}`, title].filter((part) => part !== undefined).join(" ")],
    [fault?.kind, fault && `since ${fault.since}: ${fault.reason}`],
    ["link", pull.url],
    ["head", head],
    ["owner", owner],
    ["url", url],
    ["USD/month", formatCost(preview)],
    ["expires", expiresAt],
    ["drift", drifted === undefined ? undefined : String(drifted)],
    ["commands", Object.keys(commands).join(", ") || "–"],
  ];
  const rows = facts.flatMap(([name = "", value]) => (value === undefined ? [] : [[out.paint("dim", name), value]]));
  return formatTable(rows, { columns: out.columns, keepLast: true });
}

type Word = keyof StackPreview["commands"];

const ANSWER =
  "Sends the event that the same command in a comment of the pull request sends, by the rule of the mapping document. Nothing is sent if the stack would not apply it now.";

/** `stackyard previews extend` */
export const previewsExtend = defineServerCommand({
  name: "previews extend",
  summary: "Let a preview live longer.",
  description: ANSWER,
  examples: { "stackyard previews extend shop-pr-7 2d": "Give it two more days." },
  args: Type.Object({
    ...stackArg,
    duration: Type.String({ minLength: 1, maxLength: 32, description: "How long, such as 2d or 12h." }),
  }),
  async run(context, { stack, duration }) {
    const ms = parseDuration(duration);
    if (ms === undefined) throw failWith("USAGE", `"${duration}" is not a duration. Write one such as 2d or 12h.`);
    return command(context, stack, { word: "extend", seconds: Math.round(ms / 1_000) });
  },
});

/** `stackyard previews sleep` */
export const previewsSleep = createWordCommand("sleep", "Put a preview to sleep: it keeps its data, and costs less.");
/** `stackyard previews wake` */
export const previewsWake = createWordCommand("wake", "Wake a preview that sleeps.");
/** `stackyard previews down` */
export const previewsDown = createWordCommand(
  "down",
  "End a preview. It returns with the next commit, or by `/preview up` in the pull request.",
);

function createWordCommand(word: Word, summary: string) {
  return defineServerCommand({
    name: `previews ${word}`,
    summary,
    description: ANSWER,
    examples: { [toShellCommand`stackyard previews ${word} shop-pr-7`]: summary },
    args: Type.Object(stackArg),
    run: (context, { stack }) => command(context, stack, { word }),
  });
}

/** Sends the event of a command; `seconds`: how long, of `extend`. Throws `NOT_CONFIGURED` without a rule, and the stack's rejection. */
async function command(
  context: ServerContext,
  stackId: string,
  { word, seconds }: { readonly word: Word; readonly seconds?: number },
): Promise<number> {
  const { previews, signal } = context;
  const { commands, machine } = await previews.get(stackId, { signal });
  const rule = commands[word];
  if (rule === undefined) {
    const hint = `Add a rule with \`on: command.${word}\` whose metadata needs no more than \`hook.args.duration\`, or use \`stackyard send\`.`;
    throw failWith("NOT_CONFIGURED", `The mapping document of "${stackId}" has no rule for ${word}.`, { hint });
  }
  const { event, duration } = rule;
  const added = duration === undefined || seconds === undefined ? {} : { [duration]: seconds };
  const metadata = { ...rule.metadata, ...added };
  const hint = `\`${toShellCommand`stackyard machines show ${machine}`}\` lists what its states handle.`;
  return sendUnlessRefused(context, { stackId, event, metadata }, hint);
}

/** Sends an event if the stack would apply it now. Throws the stack's rejection with the hint. */
export async function sendUnlessRefused(context: ServerContext, sent: NewEvent, hint: string): Promise<number> {
  const { yard, signal } = context;
  const { stackId, event } = sent;
  const preview = await yard.stacks.preview(stackId, sent, { signal });
  if (preview.outcome === "refused") {
    const why = `${preview.code ?? "EVENT_NOT_HANDLED"}: ${preview.reason ?? "The stack refuses it."}`;
    throw failWith("OUTCOME_NEGATIVE", `"${stackId}" does not take ${event} now. Nothing was sent. ${why}`, { hint });
  }
  const published = await yard.publish(sent, { signal, awaitsMs: toLookMs(context) });
  return reportAccepted(context, published, sent);
}
