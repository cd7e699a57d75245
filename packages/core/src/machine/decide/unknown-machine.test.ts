import { describe, expect, it } from "vitest";
import { tellUnknownMachine } from "./decide.ts";

describe("tellUnknownMachine", () => {
  it("names the known machine that is near, if there is one", () => {
    expect(tellUnknownMachine("revew-app", ["sandbox", "review-app"])).toBe(
      'There is no machine "revew-app". Did you mean "review-app"?',
    );
    expect(tellUnknownMachine("other", ["sandbox", "review-app"])).toBe('There is no machine "other".');
    expect(tellUnknownMachine("other", [])).toBe('There is no machine "other".');
  });
});
