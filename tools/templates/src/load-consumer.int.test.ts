import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CONSUMER_BUILD, loadConsumer, MAX_FILE_BYTES } from "./load-consumer.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stackyard-consumer-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function build(copy: string): void {
  mkdirSync(join(root, CONSUMER_BUILD), { recursive: true });
  writeFileSync(join(root, CONSUMER_BUILD, "copy.js"), copy);
  writeFileSync(join(root, CONSUMER_BUILD, "resources.js"), "two");
}

describe("loadConsumer", () => {
  it("gives both files as they were built", async () => {
    build("one");

    expect(await loadConsumer(root)).toEqual({ copy: "one", resources: "two" });
  });

  it("says what to do where nothing was built", async () => {
    await expect(loadConsumer(root)).rejects.toThrow(/copy\.js cannot be read: build the consumer first/);
  });

  it("refuses a file that does not fit, counted in bytes", async () => {
    build("é".repeat(MAX_FILE_BYTES / 2 + 1));

    await expect(loadConsumer(root)).rejects.toThrow(
      `copy.js has ${MAX_FILE_BYTES + 2} bytes, more than the ${MAX_FILE_BYTES} that fit.`,
    );
  });
});
