/** The limits of a grant or a token. Without a list there is no limit. */
interface Scope {
  readonly machines?: readonly string[] | undefined;
  /** Beginnings of ids. */
  readonly stacks?: readonly string[] | undefined;
}

/** Returns the stacks that a grant or a token is for, such as `stacks web-… of review-app`. */
export function formatScope({ machines, stacks }: Scope): string {
  const of = machines === undefined ? "" : ` of ${machines.join(", ") || "no machine"}`;
  if (stacks === undefined) return `all stacks${of}`;
  return `${stacks.length === 0 ? "no stack" : `stacks ${stacks.map((each) => `${each}…`).join(", ")}`}${of}`;
}
