import { afterEach, describe, expect, it, vi } from "vitest";
import { readInputs } from "./read-inputs.ts";

const JOB = { GITHUB_RUN_ID: "99", GITHUB_RUN_ATTEMPT: "1", GITHUB_JOB: "deploy", GITHUB_ACTION: "__run" };

interface Step {
  readonly index?: string;
  readonly metadata?: string;
  readonly stack?: string;
  readonly step?: string;
}

/** Returns the id of the event of a step. */
function toId({ index = "0", metadata = "image_api=sha-1", stack = "shop", step = "__run" }: Step = {}): string {
  const inputs = { url: "https://yard.example.org", stack, event: "PUSHED", metadata, "job-index": index };
  for (const [name, value] of Object.entries(inputs)) vi.stubEnv(`INPUT_${name.toUpperCase()}`, value);
  return readInputs({ ...JOB, GITHUB_ACTION: step }).event.id;
}

afterEach(() => void vi.unstubAllEnvs());

describe("the id of the event of a step", () => {
  it("is the same when the step is repeated, also with its metadata in another order", () => {
    expect(toId()).toBe(toId());
    expect(toId({ metadata: "a=1\nb=2" })).toBe(toId({ metadata: "b=2\na=1" }));
    expect(toId()).toMatch(/^99\/1\/deploy\/0\/__run\/PUSHED\/[\w-]{16}$/);
  });

  it.each<readonly [string, Step]>([
    ["job of a matrix [beanstalk-deploy#69]", { index: "1" }],
    ["step of the job", { step: "__run_2" }],
    ["call of a reusable workflow, with other metadata", { metadata: "image_web=sha-1" }],
    ["stack", { stack: "shop-2" }],
  ])("is another one for another %s", (_, other) => {
    expect(toId(other)).not.toBe(toId());
  });
});
