import {
  defined,
  formatNames,
  isStackyardError,
  MAX_NAME,
  optionalFlag,
  optionalText,
  type StackyardError,
  toStatePrefix,
} from "@stackyard/core";
import type { MachineDetails } from "@stackyard/core/api";
import { fieldOf, getStack } from "@stackyard/core/api/operations";
import { followEvent, type Metadata, parseMetadata, parseTimeout } from "@stackyard/sdk/send";
import { type Static, Type } from "typebox";
import { assignStates, type PlannedState, parseGiven, refusal } from "../adopt/planned-states.ts";
import {
  compareStates,
  findChange,
  findForeignProviders,
  findShared,
  type ParsedState,
  parseState,
  type StateFacts,
} from "../adopt/state-document.ts";
import { openSource, STACK_MARK } from "../adopt/state-source.ts";
import { failWith } from "../failure.ts";
import { defineServerCommand, type ServerContext } from "../server/connection.ts";
import { metadataArg } from "./stack-args.ts";

const stackId = fieldOf(getStack, "stackId", { completes: "stack" });

const Args = Type.Object({
  stacks: Type.Array(stackId, { minItems: 1, description: "The ids of the stacks, such as shop." }),
  from: Type.Array(Type.String({ minLength: 1 }), {
    minItems: 1,
    placeholder: "address",
    description: `Where the states are: s3://bucket/key, https://… of an HTTP backend, or a path. ${STACK_MARK} is replaced by the stack's id. For several configurations: once for each, as TASK=address, with a task that plans it.`,
  }),
  machine: Type.String({ short: "m", minLength: 1, completes: "machine", description: "The machine of the stacks." }),
  event: optionalText("The event that creates a stack and plans it. Default: ADOPTED.", {
    minLength: 1,
    maxLength: MAX_NAME,
  }),
  until: optionalText("The state that a stack enters when nothing would change. Default: LIVE.", {
    minLength: 1,
    completes: "state",
  }),
  metadata: metadataArg("Metadata of each stack:"),
  registry: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
      placeholder: "host",
      description:
        "A registry whose providers the plan may start, besides those of Terraform and OpenTofu. May be repeated.",
    }),
  ),
  dryRun: optionalFlag("Check everything, and change nothing."),
  timeout: optionalText("How long to wait for each plan. Default: 10m.", { placeholder: "duration" }),
});
type Args = Static<typeof Args>;

/** `stackyard adopt` */
export const adopt = defineServerCommand({
  name: "adopt",
  summary: "Take over environments that Terraform has made, and see that nothing would change.",
  description: [
    "Reads each state where it is, stores a copy in the yard, opens the stack and waits until its plan has no changes. The old states stay as they are.",
    "A stack that is in that state already stays as it is. First checks all others, and changes nothing when one of them is refused: a state that is missing, locked, invalid, without resources or of several stacks, a key under which the yard has another state, a provider of another registry, an event that the stack would refuse, and a machine whose first state does more than plan.",
    "Reads each state again before it is copied and after the plan, and reports one that something else has changed meanwhile.",
    "S3 is read with the credentials, region and endpoint of the AWS SDK, an HTTP backend with TF_HTTP_USERNAME and TF_HTTP_PASSWORD.",
    "Exits with 1 when a stack is refused, with 2 when a plan has changes or fails or the old state was changed meanwhile or can no longer be read, and with 4 after the timeout.",
  ].join("\n"),
  examples: {
    "stackyard adopt shop blog --machine app --from 's3://acme-states/envs/{stack}.tfstate' --dry-run":
      "Check two environments.",
    "stackyard adopt shop --machine app --from old/shop.tfstate --metadata size=large":
      "Take over an environment with its values.",
    "stackyard adopt shop --machine app --from plan-net='old/{stack}-net.tfstate' --from plan-app='old/{stack}-app.tfstate'":
      "Take over an environment of two configurations.",
  },
  args: Args,
  positionals: ["stacks"],
  async run(context, args) {
    const metadata = parseMetadata(args.metadata ?? []);
    const timeoutMs = parseTimeout(args.timeout ?? "10m", "--timeout");
    if (args.stacks.length > 1 && !args.from.every((from) => from.includes(STACK_MARK)))
      throw failWith("USAGE", `Several stacks need ${STACK_MARK} in each --from.`, {
        hint: "One state belongs to one stack.",
      });
    const checked = await checkAll(context, args, metadata);
    if (checked === undefined) return 1;
    if (args.dryRun === true) return reportDryRun(context, checked);
    let exitCode = 0;
    for (const each of checked)
      exitCode = Math.max(exitCode, await takeOver(context, each, { args, metadata, timeoutMs }));
    return exitCode;
  },
});

/** An old state that can be copied. */
interface CheckedState extends PlannedState {
  readonly state: ParsedState & { readonly kind: "state" };
  /** False when the yard has this very state. */
  readonly isNew: boolean;
}

