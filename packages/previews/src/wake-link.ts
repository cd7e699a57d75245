import { createHmac, timingSafeEqual } from "node:crypto";
import { trimEndOf } from "@stackyard/core";

/**
 * Returns the link to the page that wakes a stack. `url`: the public address of the yard; `key`: one of the option
 * `wake.keys`.
 */
export function toWakeLink({ url, key }: { readonly url: string; readonly key: string }, stackId: string): string {
  return `${trimEndOf(url, "/")}/wake/${encodeURIComponent(stackId)}?s=${sign(key, stackId).toString("base64url")}`;
}

/** Returns the stack of a link; undefined if none of the keys has signed it. */
export function findWakeStack({ pathname, searchParams }: URL, keys: readonly string[]): string | undefined {
  const stackId = decode(pathname.slice("/wake/".length));
  const signature = Buffer.from(searchParams.get("s") ?? "", "base64url");
  if (stackId === undefined || stackId === "") return undefined;
  const isSigned = keys.map((key) => {
    const expected = sign(key, stackId);
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  });
  return isSigned.includes(true) ? stackId : undefined;
}

function sign(key: string, stackId: string): Buffer {
  // The prefix prevents that signatures of the same key for other purposes are valid here.
  return createHmac("sha256", key).update(`stackyard-wake\0${stackId}`).digest();
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
