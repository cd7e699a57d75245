/** A decision about every member of a port, optional ones too: what takes its place, or that it passes. */
export type Decisions<Port extends object> = { readonly [Member in keyof Port]-?: Port[Member] | "pass" };

/**
 * Returns a wrapper of a port. It compiles only when each member of the port is decided, so that a member which is new
 * asks its author. What a wrapped object has besides passes.
 *
 * @example
 * wrap<Clock>({ now: () => 0, sleep: "pass" })(clock)
 */
export function wrap<Port extends object>(decisions: Decisions<Port>): <Given extends Port>(port: Given) => Given {
  const changes = Object.entries(decisions).filter(([, decision]) => decision !== "pass");
  return (port) => ({ ...port, ...Object.fromEntries(changes) });
}