/** A stack that can be taken over. */
interface Checked {
  readonly stack: string;
  /** One for each configuration. */
  readonly states: readonly CheckedState[];
  /** The state that the stack would enter. */
  readonly to: string | undefined;
}

/** Checks all stacks, and reports those that are refused. Returns undefined if there are some. */
async function checkAll(
  context: ServerContext,
  args: Args,
  metadata: Metadata,
): Promise<readonly Checked[] | undefined> {
  const { yard, signal, out } = context;
  const machine = await yard.machines.get(args.machine, { signal });
  const checked: Checked[] = [];
  const until = args.until ?? "LIVE";
  const refused = new Map<string, string>();
  for (const stack of args.stacks) {
    const result = await check(context, { stack, args, metadata, machine }).catch((error: unknown) => toRefusal(error));
    if (result === "unchanged")
      out.result({ stack, outcome: result, state: until }, () => `${stack} is in ${until} already.`);
    else if ("reason" in result) refused.set(stack, result.reason);
    else checked.push(result);
  }
  const all = checked.flatMap(({ stack, states }) =>
    states.map(({ state }) => ({ stack, lineage: state.facts.lineage })),
  );
  for (const [lineage, stacks] of findShared(all))
    for (const stack of stacks) refused.set(stack, formatShared(lineage, [...new Set(stacks)]));
  for (const [stack, reason] of refused) reportRefused(context, stack, reason);
  if (refused.size === 0) return checked;
  out.note("Nothing was changed.");
  return undefined;
}

function formatShared(lineage: string, stacks: readonly string[]): string {
  return stacks.length === 1
    ? `Two configurations have one state (lineage ${lineage}): each would destroy the other's resources.`
    : `${stacks.join(" and ")} have one state (lineage ${lineage}): each would destroy the other's resources.`;
}

/** Returns the state of a stack that exists. */
async function findState({ yard, signal }: ServerContext, stack: string): Promise<string | undefined> {
  const found = await yard.stacks.get(stack, { signal }).catch((error: unknown) => {
    if (isStackyardError(error, "STACK_UNKNOWN")) return undefined;
    throw error;
  });
  return found?.state;
}

/** Returns why a stack is refused. Throws other errors, such as an unreachable server. */
function toRefusal(error: unknown): { readonly reason: string } {
  if (!isStackyardError(error) || !["NOT_FOUND", "OUTCOME_NEGATIVE", "STACK_UNKNOWN"].includes(error.code)) throw error;
  return { reason: toReason(error) };
}

function toReason({ message, details: { hint } }: StackyardError): string {
  return typeof hint === "string" ? `${message} ${hint}` : message;
}

interface CheckInput {
  readonly stack: string;
  readonly args: Args;
  readonly metadata: Metadata;
  readonly machine: MachineDetails;
}

async function check(
  context: ServerContext,
  { stack, args, metadata, machine }: CheckInput,
): Promise<Checked | "unchanged"> {
  const { yard, signal } = context;
  const given = parseGiven(machine, args.from, stack);
  const read = new Map<string, CheckedState["state"]>();
  for (const { from } of given) {
    const state = await readState(context, from);
    checkProviders(from, state.facts, args);
    read.set(from, state);
  }
  if ((await findState(context, stack)) === (args.until ?? "LIVE")) {
    for (const { facts } of read.values()) await checkOwn(context, { stack, machine: machine.name, facts });
    return "unchanged";
  }
  const event = { ...toEvent(args, metadata), machine: machine.name };
  const preview = await yard.stacks.preview(stack, event, { signal });
  if (preview.outcome !== "applied")
    throw refusal(`${event.event} would be ${preview.outcome}: ${preview.reason ?? preview.code}`);
  const states: CheckedState[] = [];
  for (const planned of assignStates({ stack, machine, to: preview.to, given })) {
    const state = read.get(planned.from);
    if (state !== undefined) states.push(await compareKept(context, planned, state));
  }
  return { stack, states, to: preview.to };
}

async function compareKept(
  context: ServerContext,
  planned: PlannedState,
  state: CheckedState["state"],
): Promise<CheckedState> {
  const compared = await compareStates(state, await loadKept(context, planned.key));
  if (compared.kind === "refused") throw refusal(compared.reason);
  return { ...planned, state, isNew: compared.kind === "new" };
}

/** Refuses a state whose plan would load and start a program that another person may have named. */
function checkProviders(from: string, { providers }: StateFacts, { registry = [] }: Args): void {
  const foreign = findForeignProviders(providers, registry);
  if (foreign.length === 0) return;
  throw refusal(
    `${from} needs providers of other registries than those of Terraform and OpenTofu: ${formatNames(foreign)}. A provider is a program that the plan starts. If they are yours, allow their registries with --registry.`,
  );
}

