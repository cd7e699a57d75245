import { defined, MAX_NAME, nameApart } from "@stackyard/core";
import { createToken, fieldOf, rotateToken } from "@stackyard/core/api/operations";
import type { ApiToken, Me, NewApiToken } from "@stackyard/sdk";
import { Type } from "typebox";

import { type Output, type Painter, toAge } from "../output.ts";
import { defineServerCommand, readAll } from "../server/connection.ts";
import { printItems } from "./print-list.ts";

/** `stackyard whoami` */
export const whoami = defineServerCommand({
  name: "whoami",
  summary: "Show who you are to the server: name, groups, roles and scopes.",
  examples: { "stackyard whoami": "Check a login or a token." },
  args: Type.Object({}),
  async run({ out, yard, signal }) {
    const me = await yard.me({ signal });
    out.result(me, () => formatMe(me));
  },
});

const KINDS: Readonly<Record<Me["kind"], string>> = {
  person: "a person",
  token: "a token",
  workload: "a job",
  local: "the person at this machine",
  aws: "an AWS identity",
  host: "the program of the yard",
  stack: "a release",
  anonymous: "anyone on this machine",
};

function formatMe({ id, name, kind, groups, expiresAt, rights }: Me): string {
  return [
    `${name} (${KINDS[kind]})`,
    `Id:     ${id || "none"}`,
    `Groups: ${groups.join(", ") || "none"}`,
    ...rights.map(
      (right) => `Role:   ${right.role ?? "none"} (${right.permissions.join(", ")}), ${formatScope(right)}`,
    ),
    ...(rights.length === 0 ? ["Role:   none. No grant fits; ask the administrators of the yard."] : []),
    ...(expiresAt === undefined ? [] : [`Ends:   ${expiresAt}`]),
  ].join("\n");
}

function formatScope({ machines, stacks }: Pick<ApiToken, "machines" | "stacks">): string {
  const parts = [
    ...(machines === undefined ? [] : [`machines ${machines.join(", ")}`]),
    ...(stacks === undefined ? [] : [`stacks ${stacks.map((prefix) => `${prefix}…`).join(", ")}`]),
  ];
  return parts.length === 0 ? "everywhere" : parts.join("; ");
}

const list = (placeholder: string, description: string) =>
  Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: MAX_NAME, placeholder }), { description }));

/** `stackyard tokens create` */
export const tokensCreate = defineServerCommand({
  name: "tokens create",
  summary: "Create an API token for a program. Its secret is shown once.",
  description:
    "A token never has more rights than its creator. Where several values are possible, repeat the flag. Only SHA-256 of the secret is stored: keep the secret in a secret store, and rotate it with `stackyard tokens rotate`.",
  examples: {
    "stackyard tokens create grafana --role viewer": "Create a token that reads, for 90 days.",
    "stackyard tokens create ci --role operator --machine review-app --stacks web- --expires 30d":
      "Create a token for some stacks.",
  },
  args: Type.Object({
    name: fieldOf(createToken, "name", {
      expected: "at most 64 letters, digits, hyphens, dots and underscores",
      description: "As histories show it.",
    }),
    role: Type.Enum(["viewer", "operator", "maintainer", "admin"], { description: "What the token may do." }),
    machine: list("name", "Only stacks of this machine."),
    stacks: list("prefix", "Only stacks whose id starts with this prefix."),
    group: list("group", "A group of the token, for the key `allow` of events in machines."),
    also: list(
      "permission",
      "One more permission: results, states:read, states:write, secrets:read or approvals:settle.",
    ),
    expires: fieldOf(createToken, "expires", {
      placeholder: "duration",
      description: "Such as 30d, at most 366d, or never. Default: 90d.",
    }),
  }),
  async run({ out, yard, signal }, { name, role, machine, stacks, group, also, expires }) {
    const created = await yard.tokens.create(
      {
        name,
        role,
        ...(machine && { machines: machine }),
        ...(stacks && { stacks }),
        ...(group && { groups: group }),
        // The server checks the names.
        ...(also && { also: also as NonNullable<ApiToken["also"]> }),
        ...defined({ expires }),
      },
      { signal },
    );
    printSecret(created, out);
  },
});

