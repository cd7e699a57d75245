import { setTimeout as sleep } from "node:timers/promises";
import { error as annotate, info, setOutput, setSecret, summary } from "@actions/core";
import { defined, exitCodeOf, isStackyardError, StackyardError } from "@stackyard/core";
import { findLink, toLine } from "@stackyard/hosts/report";
import {
  type CallOptions,
  createCiToken,
  EventNotAppliedError,
  type StackDetails,
  Stackyard,
  StackyardApiError,
} from "@stackyard/sdk";
import { createHttpClient, createPreviewsApi, type PreviewsApi } from "@stackyard/sdk/commands";
import { checkGoalStates, followEvent } from "@stackyard/sdk/send";
import { findPull } from "./find-pull.ts";
import { type Inputs, readInputs } from "./read-inputs.ts";
import { type ActionFailure, type ActionResult, renderSummary } from "./render-summary.ts";
import { toCommit } from "./to-commit.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const MAX_LINE = 2_000;
const LAST_LOOK_MS = 5_000;

/** Runs the step, writes its outputs and summary, and returns the exit code: that of `stackyard send --wait`. Never throws. */
export async function runAction(env: Environment, signal: AbortSignal): Promise<number> {
  const result = await findResult(env, signal);
  const { inputs, entry, stack, failure } = result;
  const outputs = {
    stack: inputs?.event.stackId,
    "event-id": inputs?.event.id,
    outcome: entry?.outcome,
    state: typeof stack === "object" ? stack.state : stack,
    url: typeof stack === "object" ? findLink(stack.metadata["url"]) : undefined,
    code: failure?.code,
  };
  for (const [name, value] of Object.entries(outputs)) setOutput(name, value ?? "");
  // Servers of GitHub Enterprise from before 2022 have no summaries.
  if (env["GITHUB_STEP_SUMMARY"]) await summary.addRaw(renderSummary(result)).write();
  if (failure === undefined) return 0;
  annotate(toLogLine([failure.code, failure.message, failure.hint].filter((part) => part !== undefined).join(" ")));
  return failure.exitCode;
}

async function findResult(env: Environment, signal: AbortSignal): Promise<ActionResult> {
  let inputs: Inputs | undefined;
  try {
    inputs = readInputs(env);
    const yard = openYard(inputs, env);
    return { inputs, ...(await send(yard, inputs, { env, signal })) };
  } catch (error) {
    return { failure: toFailure(error, signal), ...defined({ inputs }) };
  }
}

/** The clients of a yard. */
interface Yard {
  readonly client: Stackyard;
  readonly previews: PreviewsApi;
}

function openYard({ url }: Inputs, env: Environment): Yard {
  const token = createCiToken({ url, env, onSecret: setSecret });
  if (token === undefined) {
    const hint = "Give the job `permissions: { id-token: write }`. Jobs of pull requests from forks cannot have it.";
    throw new StackyardError("UNAUTHENTICATED", "The job has no identity.", { details: { hint } });
  }
  return { client: new Stackyard({ url, token }), previews: createPreviewsApi(createHttpClient({ url, token })) };
}

/**
 * Links, publishes and waits. Failures after the event was published are in the result, with the known facts about the
 * stack.
 */
