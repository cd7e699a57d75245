import { describe, expect, it } from "vitest";
import { failed, succeeded } from "../ports/executor.ts";
import { aDispatch } from "../testing/store-conformance/store-builders.ts";
import { boundOutputs } from "./attempt-result.ts";

const v1 = aDispatch("s1/created/1/plan/1").message;
const v2 = { ...v1, dispatch: { ...v1.dispatch, version: 2 } } as const;
// As JSON `{"text":"…"}`, 11 bytes besides the text.
const ofBytes = (bytes: number) => succeeded({ text: "x".repeat(bytes - 11) });

describe("boundOutputs", () => {
  it("lets 64 KiB through", () => {
    expect(boundOutputs(v2, ofBytes(65_536))).toEqual(ofBytes(65_536));
  });

  it("fails a task of version 2 whose outputs are larger, for good", () => {
    expect(boundOutputs(v2, ofBytes(65_537))).toEqual(
      failed({
        code: "OUTPUT_INVALID",
        message: "The outputs make 65537 bytes as JSON; at most 65536 are taken. Give large ones as a file's address.",
        retryable: false,
      }),
    );
  });

  it("counts bytes, not characters", () => {
    expect(boundOutputs(v2, succeeded({ text: "ü".repeat(40_000) }))).toMatchObject({ code: "OUTPUT_INVALID" });
  });

  it("leaves them out for version 1, which keeps none", () => {
    expect(boundOutputs(v1, ofBytes(65_537))).toEqual(succeeded({}));
  });

  it("leaves out what a failure brings too much of, and keeps the failure", () => {
    const quota = failed({ code: "QUOTA", message: "no room", retryable: true });

    expect(boundOutputs(v2, { ...quota, outputs: { text: "x".repeat(70_000) } })).toEqual({ ...quota, outputs: {} });
    expect(boundOutputs(v2, quota)).toBe(quota);
  });
});
