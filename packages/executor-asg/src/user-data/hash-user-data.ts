import { createHash } from "node:crypto";

/** SHA-256 of user data as it is stored, not rendered; hex. */
export function hashUserData(userData: string): string {
  return createHash("sha256").update(userData, "utf8").digest("hex");
}
