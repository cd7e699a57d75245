import type { AwsAccess, SessionOptions } from "@stackyard/aws";
import { type Executor, type ExecutorContext, RecentMap } from "@stackyard/core";
import { toTagValue } from "@stackyard/core/services";

/** Dependencies of tasks' sessions. */
interface TaskSessionsDeps {
  readonly yard: string;
  /** Creates a separate access for each attempt. */
  readonly createAccess: (session: SessionOptions) => AwsAccess;
}

/** Attempts whose sessions are kept: those that are polled get theirs again, without another call of STS. */
const KEPT_ATTEMPTS = 64;

/**
 * Wraps executors so that each attempt assumes roles in a separate session, named and tagged with yard, stack and task.
 * CloudTrail shows them separately, and policies can require the tags. Opt-in, because roles must allow
 * `sts:TagSession`. Costs two STS calls per attempt.
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
  const kept = new RecentMap<string, AwsAccess>(KEPT_ATTEMPTS);

  function find(ctx: ExecutorContext): AwsAccess {
    return kept.findOr(ctx.attempt.id, () => createAccess(toSession(yard, ctx)));
  }

  return (ctx: ExecutorContext): ExecutorContext => {
    const { target } = ctx;
    if (target === undefined) return ctx;
    return {
      ...ctx,
      aws: (client, region) => find(ctx).client(client, region === undefined ? target : { ...target, region }),
      credentials: () => find(ctx).credentials(target),
    };
  };
}

function toSession(yard: string, { stackId, task }: ExecutorContext): SessionOptions {
  const tags = { "stackyard:yard": yard, "stackyard:stack": stackId, "stackyard:task": task };
  const entries = Object.entries(tags).map(([key, value]) => [key, toTagValue(value)] as const);
  return { name: [yard, stackId, task].join("-"), tags: Object.fromEntries(entries) };
}
