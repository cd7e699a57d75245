import { describe, expect, it } from "vitest";
import type { Inputs } from "./read-inputs.ts";
import { renderSummary } from "./render-summary.ts";

const MOST_BYTES = 1_048_576;

describe("renderSummary", () => {
  it("stays below what GitHub accepts, and says what it leaves out", () => {
    const long = "😀`".repeat(1_000_000);
    const event = { stackId: long, event: long, id: "99/1/preview/OPENED" };
    const inputs: Inputs = { url: "https://yard.example.org", event, until: undefined, timeoutMs: 1, host: "github" };

    const text = renderSummary({
      inputs,
      stack: "removed",
      failure: { exitCode: 3, code: "UNREACHABLE", message: long },
    });

    expect(Buffer.byteLength(text)).toBeLessThan(MOST_BYTES);
    expect(text).toContain("… 2996000 more characters");
    expect(text).toContain("…`` has ended");
  });
});