/** Refuses a stack that has been taken over with another state, or made in another way. */
async function checkOwn(
  context: ServerContext,
  { stack, machine, facts }: { readonly stack: string; readonly machine: string; readonly facts: StateFacts },
): Promise<void> {
  const { lineage, serial } = facts;
  const { yard, signal } = context;
  const { items } = await yard.states.list({ prefix: toStatePrefix({ machine, stackId: stack }), signal });
  for (const { key } of items) {
    const kept = await parseState(Buffer.from((await loadKept(context, key)) ?? ""));
    if (kept.kind !== "state" || kept.facts.lineage !== lineage) continue;
    if (kept.facts.serial >= serial) return;
    throw refusal(
      `The yard has an older state of this environment (serial ${kept.facts.serial}, not ${serial}): it was changed elsewhere since. ${CATCH_UP}`,
    );
  }
  throw refusal(`The stack exists, and has no state of this environment (lineage ${lineage}).`);
}

function toEvent({ event = "ADOPTED" }: Args, metadata: Metadata) {
  return { event, ...(Object.keys(metadata).length === 0 ? {} : { metadata }) };
}

async function readState(context: ServerContext, from: string): Promise<CheckedState["state"]> {
  const look = await lookAt(context, from);
  if (look.kind === "state") return look;
  throw refusal(
    look.kind === "refused" ? `${from} is not a state that can be taken over. ${look.reason}` : look.reason,
  );
}

/** A look at an old state: it, a lock, which shows that something works with it, or no state, which shows nothing. */
type Look =
  | ParsedState
  | { readonly kind: "locked"; readonly reason: string }
  | { readonly kind: "unseen"; readonly reason: string };

/** Looks for a lock first: a program that ends between the two has written what is then read. */
async function lookAt(context: ServerContext, from: string): Promise<Look> {
  try {
    const source = openSource(from, context);
    const holder = await source.findLock();
    if (holder !== undefined)
      return {
        kind: "locked",
        reason: `${from} is locked (${holder}): Terraform works with it. Try again when it has ended.`,
      };
    return await parseState(await source.read());
  } catch (error) {
    if (context.signal.aborted || !isStackyardError(error) || error.code === "USAGE") throw error;
    return { kind: error.code === "OUTCOME_NEGATIVE" ? "locked" : "unseen", reason: toReason(error) };
  }
}

/** The reason why a state is not known to be the one that was checked: it is another one, something works with it, or no answer shows it. */
interface Doubt {
  readonly kind: "changed" | "locked" | "unseen";
  readonly reason: string;
}

/**
 * Reads the state once more. Returns why it may not be the one that was checked; undefined if it still is. No lock is taken,
 * because that would write to the old side.
 */
async function findDoubt(context: ServerContext, { from, state }: CheckedState): Promise<Doubt | undefined> {
  const look = await lookAt(context, from);
  if (look.kind === "locked" || look.kind === "unseen") return look;
  const change = findChange(state, look);
  if (change === undefined) return undefined;
  if (look.kind === "refused" && look.isForeign)
    return { kind: "unseen", reason: `${from} returns no state. ${change}` };
  return { kind: "changed", reason: `${from} was changed meanwhile (${change}): something still works with it.` };
}

async function findAnyDoubt(context: ServerContext, states: readonly CheckedState[]): Promise<Doubt | undefined> {
  for (const each of states) {
    const doubt = await findDoubt(context, each);
    if (doubt !== undefined) return doubt;
  }
  return undefined;
}

/** Returns the state that the yard has under a key. */
async function loadKept({ yard, http, signal }: ServerContext, key: string): Promise<string | undefined> {
  const found = await yard.states.get(key, { signal }).catch((error: unknown) => {
    if (isStackyardError(error, "NOT_FOUND")) return undefined;
    throw error;
  });
  if (found?.lock?.binds === true) throw refusal(`The yard's state ${key} is locked by ${found.lock.holder}.`);
  if (found?.current === undefined) return undefined;
  return http.requestText({ path: ["v1", "terraform", "states", key, "versions", String(found.current)], signal });
}

function toFacts({ stack, states }: Checked) {
  return { stack, states: states.map(({ from, key, state }) => ({ from, key, ...state.facts })) };
}

function reportDryRun({ out }: ServerContext, checked: readonly Checked[]): number {
  for (const each of checked) {
    out.result({ ...toFacts(each), outcome: "checked", to: each.to }, () =>
      [
        `${out.paint("green", "ok")}  ${each.stack} would enter ${each.to}, and plan.`,
        ...each.states.flatMap(describe),
      ].join("\n"),
    );
  }
  out.note("Nothing was changed. Without --dry-run, the states are copied, and each stack plans once.");
  return 0;
}

