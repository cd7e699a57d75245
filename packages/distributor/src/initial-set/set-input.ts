import { ARTIFACT_NAME, ARTIFACT_VERSION } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { AccountId, Instant, Region } from "../registry/place.ts";
import { tellFaults } from "../tell-faults.ts";

const NAME = ARTIFACT_NAME.slice(0, -1);
const VERSION = ARTIFACT_VERSION.slice(1, -1);

/** The name of an artifact, or `name@version`. */
export const ArtifactChoice = Type.String({ pattern: `${NAME}(@${VERSION})?$`, maxLength: 193 });
/** Such as `2026-11-20T06:00:00Z`: a day that its month has, and no leap second, which `Date` does not know. */
export const IsoInstant = Type.String({
  format: "date-time",
  pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:[0-5]\\d(\\.\\d{1,9})?Z$",
});

/** The input of the state machine; `Line` and `Step` are what it tells itself. Further fields are left alone. */
export const SetInput = Type.Object({
  AccountId,
  Region,
  Since: Type.Optional(IsoInstant),
  Artifact: Type.Optional(ArtifactChoice),
  Line: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{1,80}$" })),
  Step: Type.Optional(Type.Object({ askedAt: Instant })),
});
export type SetInput = Static<typeof SetInput>;

/** A task of the state machine. */
export const SetTask = Type.Object({
  op: Type.Literal("initial-set"),
  execution: Type.String({ pattern: "^[A-Za-z0-9_-]{1,80}$" }),
  input: SetInput,
});
export type SetTask = Static<typeof SetTask>;

const validator = Compile(SetTask);

/** A task, or what is wrong with it. */
export type ParsedSetTask =
  | { readonly kind: "task"; readonly task: SetTask }
  | {
      readonly kind: "faulty";
      readonly code: "ACCOUNT_NOT_TRUSTED" | "INITIAL_SET_FAILED";
      readonly message: string;
    };

/** Reads a task. An account id that no account can have is an account that is not trusted. */
export function parseSetTask(event: unknown): ParsedSetTask {
  if (validator.Check(event)) return { kind: "task", task: event };
  const errors = validator.Errors(event);
  const isAccountRefused = errors.some(({ instancePath }) => instancePath === "/input/AccountId");
  return {
    kind: "faulty",
    code: isAccountRefused ? "ACCOUNT_NOT_TRUSTED" : "INITIAL_SET_FAILED",
    message: `The input of the state machine is invalid: ${tellFaults(errors)}.`,
  };
}
