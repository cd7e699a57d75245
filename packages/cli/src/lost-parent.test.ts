import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { watchParent } from "./lost-parent.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watch(env: Readonly<Record<string, string>>) {
  const state = { parents: [10, 9], lost: 0 };
  const onLost = () => {
    state.lost += 1;
  };
  const stop = watchParent(onLost, { env, listParents: () => state.parents });
  return { state, stop };
}

it.each([
  ["the shell", [1, 0]],
  ["npm, while the shell stays", [10, 1]],
  ["the shell, where the system shows no more", [1]],
])("reports once that %s has ended", (_, parents) => {
  const { state } = watch({ npm_lifecycle_script: "stackyard" });

  vi.advanceTimersByTime(10_000);
  expect(state.lost).toBe(0);
  state.parents = parents;
  vi.advanceTimersByTime(10_000);

  expect(state.lost).toBe(1);
});

it.each([{}, { npm_lifecycle_script: "vitest run" }])("leaves a process alone that npm has not started: %j", (env) => {
  const { state } = watch(env);

  state.parents = [1];
  vi.advanceTimersByTime(10_000);

  expect(state.lost).toBe(0);
});

it("stops with the command", () => {
  const { state, stop } = watch({ npm_lifecycle_script: "stackyard dev" });

  stop();
  state.parents = [1];
  vi.advanceTimersByTime(10_000);

  expect(state.lost).toBe(0);
});
