import { SpanStatusCode } from "@opentelemetry/api";
import type { Executor, ExecutorContext, Step } from "@stackyard/core";
import type { InstrumentDeps } from "./instrument-engine.ts";
import { type OpenSpan, toErrorType } from "./spans.ts";
import { findCarrier, type TraceCarrier } from "./trace-context.ts";

type Operation = "start" | "poll" | "cancel";

/**
 * An executor whose calls are spans in the trace of the event that has sent the task, and are measured. The context says so too
 * (`ctx.traceContext`), for programs and requests that the executor starts.
 */
export function instrumentExecutor(deps: InstrumentDeps, executor: Executor): Executor {
  const { poll, cancel } = executor;
  const call = createCall(deps, executor.name);
  return {
    ...executor,
    start: (ctx, config) => call("start", ctx, (own) => executor.start(own, config)),
    ...(poll === undefined
      ? {}
      : {
          poll: (ctx: ExecutorContext, config: never, progress: never) =>
            call("poll", ctx, (own) => poll.call(executor, own, config, progress)),
        }),
    ...(cancel === undefined
      ? {}
      : {
          cancel: (ctx: ExecutorContext, config: never, progress: never) =>
            call("cancel", ctx, (own) => cancel.call(executor, own, config, progress)),
        }),
  };
}

function createCall({ scopes, spans, count, clock }: InstrumentDeps, executor: string) {
  return async (
    operation: Operation,
    ctx: ExecutorContext,
    run: (own: ExecutorContext) => Promise<Step>,
  ): Promise<Step> => {
    const { stackId, machine, state, task, attempt } = ctx;
    const attributes = {
      "stackyard.executor": executor,
      "stackyard.stack.id": stackId,
      "stackyard.machine": machine,
      "stackyard.state": state,
      "stackyard.task": task,
      "stackyard.attempt.id": attempt.id,
      "stackyard.attempt.number": attempt.number,
    };
    const startedAt = clock.now();
    const dimensions = { executor, operation };
    const fail = (code: string) => count("step_failures", 1, { executor, code });
    const fields = { ...scopes.current().fields, stackId, task, attemptId: attempt.id };
    const measured = async ({ carrier, span }: OpenSpan): Promise<Step> => {
      try {
        const step = await scopes.run({ fields }, () => run(withTrace(ctx, carrier)));
        noteStep(span, step);
        if (step.kind === "failed") fail(step.code);
        return step;
      } catch (error) {
        fail(toErrorType(error));
        throw error;
      } finally {
        count("step_duration_seconds", Math.max(0, clock.now() - startedAt) / 1_000, dimensions);
      }
    };
    return spans.run({ name: `${executor} ${operation}`, attributes }, measured);
  };
}

/** Codes only: messages are masked later, by who knows the task's secrets. */
function noteStep(span: OpenSpan["span"], step: Step): void {
  span?.setAttribute("stackyard.step", step.kind);
  if (step.kind !== "failed") return;
  span?.setAttribute("error.type", step.code);
  span?.setStatus({ code: SpanStatusCode.ERROR });
}

function withTrace(ctx: ExecutorContext, carrier: TraceCarrier): ExecutorContext {
  const { traceparent, tracestate } = findCarrier(carrier);
  if (traceparent === undefined) return ctx;
  return { ...ctx, traceContext: { traceparent, ...(tracestate === undefined ? {} : { tracestate }) } };
}
