import { Type } from "typebox";
import { Instant } from "./event.ts";
import type { View } from "./view.ts";

const text = () => Type.Optional(Type.String());

/** A line of the audit log. In an export its text is the one that is hashed, with `at` in epoch milliseconds. */
export const AuditLine = Type.Object({
  seq: Type.Integer({ description: "From 1, without gaps." }),
  prev: Type.String({ description: "SHA-256 of the text of the line before." }),
  id: Type.String(),
  at: Instant,
  action: Type.String({ description: "An operation of the API, an event's name, login, logout or denied." }),
  outcome: Type.Enum(["done", "begun", "failed", "denied"]),
  who: Type.Object({
    kind: Type.String({ description: "person, token, workload, local, aws, host or anonymous." }),
    id: Type.String(),
    name: Type.String(),
    owner: Type.Optional(Type.String({ description: "The id of the person who created the token." })),
    groups: Type.Array(Type.String()),
    requestId: text(),
    address: text(),
  }),
  via: Type.String({ description: "api, mcp (an assistant), backend, queue or host." }),
  on: Type.Record(Type.String(), Type.String(), { description: "What it was about, such as stackId and eventId." }),
  code: text(),
  reason: text(),
  of: Type.Optional(Type.String({ description: "The id of the line `begun` that this one ends." })),
  count: Type.Optional(Type.Integer({ description: "How many denied requests the line represents." })),
});
export type AuditLine = View<typeof AuditLine>;

/** Where the audit log begins and ends. */
export const AuditHead = Type.Object({
  seq: Type.Integer({ description: "The number of the newest line; 0 for an empty log." }),
  hash: Type.String({ description: "SHA-256 of the text of the newest line." }),
  first: Type.Object({
    seq: Type.Integer({ description: "The number of the oldest line that is kept." }),
    prev: Type.String({ description: "What that line says about the one before it." }),
  }),
  lost: Type.Optional(
    Type.Literal(true, { description: "The record of the head is missing. This is the end that was noted elsewhere." }),
  ),
  signed: Type.Optional(
    Type.String({
      description:
        "The last signed head, at most an hour old: a compact JWS with Ed25519 of its `seq`, `hash` and `at`.",
    }),
  ),
  key: Type.Optional(Type.String({ description: "The public key of signed heads: 32 bytes as base64url." })),
});
export type AuditHead = View<typeof AuditHead>;
