import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

/** Hides texts in what AWS stores. */
export interface TextCipher {
  /** Encrypts a text. `context` identifies its owner, and decrypting requires the same. */
  seal(text: string, context: string): string;
  /** Throws for what was changed, or sealed under another key or context. */
  open(sealed: string, context: string): string;
}

const ALGORITHM = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Creates a cipher: AES-256-GCM with a key derived from a long random text, such as a generated secret. */
export function createTextCipher(secret: string): TextCipher {
  const key = createHash("sha256").update(secret).digest();
  return {
    seal(text, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(context));
      const hidden = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), hidden]).toString("base64");
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, "base64");
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
    },
  };
}
