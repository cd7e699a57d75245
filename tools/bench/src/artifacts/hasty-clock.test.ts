import { expect, it } from "vitest";
import { createHastyClock } from "./hasty-clock.ts";

it("is later by what was slept, and never earlier", async () => {
  const clock = createHastyClock();
  const startedAt = clock.now();

  await clock.sleep(60_000);
  await clock.sleep(-5);

  expect(clock.now() - startedAt).toBe(60_000);
});
