import { createHash } from "node:crypto";
import type { Manifest } from "@stackyard/sdk/artifacts";

/** SHA-256 of what a version is, whenever and by whomever it was published: bytes, paths, and what is to be rewritten. */
export function digestContent({ files }: Pick<Manifest, "files">): string {
  const content = files.map(({ key, size, sha256, rewrite = "none" }) => JSON.stringify([key, size, sha256, rewrite]));
  return createHash("sha256").update(content.sort().join()).digest("hex");
}
