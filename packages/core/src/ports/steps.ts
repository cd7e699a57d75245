import type { Failed, Running, Succeeded } from "./executor.ts";

/** The work goes on; poll it again after so many milliseconds. */
export function running<Progress>(input: {
  readonly progress: Progress;
  readonly pollAfterMs: number;
  readonly message: string;
}): Running<Progress> {
  return { kind: "running", ...input };
}

/** The work is done and gave these outputs. */
export function succeeded<Outputs>(
  outputs: Outputs,
  options: Pick<Succeeded, "followUp" | "sensitive"> = {},
): Succeeded<Outputs> {
  return { kind: "succeeded", outputs, ...options };
}

/** The work has failed, for the reason that `code` names. */
export function failed(input: Omit<Failed, "kind">): Failed {
  return { kind: "failed", ...input };
}
