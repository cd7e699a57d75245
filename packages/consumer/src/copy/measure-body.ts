import { createHash } from "node:crypto";
import type { ArtifactMessage } from "../artifact-message.ts";
import { CopyStop } from "./copy-fault.ts";

/** What bytes must be. */
export interface ExpectedBytes {
  readonly size: number;
  readonly sha256: string;
}

/**
 * The same bytes, counted and digested on their way. The last ones are given on only when all of them are what they should
 * be: who uploads them never completes what is wrong.
 */
export async function* measureBody(
  body: AsyncIterable<Uint8Array>,
  expected: ExpectedBytes,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let size = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > expected.size) throw toSizeMismatch(`The source sends more than ${expected.size} bytes.`);
    hash.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (size < expected.size) throw toSizeMismatch(`The source sent ${size} bytes instead of ${expected.size}.`);
  checkDigest(hash.digest("hex"), expected.sha256);
  if (held !== undefined) yield held;
}

/** Compares a whole file with what was announced of it, where something was. */
export function checkWhole(message: ArtifactMessage, size: number, sha256: string): void {
  if (message.v !== 2) return;
  const { artifact } = message;
  if (size !== artifact.size) throw toSizeMismatch(`The source sent ${size} bytes instead of ${artifact.size}.`);
  checkDigest(sha256, artifact.sha256);
}

function checkDigest(found: string, expected: string): void {
  if (found === expected) return;
  throw new CopyStop({
    kind: "counted",
    code: "SHA256_MISMATCH",
    reason: "The bytes are not those that were announced.",
  });
}

/** A fault of the number of bytes. */
export function toSizeMismatch(reason: string): CopyStop {
  return new CopyStop({ kind: "counted", code: "SIZE_MISMATCH", reason });
}
