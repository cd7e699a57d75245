import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBody } from "./file-parts.ts";

const CHUNK_BYTES = 1_048_576;
const FOLDER = mkdtempSync(join(tmpdir(), "stackyard-file-body-"));
const BYTES = Buffer.alloc(3 * CHUNK_BYTES + 5);
const PATH = join(FOLDER, "file.bin");

beforeAll(() => {
  for (let at = 0; at < BYTES.length; at += 4_096) BYTES.writeUInt32LE(at, Math.min(at, BYTES.length - 4));
  writeFileSync(PATH, BYTES);
});

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe("the bytes of a file", () => {
  it("are returned in order, each chunk valid until the next is requested", async () => {
    const hash = createHash("sha256");
    const lengths: number[] = [];
    for await (const chunk of readBody(PATH, new AbortController().signal)) {
      // Whatever is read ahead has its time to do harm.
      await new Promise((resolve) => setImmediate(resolve));
      hash.update(chunk);
      lengths.push(chunk.length);
    }

    expect(lengths).toEqual([CHUNK_BYTES, CHUNK_BYTES, CHUNK_BYTES, 5]);
    expect(hash.digest("hex")).toBe(createHash("sha256").update(BYTES).digest("hex"));
  });

  it("may be left early, with one chunk on its way", async () => {
    const chunks = readBody(PATH, new AbortController().signal);
    await chunks.next();

    expect(await chunks.return()).toEqual({ done: true, value: undefined });
  });

  it("are empty for an empty file", async () => {
    const path = join(FOLDER, "empty");
    writeFileSync(path, "");

    expect(await readBody(path, new AbortController().signal).next()).toEqual({ done: true, value: undefined });
  });
});