/** Prints only the secret to standard output, so that a program can read it from there. */
function printSecret(created: NewApiToken, out: Output): void {
  out.result(created, () => created.token);
  const end = created.expiresAt === undefined ? "It never expires." : `It expires at ${created.expiresAt}.`;
  const earlier = created.earlierEndsAt === undefined ? "" : ` The earlier secret ends at ${created.earlierEndsAt}.`;
  out.note(`This is the secret of "${created.name}" (${created.id}). It is not shown again. ${end}${earlier}`);
}

const TokenId = fieldOf(rotateToken, "tokenId", { description: "Its id, as `tokens ls` shows it." });

/** `stackyard tokens ls` */
export const tokensLs = defineServerCommand({
  name: "tokens ls",
  summary: "List API tokens: your own, and with the permission `access` those of others.",
  examples: { "stackyard tokens ls": "List tokens with their ids, last uses and ends." },
  args: Type.Object({}),
  async run({ out, yard, signal }) {
    const tokens = await readAll((page) => yard.tokens.list({ ...page, signal }), { out });
    printItems(tokens, TOKENS, { out });
    if (tokens.length === 0) out.note("There are no API tokens. Create one with `stackyard tokens create`.");
  },
});

/** `stackyard tokens rotate` */
export const tokensRotate = defineServerCommand({
  name: "tokens rotate",
  summary: "Give an API token a new secret. The earlier one stays valid for a day, or for --overlap.",
  examples: { "stackyard tokens rotate 01K…": "Print a new secret; the earlier one ends in 24 hours." },
  args: Type.Object({
    id: TokenId,
    overlap: fieldOf(rotateToken, "overlap", {
      placeholder: "duration",
      description: "How long the earlier secret stays valid, 0s to 7d. Default: 24h.",
    }),
    expires: fieldOf(rotateToken, "expires", {
      placeholder: "duration",
      description: "A new end of the token. Default: as it was.",
    }),
  }),
  async run({ out, yard, signal }, { id, overlap, expires }) {
    const options = defined({ overlap, expires });
    printSecret(await yard.tokens.rotate(id, { ...options, signal }), out);
  },
});

/** `stackyard tokens revoke` */
export const tokensRevoke = defineServerCommand({
  name: "tokens revoke",
  summary: "End an API token. Requests with it are refused within 5 s.",
  examples: { "stackyard tokens revoke 01K…": "End one token." },
  args: Type.Object({ id: TokenId }),
  async run({ out, yard, signal }, { id }) {
    const revoked = await yard.tokens.revoke(id, { signal });
    out.result(revoked, () => `Revoked the token "${revoked.name}".`);
  },
});

const TOKENS = { columns: ["ID", "NAME", "STATUS", "ROLE", "SCOPE", "BY", "USED", "ENDS"], toRow };

function toRow(token: ApiToken, out: Painter, now: number, tokens: readonly ApiToken[]): readonly string[] {
  return [
    token.id,
    out.paint("bold", token.name),
    token.status,
    [token.role, ...(token.also ?? [])].join(" + "),
    formatScope(token),
    nameApart(
      token.createdBy,
      tokens.map(({ createdBy }) => createdBy),
    ),
    token.lastUsedAt === undefined ? "never" : `${toAge(token.lastUsedAt, now)} ago`,
    formatEnd(token, now),
  ];
}

function formatEnd({ status, expiresAt, revokedAt }: ApiToken, now: number): string {
  const ended = revokedAt ?? (status === "expired" ? expiresAt : undefined);
  if (ended !== undefined) return `${toAge(ended, now)} ago`;
  return expiresAt === undefined ? "never" : `in ${toAge(new Date(now).toISOString(), Date.parse(expiresAt))}`;
}
