import { createHmac, timingSafeEqual } from "node:crypto";

/** What a proof is about: a result as its receivers read it. */
export interface ProvenResult {
  readonly id: string;
  readonly stackId: string;
  /** As parsed from the body, whose envelopes and place make no difference. */
  readonly message: unknown;
}

/** The proof that a result was sent by a process that has the key. */
export function toResultProof(key: string, { id, stackId, message }: ProvenResult): string {
  const text = [id, stackId, JSON.stringify(message)].join("\u0000");
  return createHmac("sha256", key).update(text).digest("base64url");
}

/** True if the proof was made with the key for exactly this result. */
export function isResultProof(proof: string, key: string, result: ProvenResult): boolean {
  const given = Buffer.from(proof);
  const expected = Buffer.from(toResultProof(key, result));
  return given.length === expected.length && timingSafeEqual(given, expected);
}
