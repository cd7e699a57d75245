import { parseDuration } from "@stackyard/core/machine";
import { Type } from "typebox";
import { failWith } from "../shell/failure.ts";

/** How long a process that was asked to end lets its tasks go on. */
export const drainArg = {
  drainTimeout: Type.Optional(
    Type.String({
      placeholder: "duration",
      description:
        "How long running tasks may go on after SIGTERM or Ctrl-C before they are asked to stop. Default: 30s.",
    }),
  ),
};

const DEFAULT_DRAIN = "30s";

/** The argument in milliseconds. Throws `USAGE`. */
export function parseDrainTimeout(text: string = DEFAULT_DRAIN): number {
  const ms = /^0m?s$/.test(text) ? 0 : parseDuration(text);
  if (ms !== undefined) return ms;
  throw failWith("USAGE", `--drain-timeout ${text} is no duration.`, { hint: "Write one such as 30s, 10m or 0s." });
}
