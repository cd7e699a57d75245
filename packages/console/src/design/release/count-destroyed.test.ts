import { expect, it } from "vitest";
import { countDestroyed } from "./count-destroyed.ts";

const losing = (destroys: number) => ({ changes: { adds: 1, changes: 0, destroys, imports: 0 } });

it("adds up what each stack would lose, and nothing of those whose plan is not known", () => {
  expect(countDestroyed([losing(2), {}, losing(1)])).toBe(3);
  expect(countDestroyed([])).toBe(0);
});
