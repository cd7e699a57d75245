import { findJsonFault, MAX_MESSAGE_CHARACTERS } from "../document/json-fault.ts";

/** A message without its envelopes, or why there is none. */
export type Unwrapped =
  | { readonly kind: "message"; readonly message: Readonly<Record<string, unknown>> }
  | { readonly kind: "none"; readonly reason: string };

/** An event of EventBridge that went through a topic has two envelopes. */
const MAX_ENVELOPES = 3;

/**
 * Takes a body apart: JSON text, the notification of an SNS topic (`Type`, `Message`), an event of EventBridge
 * (`detail`). A body with a `stackId` is never an envelope.
 */
export function unwrapBody(body: unknown): Unwrapped {
  const value = typeof body === "string" ? parseText(body) : toChecked(body);
  return "reason" in value ? value : unwrap(value.value, MAX_ENVELOPES);
}

/** True for maps, which is what JSON calls an object. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Parsed = { readonly value: unknown } | { readonly kind: "none"; readonly reason: string };

function unwrap(value: unknown, envelopes: number): Unwrapped {
  if (!isMap(value)) return { kind: "none", reason: "The message is not a JSON object." };
  if (Object.hasOwn(value, "stackId") || envelopes === 0) return { kind: "message", message: value };
  if (value["Type"] === "Notification" && typeof value["Message"] === "string") {
    const inner = parseText(value["Message"]);
    return "reason" in inner ? inner : unwrap(inner.value, envelopes - 1);
  }
  if (isMap(value["detail"])) return unwrap(value["detail"], envelopes - 1);
  return { kind: "message", message: value };
}

function parseText(text: string): Parsed {
  if (text.length > MAX_MESSAGE_CHARACTERS) {
    return { kind: "none", reason: `The message is larger than ${MAX_MESSAGE_CHARACTERS} characters.` };
  }
  try {
    return toChecked(JSON.parse(text));
  } catch {
    return { kind: "none", reason: "The message is not JSON." };
  }
}

function toChecked(value: unknown): Parsed {
  const fault = findJsonFault(value);
  return fault === undefined ? { value } : { kind: "none", reason: `The message is refused: ${fault}.` };
}
