import { type ExecutorContext, isStackyardError, type Step } from "@stackyard/core";
import { defineRecordKind, SEALER } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import { CommandFailure } from "./failure.ts";

const Begun = Type.Object({
  /** The fencing token of the worker that began last. */
  token: Type.Integer(),
  /** Its result once the program has ended. Missing: it works, or its worker was lost. */
  end: Type.Optional(
    Type.Union([
      /** JSON of the step; base64 of it, sealed. */
      Type.Object({ kind: Type.Union([Type.Literal("step"), Type.Literal("sealed")]), text: Type.String() }),
      /** It has sensitive outputs, and the yard no seal key. */
      Type.Object({ kind: Type.Literal("unkept") }),
    ]),
  ),
});
type Begun = Static<typeof Begun>;

/** What was begun by the attempts of tasks. */
export const begunCommands = defineRecordKind({
  prefix: "command/begun/",
  value: Begun,
  holds: "programs that attempts have started, and their results",
  kept: "7 days",
});

const KEPT_MS = 7 * 24 * 60 * 60_000;

/** `begun`: the program may start; `isAgain`: it was started before. Otherwise the result of its end. */
export type Beginning =
  | { readonly kind: "begun"; readonly isAgain: boolean }
  | { readonly kind: "ended"; readonly step: Step };

/**
 * Notes that the program of an attempt starts, before it does; with `isLook`, only looks whether it may. Fails with
 * COMMAND_UNKNOWN if it was started before, has not ended and may not be repeated, and with COMMAND_NEEDS_STORE.
 */
export async function beginOnce(ctx: ExecutorContext, isRepeatable: boolean, isLook = false): Promise<Beginning> {
  const { token } = ctx.attempt;
  try {
    const { found } = await begunCommands.change(ctx, ctx.idempotencyKey, (record, now) => {
      const value = record?.value;
      const starts = value === undefined || (isRepeatable && value.end === undefined && value.token <= token);
      return { found: value, ...(starts && !isLook && { write: { value: { token }, expiresAt: now + KEPT_MS } }) };
    });
    if (found === undefined) return { kind: "begun", isAgain: false };
    if (found.end !== undefined) return { kind: "ended", step: await openEnd(ctx, found.end) };
    if (isRepeatable && found.token <= token) return { kind: "begun", isAgain: true };
  } catch (error) {
    if (!isStackyardError(error, "CONFIG_INVALID")) throw error;
    if (isRepeatable) return { kind: "begun", isAgain: false };
    const text =
      "This worker has no store, so it cannot know whether the program ran before. Say repeatable: true, or use another worker.";
    throw new CommandFailure("COMMAND_NEEDS_STORE", text, { cause: error });
  }
  throw new CommandFailure("COMMAND_UNKNOWN", UNKNOWN);
}

const UNKNOWN =
  "The worker was lost while the program ran, and what it has done is unknown. Look, then retry the task, or say repeatable: true.";

/** Keeps the result of the program for another start of the same attempt. A failure to do so is only logged. */
export async function keepEnd(ctx: ExecutorContext, step: Step): Promise<void> {
  const { token } = ctx.attempt;
  try {
    const end = await toEnd(ctx, step);
    await begunCommands.change(ctx, ctx.idempotencyKey, (record, now) =>
      record?.value.token === token ? { write: { value: { token, end }, expiresAt: now + KEPT_MS } } : {},
    );
  } catch (error) {
    if (!isStackyardError(error, "CONFIG_INVALID")) ctx.logger.warn("The end of a program was not kept.", { error });
  }
}

async function toEnd(ctx: ExecutorContext, step: Step): Promise<NonNullable<Begun["end"]>> {
  const text = JSON.stringify(step);
  const sealer = ctx.service(SEALER);
  if (sealer !== undefined) {
    const sealed = await sealer.seal(Buffer.from(text));
    return { kind: "sealed", text: Buffer.from(sealed).toString("base64") };
  }
  return step.kind === "succeeded" && step.sensitive !== undefined ? { kind: "unkept" } : { kind: "step", text };
}

async function openEnd(ctx: ExecutorContext, end: NonNullable<Begun["end"]>): Promise<Step> {
  const bytes = end.kind === "sealed" ? await ctx.service(SEALER)?.open(Buffer.from(end.text, "base64")) : undefined;
  const text = end.kind === "step" ? end.text : bytes && Buffer.from(bytes).toString();
  // Written by `keepEnd`; the worker checks each step.
  if (text !== undefined) return JSON.parse(text) as Step;
  throw new CommandFailure(
    "COMMAND_UNKNOWN",
    "The program has succeeded, and its sensitive outputs were lost with its worker.",
  );
}