function describe({ from, key, isNew, state: { facts } }: CheckedState): readonly string[] {
  const { lineage, serial, resources, providers } = facts;
  return [
    `    state  ${from}: serial ${serial}, lineage ${lineage}, ${resources} ${resources === 1 ? "resource" : "resources"}`,
    `    needs  ${providers.length === 0 ? "no provider" : formatNames(providers)}`,
    `    key    ${key}${isNew ? "" : ", where the yard has this state already"}`,
  ];
}

/** The way out of an old state in the yard. */
const CATCH_UP =
  'Turn off the old way, and push the newer state into the yard: see "Taking over existing environments".';

interface TakeInput {
  readonly args: Args;
  readonly metadata: Metadata;
  readonly timeoutMs: number;
}

/** Stores the states, opens the stack and waits for its plan. Returns the exit code. */
async function takeOver(
  context: ServerContext,
  each: Checked,
  { args, metadata, timeoutMs }: TakeInput,
): Promise<number> {
  const { yard, out, signal } = context;
  const { stack, states } = each;
  const until = args.until ?? "LIVE";
  const doubt = await findAnyDoubt(context, states);
  if (doubt !== undefined) return reportRefused(context, stack, toRepeat(doubt));
  for (const state of states.filter(({ isNew }) => isNew)) {
    if (!(await copyState(context, state)))
      return reportRefused(
        context,
        stack,
        `The yard's state ${state.key} is not the one that was sent. Repeat the command.`,
      );
  }
  const event = toEvent(args, metadata);
  const published = await yard.publish(
    { stackId: stack, machine: args.machine, ...event },
    { signal, awaitsMs: timeoutMs },
  );
  try {
    await followEvent(yard, published, { ...event, until: [until], timeoutMs, signal });
  } catch (error) {
    if (!isStackyardError(error, "LEFT_BEHIND")) throw error;
    return reportChanges(context, each, error.message);
  }
  const late = await findAnyDoubt(context, states);
  if (late !== undefined) return reportDoubt(context, each, late);
  const summary = await findSummary(context, stack);
  out.result({ ...toFacts(each), outcome: "adopted", state: until, ...defined({ summary }) }, () => {
    return `${out.paint("green", "adopted")}  ${stack} is in ${until}: nothing would change.`;
  });
  return 0;
}

/** Stores a state in the yard. Returns false when it is not there then. */
async function copyState(context: ServerContext, { key, state }: CheckedState): Promise<boolean> {
  const path = ["terraform", "state", ...key.split("/")];
  await context.http.requestText({ method: "POST", path, json: state.text, signal: context.signal });
  // An empty success may be that of a proxy. Without the state, the plan would create everything again.
  return (await loadKept(context, key)) === state.text;
}

/** Says what to do about a doubt. */
function toRepeat({ kind, reason }: Doubt): string {
  return kind === "unseen"
    ? `${reason} Repeat the command.`
    : `${reason} Turn off the old way, and repeat the command.`;
}

/** Reports a stack that is not opened. Returns the exit code. */
function reportRefused({ out }: ServerContext, stack: string, reason: string): number {
  out.result({ stack, outcome: "refused", reason }, () => `${out.paint("red", "refused")}  ${stack}: ${reason}`);
  return 1;
}

/** Reports a state that was changed after it was copied, so that the yard has planned with the older one, or may have been. */
async function reportDoubt(context: ServerContext, each: Checked, doubt: Doubt): Promise<number> {
  const { out, yard, signal } = context;
  const { state } = await yard.stacks.get(each.stack, { signal });
  const isStale = doubt.kind === "changed";
  const outcome = isStale ? "stale" : "unverified";
  const reason = isStale ? `${doubt.reason} ${CATCH_UP}` : toRepeat(doubt);
  const what = isStale ? "with an older state" : "and its old state may have changed meanwhile";
  out.result({ ...toFacts(each), outcome, state, reason }, () => {
    return `${out.paint("yellow", outcome)}  ${each.stack} is in ${state} ${what}: ${reason}`;
  });
  return 2;
}

async function reportChanges(context: ServerContext, each: Checked, message: string): Promise<number> {
  const { out } = context;
  const { state } = await context.yard.stacks.get(each.stack, { signal: context.signal });
  const summary = await findSummary(context, each.stack);
  const reason = summary ?? message;
  out.result({ ...toFacts(each), outcome: "differs", state, reason }, () => {
    return `${out.paint("yellow", "differs")}  ${each.stack} is in ${state}: ${reason}`;
  });
  return 2;
}

/** Returns the summary of the plan, where the machine keeps it in the metadata. */
async function findSummary({ yard, signal }: ServerContext, stack: string): Promise<string | undefined> {
  const { metadata } = await yard.stacks.get(stack, { signal });
  const summary = metadata["summary"];
  return typeof summary === "string" ? summary : undefined;
}
