import { vi } from "vitest";

/** Resolves with what a check returns when it does not throw any more. Vitest alone waits for one second, which a busy machine can take. */
export function eventually<Value>(check: () => Value | Promise<Value>): Promise<Value> {
  return vi.waitFor(check, { timeout: 20_000 });
}
