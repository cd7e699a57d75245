import { createMemoryStore } from "@stackyard/core/engine";
import { expect, it } from "vitest";
import { answer, ask, idleQuestions } from "./idle-questions.ts";

const T0 = 1_000_000;
const QUESTION = { stack: "pr-7", since: T0 };

it("answers with the instant of the look, so that a late answer is no news", async () => {
  const deps = { records: createMemoryStore().records, clock: { now: () => T0 + 500 } };
  await ask(deps, "a-1", QUESTION);

  await answer(deps, "a-1", { since: T0, answeredAt: T0 + 5, activeAt: undefined });

  expect(await idleQuestions.find(deps, "a-1")).toEqual({ ...QUESTION, answeredAt: T0 + 5 });
});

it("leaves a question alone that asks for other events, and one that has ended", async () => {
  const deps = { records: createMemoryStore().records, clock: { now: () => T0 } };
  await ask(deps, "a-1", { ...QUESTION, since: T0 + 1 });

  await answer(deps, "a-1", { since: T0, answeredAt: T0 + 5, activeAt: T0 });
  await answer(deps, "a-2", { since: T0, answeredAt: T0 + 5, activeAt: T0 });

  expect(await idleQuestions.find(deps, "a-1")).toEqual({ ...QUESTION, since: T0 + 1 });
  expect(await idleQuestions.find(deps, "a-2")).toBeUndefined();
});
