import type { AwsAccess, SessionOptions } from "@stackyard/aws";
import type { Executor, ExecutorContext } from "@stackyard/core";

/** What sessions of tasks need. */
export interface TaskSessionsDeps {
  readonly yard: string;
  /** Access of its own for each attempt. */
  readonly createAccess: (session: SessionOptions) => AwsAccess;
}

/** Attempts whose sessions are kept: those that are polled get theirs again, without another call of STS. */
const KEPT_ATTEMPTS = 64;
/** IAM, "Tags for IAM resources": values have up to 256 characters: letters, numbers, spaces and `_.:/=+-@`. */
const MAX_TAG_VALUE = 256;
const NOT_IN_TAGS = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu;

/**
 * Executors whose tasks have sessions of their own in their targets, named and tagged by yard, stack and task: CloudTrail there
 * tells them apart, and policies can ask for the tags. Roles must allow `sts:TagSession`, so it is not done unasked. A session
 * is one attempt's, which costs two calls of STS.
 */
export function tagSessions(
  executors: ReadonlyMap<string, Executor>,
  deps: TaskSessionsDeps,
): ReadonlyMap<string, Executor> {
  const toOwn = createOwnContexts(deps);
  return new Map([...executors].map(([name, executor]) => [name, tag(executor, toOwn)]));
}

function tag(executor: Executor, toOwn: (ctx: ExecutorContext) => ExecutorContext): Executor {
  const { poll, cancel } = executor;
  const polls = poll && {
    poll: (ctx: ExecutorContext, config: never, progress: never) => poll.call(executor, toOwn(ctx), config, progress),
  };
  const cancels = cancel && {
    cancel: (ctx: ExecutorContext, config: never, progress: never) =>
      cancel.call(executor, toOwn(ctx), config, progress),
  };
  return { ...executor, start: (ctx, config) => executor.start(toOwn(ctx), config), ...polls, ...cancels };
}

function createOwnContexts({ yard, createAccess }: TaskSessionsDeps) {
  const kept = new Map<string, AwsAccess>();

  function find(ctx: ExecutorContext): AwsAccess {
    const { id } = ctx.attempt;
    const access = kept.get(id) ?? createAccess(toSession(yard, ctx));
    // The one that was used last is the last to be forgotten.
    kept.delete(id);
    kept.set(id, access);
    const [oldest] = kept.keys();
    if (kept.size > KEPT_ATTEMPTS && oldest !== undefined) kept.delete(oldest);
    return access;
  }

  return (ctx: ExecutorContext): ExecutorContext => {
    const { target } = ctx;
    if (target === undefined) return ctx;
    return {
      ...ctx,
      aws: (client) => find(ctx).client(client, target),
      credentials: () => find(ctx).credentials(target),
    };
  };
}

function toSession(yard: string, { stackId, task }: ExecutorContext): SessionOptions {
  const tags = { "stackyard:yard": yard, "stackyard:stack": stackId, "stackyard:task": task };
  const entries = Object.entries(tags).map(([key, value]) => [key, toTagValue(value)] as const);
  return { name: [yard, stackId, task].join("-"), tags: Object.fromEntries(entries) };
}

function toTagValue(text: string): string {
  return text.replaceAll(NOT_IN_TAGS, "-").slice(0, MAX_TAG_VALUE);
}
