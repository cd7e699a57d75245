import { createHash } from "node:crypto";

/** EC2 API reference, "CreateLaunchTemplate": 3–128 characters of these. */
const TAKEN = /^[a-zA-Z0-9().\-/_]{3,128}$/;
const OTHERS = /[^a-zA-Z0-9().\-/_]/g;
const HASH_CHARS = 16;

/**
 * Name of a service's launch template: the name of its group, where EC2 takes that. Else what EC2 takes of it, and a hash: groups
 * may have longer names than templates, and of more characters.
 */
export function toTemplateName(serviceId: string): string {
  if (TAKEN.test(serviceId)) return serviceId;
  const hash = createHash("sha256").update(serviceId).digest("hex").slice(0, HASH_CHARS);
  return `${serviceId.replace(OTHERS, "_").slice(0, 128 - HASH_CHARS - 1)}-${hash}`;
}
