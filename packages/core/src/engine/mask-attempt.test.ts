import { describe, expect, it } from "vitest";
import { failed, running, succeeded } from "../ports/executor.ts";
import { createRecordingLogger } from "../testing/recording-logger.ts";
import { createAttemptMask, maskOutputs } from "./attempt-result.ts";

const mask = createAttemptMask({ "password#1": "hunter22", "pin#1": 123_456 });

describe("the mask of an attempt", () => {
  it("hides secrets in what a step says", () => {
    expect(mask.step(running({ progress: {}, pollAfterMs: 1, message: "uses hunter22" }))).toMatchObject({
      message: "uses ***",
    });
    expect(
      mask.step({ ...failed({ code: "X", message: "no 123456", retryable: true }), outputs: { a: ["hunter22"] } }),
    ).toMatchObject({ message: "no ***", outputs: { a: ["***"] } });
  });

  it("takes an output for sensitive that holds a secret, and leaves its value", () => {
    const step = succeeded({ url: "pg://u:hunter22@h", host: "h", pin: 123_456, key: "k" }, { sensitive: ["key"] });

    expect(mask.step(step)).toEqual({ ...step, sensitive: ["key", "url", "pin"] });
    expect(mask.step(succeeded({ host: "h" }))).toEqual(succeeded({ host: "h" }));
    expect(mask.step(succeeded(null))).toEqual(succeeded(null));
  });

  it("takes an output for sensitive for a whole value alone, not for a line of it, which may be any word", () => {
    const config = "apiVersion: v1\nkind: Config\ntoken: hunter22\n";
    const lines = createAttemptMask({ "config#1": config });
    const step = succeeded({
      kind: "kind: Config",
      whole: `it is\n${config}`,
      trimmed: config.trim(),
      deep: { config },
    });
    const followUp = { inMs: 1, config: { kind: "kind: Config" } };

    expect(lines.step(step)).toEqual({ ...step, sensitive: ["whole", "trimmed", "deep"] });
    expect(lines.step({ ...succeeded({}), followUp })).toEqual({ ...succeeded({}), followUp });
    expect(lines.text("has kind: Config")).toBe("has ***");
  });

  it("lets no run follow that would keep a secret in its config", () => {
    const step = (config: Readonly<Record<string, unknown>>) => ({ ...succeeded({}), followUp: { inMs: 1, config } });

    expect(mask.step(step({ deep: ["hunter22"] }))).toMatchObject({ kind: "failed", code: "OUTPUT_INVALID" });
    expect(mask.step(step({ deep: ["else"] }))).toEqual(step({ deep: ["else"] }));
  });

  it("hides secrets in logs, errors and their stacks included", () => {
    const recorded = createRecordingLogger();
    const logger = mask.logger(recorded);
    const error = new TypeError("bad hunter22");

    logger.debug("a hunter22", { url: "hunter22", deep: { list: ["hunter22"] } });
    logger.info("b");
    logger.warn("c", { error });
    logger.error("d", { error: new Error("else") });

    const text = JSON.stringify(recorded.lines, (_, value) =>
      value instanceof Error ? `${value.name} ${value.message} ${value.stack}` : value,
    );
    expect(text).not.toContain("hunter22");
    expect(text).toContain("TypeError bad ***");
    expect(text).toContain("Error else");
  });

  it("changes nothing where the claim gave no secrets", () => {
    const none = createAttemptMask();
    const logger = createRecordingLogger();
    const step = failed({ code: "X", message: "hunter22", retryable: true });

    expect([none.text("hunter22"), none.step(step), none.logger(logger)]).toEqual(["hunter22", step, logger]);
  });
});

describe("a log of a task that gave sensitive outputs", () => {
  it("does not quote them", () => {
    const step = succeeded({ key: "AKIA1234", host: "h", none: null }, { sensitive: ["key", "none", "gone"] });

    expect(maskOutputs("made AKIA1234 at h", step)).toBe("made *** at h");
    expect(maskOutputs("made AKIA1234", succeeded(null, { sensitive: ["key"] }))).toBe("made AKIA1234");
  });
});
