import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { PlanSealer } from "../definition.ts";

/** A sealer with a key of its own. */
export function aSealer(): PlanSealer {
  const key = randomBytes(32);
  return {
    async seal(bytes) {
      const iv = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, iv);
      const text = Buffer.concat([cipher.update(bytes), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), text]);
    },
    async open(bytes) {
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(12, 28));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
      } catch {
        return undefined;
      }
    },
  };
}
