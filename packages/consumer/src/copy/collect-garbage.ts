import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { ArtifactSource } from "./artifact-source.ts";

// By TLS, bytes come in chunks of 16 KiB at the most and leave as further buffers: after 4 MiB too many have grown old.
const EVERY_BYTES = 1_024 ** 2;
/** Chunks that were under way while it collected have grown old, and only a whole collection frees those. */
const WHOLE_EVERY = 64;

/**
 * Frees what was allocated lately and is not used any more; a fraction of a millisecond. Each 64th call frees all that is
 * not used. For `CopierDeps.collect` in processes that do little else. Each chunk of a stream is a buffer outside of V8's heap,
 * and V8 lets more than 100 MiB of dead ones lie before it looks: measured at 400 MiB/s, a process needs half as much memory with this.
 */
export function createCollector(): () => void {
  // The flag counts for contexts that are created while it is set (Node.js documentation, "v8.setFlagsFromString").
  setFlagsFromString("--expose-gc");
  const found: unknown = runInNewContext("globalThis.gc");
  setFlagsFromString("--no-expose-gc");
  let calls = 0;
  return () => {
    if (typeof found !== "function") return;
    calls += 1;
    if (calls % WHOLE_EVERY === 0) found();
    else found({ type: "minor" });
  };
}

/** The same source, which has garbage collected as bytes go by: of all files together. */
export function collectAlong(source: ArtifactSource, collect: () => void): ArtifactSource {
  let count = 0;
  async function* pass(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      yield chunk;
      count += chunk.byteLength;
      if (count < EVERY_BYTES) continue;
      count = 0;
      collect();
    }
  }
  return async (file) => {
    const opened = await source(file);
    return { ...opened, body: pass(opened.body) };
  };
}
