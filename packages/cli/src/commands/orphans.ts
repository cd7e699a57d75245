import { formatAccount, isStackyardError, MAX_NAME, optionalText, toShellCommand } from "@stackyard/core";
import type { Orphan, OrphanCheck } from "@stackyard/sdk";
import { Type } from "typebox";

import { failWith } from "../failure.ts";
import { type Painter, toAge } from "../output.ts";
import { defineServerCommand, readAll, type ServerContext } from "../server/connection.ts";
import { sendUnlessRefused } from "./previews.ts";
import { printItems } from "./print-list.ts";
import { limitArg, stackArg } from "./stack-args.ts";

/** `stackyard previews orphans` */
export const previewsOrphans = defineServerCommand({
  name: "previews orphans",
  summary: "List what remains of stacks that are gone: AWS resources and Terraform states.",
  description:
    "Servers with the plugin @stackyard/previews search each hour, and list what remains an hour after its stack. Nothing is deleted. Exits with 1 when an account was not searched.",
  examples: {
    "stackyard previews orphans": "List stacks that are gone, and what remains of them.",
    "stackyard previews orphans --json": "Print each with its ARNs and addresses.",
  },
  args: Type.Object(limitArg),
  async run(context, { limit = Number.POSITIVE_INFINITY }) {
    const { out } = context;
    const { items, check } = await loadOrphans(context, limit);
    printItems(items, ORPHANS, { out });
    if (check === undefined) {
      const hint = "List the plugin @stackyard/previews for the servers, with the option accounts.";
      throw failWith("NOT_CONFIGURED", "The yard has not searched for orphans yet.", { hint });
    }
    const { at, failures } = check;
    const [first] = failures;
    if (first !== undefined) {
      const since = at === undefined ? "No search was complete yet." : `The last complete search was at ${at}.`;
      const { accounts = {} } = await context.yard.info({ signal: context.signal });
      const which = failures
        .map(({ account, region }) => `${formatAccount(accounts, account)} in ${region}`)
        .join(", ");
      throw failWith("OUTCOME_NEGATIVE", `Not searched: ${which}. ${since} ${first.message}`);
    }
    if (items.length === 0) out.note(`Nothing remains of stacks that are gone, as of ${at}.`);
  },
});

async function loadOrphans({ previews, out, signal }: ServerContext, limit: number) {
  const last: { check?: OrphanCheck | undefined } = {};
  const load = async (page: { readonly limit: number; readonly cursor?: string }) => {
    const answer = await previews.orphans({ ...page, signal });
    last.check = answer.check;
    return answer;
  };
  const items = await readAll(load, { out, limit });
  return { items, check: last.check };
}

const ORPHANS = { columns: ["STACK", "MACHINE", "FOUND", "RESOURCES", "SUCH AS"], toRow };

function toRow(orphan: Orphan, out: Painter, now: number): readonly string[] {
  const { stackId, machine, since, count, resources } = orphan;
  return [out.paint("bold", stackId), machine, toAge(since, now), String(count), resources[0]?.name ?? "–"];
}

const DEFAULT_EVENT = "CLOSED";

/** Throws if the stack exists again. The search is up to an hour old: the event must not close a new preview. */
async function checkGone({ yard, signal }: ServerContext, stackId: string): Promise<void> {
  const stack = await yard.stacks.get(stackId, { signal }).catch((error: unknown) => {
    if (isStackyardError(error, "STACK_UNKNOWN")) return undefined;
    throw error;
  });
  if (stack === undefined) return;
  const hint = `\`${toShellCommand`stackyard stacks show ${stackId}`}\` shows it.`;
  throw failWith("OUTCOME_NEGATIVE", `The stack "${stackId}" exists again. Nothing was sent.`, { hint });
}

/** `stackyard previews reclaim` */
export const previewsReclaim = defineServerCommand({
  name: "previews reclaim",
  summary: "Create a removed stack again with its closing event, to remove its remaining resources.",
  description:
    "Sends the event of the pull request's rule for `down`, or CLOSED, to the machine of the orphan. Its state INIT must handle the event, such as `INIT: { on: { CLOSED: CLEAN-UP } }`. Nothing is sent if it would not be applied.",
  examples: {
    "stackyard previews reclaim shop-pr-7": "Remove what remains of shop-pr-7 by its machine.",
    "stackyard previews reclaim shop-pr-7 --event REMOVE": "Use another event.",
  },
  args: Type.Object({
    ...stackArg,
    event: optionalText("The closing event.", { minLength: 1, maxLength: MAX_NAME }),
  }),
  async run(context, { stack: stackId, event: given }) {
    const { items } = await loadOrphans(context, Number.POSITIVE_INFINITY);
    const found = items.filter((item) => item.stackId === stackId);
    const [orphan] = found;
    if (orphan === undefined) {
      const hint = "`stackyard previews orphans` lists them. A stack is listed an hour after it was found to be gone.";
      throw failWith("NOT_FOUND", `"${stackId}" is not an orphan.`, { hint });
    }
    await checkGone(context, stackId);
    const { machine, down } = orphan;
    if (machine === "" || found.length > 1) {
      const hint = `Send the closing event yourself: ${toShellCommand`stackyard send ${stackId} EVENT --machine NAME`}`;
      throw failWith("USAGE", `It is not clear of which machine "${stackId}" was.`, { hint });
    }
    const isRule = down !== undefined && (given === undefined || given === down.event);
    const event = given ?? down?.event ?? DEFAULT_EVENT;
    const metadata = isRule ? down.metadata : {};
    const hint = `INIT of the machine ${machine} must handle ${event}: add \`INIT: { on: { ${event}: CLEAN-UP } }\`, or pass another event with --event.`;
    return sendUnlessRefused(context, { stackId, machine, event, metadata }, hint);
  },
});
