import { describe, expect, it } from "vitest";
import { inChunks, someBytes } from "../testing/a-copier.ts";
import { collectAlong, createCollector } from "./collect-garbage.ts";

const MIB = 1_024 ** 2;

describe("a source that collects along", () => {
  it("gives the same bytes, and collects after each MiB of all files", async () => {
    const bytes = someBytes(10 * MIB);
    let collections = 0;
    const source = collectAlong(
      async () => ({ body: inChunks(bytes, MIB), cancel: () => undefined }),
      () => {
        collections += 1;
      },
    );
    const chunks: Uint8Array[] = [];

    for (let file = 0; file < 2; file += 1) {
      const { body } = await source({ key: "k", signal: new AbortController().signal });
      for await (const chunk of body) chunks.push(chunk);
    }

    expect(collections).toBe(20);
    expect(Buffer.concat(chunks).equals(Buffer.concat([bytes, bytes]))).toBe(true);
  });
});

describe("the collector", () => {
  it("frees what nobody holds, and shows the function to nobody else", async () => {
    const collect = createCollector();
    allocate(8 * MIB);
    const held = process.memoryUsage().arrayBuffers;

    collect();
    // What one collection finds is swept beside it, and has gone when the next one begins.
    collect();

    expect(held - process.memoryUsage().arrayBuffers).toBeGreaterThanOrEqual(8 * MIB);
    expect(Reflect.has(globalThis, "gc")).toBe(false);
  });

  it("frees what has grown old by its 64th call", () => {
    const collect = createCollector();
    let held: Uint8Array | undefined = new Uint8Array(8 * MIB).fill(1);
    for (let call = 0; call < 8; call += 1) collect();
    const before = process.memoryUsage().arrayBuffers;
    expect(held.length).toBe(8 * MIB);
    held = undefined;

    for (let call = 8; call < 65; call += 1) collect();

    expect(before - process.memoryUsage().arrayBuffers).toBeGreaterThanOrEqual(8 * MIB);
  });
});

function allocate(bytes: number): number {
  return new Uint8Array(bytes).fill(1).length;
}
