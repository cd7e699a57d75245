import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import {
  defineCommand,
  isMap,
  type MachineSource,
  optionalText,
  type PluginCommandContext,
  parseJson,
  StackyardError,
} from "@stackyard/core";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { type Hook, type HookPull, type ParsedDelivery, RERUN } from "../delivery/hook.ts";
import { GitHubPull, parseGitHubDelivery, toPull } from "../github/parse-delivery.ts";
import { GitLabPull, parseGitLabDelivery, toHookPull } from "../gitlab/parse-delivery.ts";
import { type AppliedPull, applyPull, applyRules, findMapping, type MappedEvent, withTrust } from "./apply-mapping.ts";
import { checkMapping, formatFaults } from "./load-mappings.ts";
import type { Mapping } from "./mapping.ts";

/** The result of a delivery, as `hooks test --json` prints it. */
type Tested =
  | { readonly kind: "events"; readonly events: readonly MappedEvent[] }
  | { readonly kind: "nothing"; readonly reason: string }
  | { readonly kind: "failed"; readonly code: string; readonly reason: string };

/** `stackyard hooks test`: prints a mapping document's events for a delivery. Sends nothing. */
export const hooksTest = defineCommand({
  name: "hooks test",
  summary: "Print the events that a mapping document makes of a delivery. Sends nothing.",
  description: [
    "Checks the document, also against the machine of the project, and reports each fault with its line.",
    "A pull request is decided on as if no stack existed; with --opened as if its stack had been opened for that head.",
    "Exits with 0, also when the delivery leads to no event; with 3 when the document has errors, and with 65 when an expression fails for this delivery.",
  ].join("\n"),
  examples: {
    "stackyard hooks test hooks/shop.yaml opened.json": "A pull request that was opened.",
    "stackyard hooks test hooks/shop.yaml comment.json --event issue_comment --pull pull.json":
      "A command in a comment.",
  },
  args: Type.Object({
    document: Type.String({ minLength: 1, description: "A mapping document, such as hooks/shop.yaml." }),
    payload: Type.String({ minLength: 1, description: "The body of a delivery, as JSON." }),
    event: optionalText("The header X-GitHub-Event. Default: pull_request.", { minLength: 1, default: "pull_request" }),
    pull: optionalText("For a comment: the pull request, as GET /repos/OWNER/NAME/pulls/N returns it.", {
      minLength: 1,
    }),
    opened: optionalText("The head for which the stack was opened before.", { minLength: 1 }),
  }),
  async run(context: PluginCommandContext, { document, payload, event = "pull_request", pull, opened }) {
    const mapping = await loadMapping(context, document);
    if (mapping.commit === undefined && Object.keys(mapping.pull).length > 0) context.out.note(NO_KEY);
    const parsed = parseDelivery(event, await readJson(context, payload));
    const looked = pull === undefined ? undefined : await readPull(context, pull);
    const tested = test(mapping, withPull(parsed, looked), opened);
    context.out.result(tested, () => format(tested));
    return tested.kind === "failed" ? 65 : 0;
  },
});

const NO_KEY = 'The document names no commit key, so its pull requests have no checks. Add "commit: KEY".';

/** Parses a delivery. Bodies of GitLab contain their own event. */
function parseDelivery(event: string, body: unknown): ParsedDelivery {
  const isGitLab = isMap(body) && "object_kind" in body;
  return isGitLab ? parseGitLabDelivery(body) : parseGitHubDelivery(event, body);
}

async function read({ cwd }: PluginCommandContext, file: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), "utf8");
  } catch (cause) {
    throw new StackyardError("USAGE", `"${file}" cannot be read.`, { cause });
  }
}

async function readJson(context: PluginCommandContext, file: string): Promise<unknown> {
  const value = parseJson(await read(context, file));
  if (value === undefined) throw new StackyardError("USAGE", `"${file}" is not JSON.`);
  return value;
}

async function readPull(context: PluginCommandContext, file: string): Promise<HookPull> {
  const value = await readJson(context, file);
  if (Check(GitHubPull, value)) return toPull(value);
  if (Check(GitLabPull, value)) return toHookPull(value);
  throw new StackyardError(
    "USAGE",
    `"${file}" is not a pull request of GitHub's API, nor a merge request of GitLab's.`,
  );
}