async function send(
  { client, previews }: Yard,
  { event, until, timeoutMs, host }: Inputs,
  { env, signal }: { readonly env: Environment; readonly signal: AbortSignal },
): Promise<ActionResult> {
  const { stackId, machine } = event;
  await checkGoalStates({ yard: client, signal }, { stackId, machine, until: until ?? [] });
  const pull = await findPull(env["GITHUB_EVENT_PATH"], host);
  const link = createLinker(previews, stackId, pull);
  await link({ signal });
  const published = await client.publish({ ...event, ...toCommit(event, pull?.head) }, { signal, awaitsMs: timeoutMs });
  print(published.duplicate?.reason ?? `Sent ${event.event} to ${stackId}. Its id is ${event.id}.`);
  const following = new AbortController();
  const linking = linkSoon(link, AbortSignal.any([signal, following.signal]));
  // It is awaited below, after the event was followed.
  linking.catch(() => undefined);
  try {
    const followed = await followEvent(client, published, {
      ...event,
      until,
      timeoutMs,
      signal,
      onParked: ({ code, reason }) => print(`The event is parked and retried automatically: ${code} ${reason}`),
      onChange: createProgress(),
    });
    following.abort();
    await linking;
    await link({ signal });
    return {
      entry: followed.entry,
      stack: followed.stack ?? (await findStack(client, stackId, { signal })) ?? "removed",
    };
  } catch (error) {
    following.abort();
    await linking.catch(() => undefined);
    // Not for long: the server may be the cause, and a job that is cancelled is killed soon.
    const soon = { signal: AbortSignal.timeout(LAST_LOOK_MS) };
    const stack = await findStack(client, stackId, soon).catch(() => undefined);
    const log = stack && (await findLog(client, stack, soon).catch(() => undefined));
    const entry = error instanceof EventNotAppliedError ? error.entry : undefined;
    return { failure: toFailure(error, signal), ...defined({ entry, stack, log }) };
  }
}

type Linker = (options: CallOptions) => Promise<boolean>;

/** Returns the way to link the stack to its pull request, once. It returns false while the stack does not exist. */
function createLinker(previews: PreviewsApi, stackId: string, pull: Awaited<ReturnType<typeof findPull>>): Linker {
  let isDone = pull === undefined;
  return async (options) => {
    if (isDone || pull === undefined) return true;
    try {
      await previews.link(stackId, pull, options);
    } catch (error) {
      if (isStackyardError(error, "STACK_UNKNOWN")) return false;
      throw error;
    }
    isDone = true;
    print(`Linked ${stackId} to pull request #${pull.number}.`);
    return true;
  };
}

const LINK_AGAIN_MS = 1_000;

/** Links a stack that the event creates, as soon as it exists. */
async function linkSoon(link: Linker, signal: AbortSignal): Promise<void> {
  try {
    while (!(await link({ signal }))) await sleep(LINK_AGAIN_MS, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Prints each state and what the stack does in it, once. */
function createProgress(): (stack: StackDetails) => void {
  let last = "";
  return ({ id, state, summary: does }) => {
    const line = `${id} is in ${state}. ${does}`;
    if (line !== last) print(line);
    last = line;
  };
}

/** Returns the stack; undefined when it does not exist. */
async function findStack(client: Stackyard, stackId: string, options: CallOptions): Promise<StackDetails | undefined> {
  try {
    return await client.stacks.get(stackId, options);
  } catch (error) {
    if (isStackyardError(error, "STACK_UNKNOWN")) return undefined;
    throw error;
  }
}

async function findLog(
  client: Stackyard,
  { attempts, lastFailure }: StackDetails,
  options: CallOptions,
): Promise<string | undefined> {
  const failed = attempts.find(
    ({ task, entry, attempt }) =>
      task === lastFailure?.task && entry === lastFailure.entry && attempt === lastFailure.attempt,
  );
  return failed?.hasLog ? client.stacks.attemptLog(failed.attemptId, options) : undefined;
}

function toFailure(cause: unknown, signal: AbortSignal): ActionFailure {
  const error = signal.aborted ? new StackyardError("INTERRUPTED", "Interrupted.", { cause }) : cause;
  if (!isStackyardError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return { exitCode: exitCodeOf("INTERNAL"), code: "INTERNAL", message };
  }
  const code = error instanceof StackyardApiError ? error.problem.code : error.code;
  const hint = typeof error.details["hint"] === "string" ? error.details["hint"] : undefined;
  return { exitCode: exitCodeOf(error.code), code, message: error.message, ...defined({ hint }) };
}

function print(text: string): void {
  info(toLogLine(text));
}

/** Escapes commands of the runner: `::name::` at the beginning of a line, and `##[name]` anywhere in it. */
function toLogLine(text: string): string {
  return toLine(text, MAX_LINE).replaceAll("##[", "## [").replace(/^::/, ": :");
}
