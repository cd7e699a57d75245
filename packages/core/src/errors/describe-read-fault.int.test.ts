import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeReadFault } from "./describe-read-fault.ts";

it.each([
  ["missing.yaml", "does not exist"],
  ["binary/file.yaml", "does not exist"],
  [".", "is a folder"],
  ["binary", "is not UTF-8 text"],
])("says of %s that it %s", (name, fault) => {
  const folder = mkdtempSync(join(tmpdir(), "read-fault-"));
  writeFileSync(join(folder, "binary"), Buffer.from([0, 255, 254]));
  const read = () => new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(join(folder, name)));

  let described = "was read";
  try {
    read();
  } catch (error) {
    described = describeReadFault(error);
  }

  expect(described).toBe(fault);
});

it("keeps the message of other errors", () => {
  expect(describeReadFault(new Error("EIO: i/o error"))).toBe("cannot be read: EIO: i/o error");
});
