import { isMap, MAX_JSON_CHARACTERS } from "./json.ts";

/** A message without its envelopes, or why it is missing. */
export type Opened =
  | { readonly kind: "message"; readonly message: Readonly<Record<string, unknown>> }
  | { readonly kind: "none"; readonly reason: string };

/** An event of EventBridge that was sent through a topic has two envelopes. */
const MAX_ENVELOPES = 3;

/**
 * Takes a body apart: JSON text, the notification of an SNS topic (`Type`, `Message`), an event of EventBridge
 * (`detail`). A body with a `stackId` is never an envelope.
 */
export function openEnvelopes(body: unknown): Opened {
  const value = typeof body === "string" ? parseText(body) : { value: body };
  return "reason" in value ? value : open(value.value, MAX_ENVELOPES);
}

type Parsed = { readonly value: unknown } | { readonly kind: "none"; readonly reason: string };

function open(value: unknown, envelopes: number): Opened {
  if (!isMap(value)) return { kind: "none", reason: "The message is not a JSON object." };
  if (Object.hasOwn(value, "stackId") || envelopes === 0) return { kind: "message", message: value };
  if (value["Type"] === "Notification" && typeof value["Message"] === "string") {
    const inner = parseText(value["Message"]);
    return "reason" in inner ? inner : open(inner.value, envelopes - 1);
  }
  return isMap(value["detail"]) ? open(value["detail"], envelopes - 1) : { kind: "message", message: value };
}

function parseText(text: string): Parsed {
  if (text.length > MAX_JSON_CHARACTERS) {
    return { kind: "none", reason: `The message is larger than ${MAX_JSON_CHARACTERS} characters.` };
  }
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { kind: "none", reason: "The message is not JSON." };
  }
}
