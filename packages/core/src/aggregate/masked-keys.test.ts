import { describe, expect, it } from "vitest";
import type { MetadataRule } from "../machine/machine.ts";
import { aMachine, anEvent, aStack } from "../testing/builders.ts";
import { findMaskedKeys, findRefusedKeys, toPrintedMessage, toPrintedMetadata } from "./history-line.ts";

const rule = (sensitive: boolean): MetadataRule => ({ required: false, sensitive, immutable: false });
const machine = aMachine(
  { INIT: {} },
  {
    metadata: {
      keys: new Map([
        ["password", rule(true)],
        ["url", rule(false)],
      ]),
      additional: true,
    },
  },
);
const plain = aMachine({ INIT: {} });

describe("the keys of an event that must not be shown", () => {
  it("are those that its machine declares sensitive, and no others", () => {
    const metadata = { password: "hunter22", url: "x", other: 1 };

    expect(findMaskedKeys({ metadata }, { machine, stack: undefined })).toEqual(["password"]);
    expect(findMaskedKeys({ metadata: { url: "x" } }, { machine, stack: undefined })).toBeUndefined();
    expect(findMaskedKeys({ metadata }, { machine: plain, stack: undefined })).toBeUndefined();
  });

  it("are those too that the stack holds as secrets under a machine that no longer says so", () => {
    const stack = aStack({ metadata: { password: "old-secret" }, secretVersions: { password: 1 } });

    expect(findMaskedKeys({ metadata: { password: "hunter22" } }, { machine: plain, stack })).toEqual(["password"]);
  });

  it("are all where no machine was found", () => {
    expect(findMaskedKeys({ metadata: { a: 1 } }, { machine: undefined, stack: undefined })).toBe("all");
    expect(findMaskedKeys({ outputs: { a: 1 } }, { machine: undefined, stack: undefined })).toBe("all");
    expect(findMaskedKeys({}, { machine: undefined, stack: undefined })).toBeUndefined();
  });

  it("are those too in which a map or list may hide a secret", () => {
    const hidden = { deep: { password: "hunter22" }, url: "x" };

    expect(findMaskedKeys({ metadata: hidden }, { machine, stack: undefined })).toEqual(["deep"]);
    expect(findMaskedKeys({ metadata: "password=hunter22" }, { machine, stack: undefined })).toBe("all");
    expect(findMaskedKeys({ metadata: hidden }, { machine: plain, stack: undefined })).toBeUndefined();
  });
});

describe("what of a refused event must not be shown", () => {
  const result = anEvent("TASK_COMPLETED", { task: { name: "db" }, outputs: { password: "hunter22" } });
  const held = aStack({ keptSecrets: { "tasks.db.outputs.key#1": "hunter22" } });

  it("is all of a result where something is sensitive: its outputs may become such keys, its texts may quote them", () => {
    expect(findRefusedKeys(result, { machine, stack: undefined })).toBe("all");
    expect(findRefusedKeys(result, { machine: plain, stack: held })).toBe("all");
    expect(findRefusedKeys(result, { machine: undefined, stack: undefined })).toBe("all");
    expect(findRefusedKeys({ ...result, sensitiveOutputs: ["a"] }, { machine: plain, stack: undefined })).toBe("all");
  });

  it("is what its keys say of any other event, and of a result where nothing is sensitive", () => {
    const metadata = { password: "hunter22" };

    expect(findRefusedKeys(anEvent("GO", { metadata }), { machine, stack: undefined })).toEqual(["password"]);
    expect(findRefusedKeys(anEvent("GO"), { machine: undefined, stack: undefined })).toBeUndefined();
    expect(findRefusedKeys(result, { machine: plain, stack: aStack() })).toBeUndefined();
  });
});

describe("printed metadata", () => {
  it("hides what must not be shown, and shows null", () => {
    const metadata = { password: "hunter22", token: null, url: "x" };

    expect(toPrintedMetadata(metadata, ["password", "token"])).toEqual({ password: "***", token: null, url: "x" });
    expect(toPrintedMetadata(metadata, "all")).toEqual({ password: "***", token: null, url: "***" });
    expect(toPrintedMetadata(metadata, undefined)).toBe(metadata);
    expect(toPrintedMetadata("hunter22", "all")).toBe("***");
  });
});

describe("a printed message", () => {
  it("is as received, without sensitive metadata and outputs", () => {
    const message = {
      ...{ event: "TASK_COMPLETED", task: { name: "db" }, metadata: { password: "hunter22", url: "x" } },
      ...{ outputs: { key: "hunter23", id: 4 }, sensitiveOutputs: ["key"] },
    };

    expect(toPrintedMessage(message, ["password"])).toEqual({
      ...message,
      metadata: { password: "***", url: "x" },
      outputs: { key: "***", id: 4 },
    });
    expect(toPrintedMessage({ event: "GO", extra: 1 }, undefined)).toEqual({ event: "GO", extra: 1 });
  });

  it("keeps its shape where nobody knows what it is", () => {
    const hidden = { metdata: { password: "hunter22", on: true }, list: ["hunter22"], outputs: { key: "hunter22" } };
    const message = { stackId: "pr-1", event: "GO", ...hidden };

    expect(toPrintedMessage(message, "all")).toEqual({
      stackId: "pr-1",
      event: "GO",
      metdata: { password: "***", on: true },
      list: ["***"],
      outputs: { key: "***" },
    });
  });
});