/** Adds the pull request to a delivery about a comment, which has only its number. */
function withPull(parsed: ParsedDelivery, pull: HookPull | undefined): ParsedDelivery {
  if (parsed.kind === "rerun") return withPullOfCommit(parsed, pull);
  if (parsed.kind !== "comment") return parsed;
  if (pull?.number === parsed.pullNumber) return { kind: "hook", hook: { ...parsed.hook, pull } };
  const { pullNumber } = parsed;
  if (pull !== undefined) {
    return {
      kind: "ignored",
      reason: `The delivery is about the pull request ${pullNumber}, and --pull has ${pull.number}.`,
    };
  }
  const reason = `The delivery has only the number ${pullNumber} of the pull request. Pass the request with --pull.`;
  return { kind: "ignored", reason };
}

function withPullOfCommit(
  { hook, head }: Extract<ParsedDelivery, { kind: "rerun" }>,
  pull: HookPull | undefined,
): ParsedDelivery {
  if (pull?.head === head) return { kind: "hook", hook: { ...hook, pull } };
  const reason = `The delivery has only the commit ${head}. Pass a pull request that has this head with --pull.`;
  return { kind: "ignored", reason };
}

async function loadMapping(context: PluginCommandContext, file: string): Promise<Mapping> {
  const source = await read(context, file);
  const name = basename(file).replace(/\.[^.]*$/, "");
  const { mapping, problems } = await checkMapping(source, name, context.machines ?? NOT_COMPARED);
  if (mapping !== undefined) return mapping;
  const list = formatFaults({ file, problems }).map((fault) => `\n  ${fault}`);
  throw new StackyardError("CONFIG_INVALID", `The mapping document has errors:${list.join("")}`, {
    details: { problems },
  });
}

const NOT_COMPARED: MachineSource = { find: async () => ({ kind: "invalid" }) };

function test(mapping: Mapping, parsed: ParsedDelivery, opened: string | undefined): Tested {
  if (parsed.kind === "ignored") return { kind: "nothing", reason: parsed.reason };
  // The sender's permission at the host is unknown here.
  const hook: Hook = { ...parsed.hook, sender: { ...parsed.hook.sender, permission: "admin" } };
  const found = findMapping([mapping], mapping.host, { hook: withTrust(hook) });
  if (found?.kind === "failed") return found;
  const rules = found && applyRules(found.match, withTrust(hook));
  if (rules?.kind === "failed") return rules;
  const pull = testPull(mapping, hook, opened);
  if (pull?.kind === "failed") return pull;
  const events = [...(pull?.kind === "send" ? [pull.event] : []), ...(rules?.events ?? [])];
  if (events.length > 0) return { kind: "events", events };
  return { kind: "nothing", reason: found === undefined ? "The document is not for this delivery." : toReason(pull) };
}

function testPull(mapping: Mapping, hook: Hook, opened: string | undefined): AppliedPull | undefined {
  const { pull } = hook;
  if (pull === undefined || hook.kind !== "pull") return undefined;
  const input = { host: mapping.host, hook: { ...hook, pull } };
  if (opened === undefined) return applyPull([mapping], input, { hasStack: false, isAsked: false });
  const before = { ...input, hook: { ...input.hook, pull: { ...pull, head: opened, state: "open" as const } } };
  const first = applyPull([mapping], before, { hasStack: false, isAsked: false });
  if (first.kind !== "send") return first;
  const isRerun = hook.action === RERUN;
  return applyPull([mapping], input, { record: first.record, hasStack: true, isAsked: false, isRerun });
}

function toReason(pull: AppliedPull | undefined): string {
  if (pull?.kind === "waits-for-trust") return "The head of this fork waits for /preview trust.";
  return pull === undefined ? "No rule is for this kind and action." : "The stack needs no event.";
}

function format(tested: Tested): string {
  if (tested.kind === "failed") return `${tested.code}: ${tested.reason}`;
  if (tested.kind === "nothing") return `No event. ${tested.reason}`;
  return tested.events
    .map(({ rule, event, stackId, machine, metadata }) =>
      [`${event}  to ${stackId} of ${machine}, by the rule ${rule}`, ...toLines(metadata)].join("\n"),
    )
    .join("\n");
}

function toLines(metadata: MappedEvent["metadata"]): readonly string[] {
  return Object.entries(metadata).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`);
}
