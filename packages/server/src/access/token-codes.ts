import { hash } from "node:crypto";
import { type Clock, defined, type Records, StackyardError } from "@stackyard/core";
import {
  type AuditWriter,
  findGrants,
  findTokenRights,
  type Grant,
  isPlainName,
  type Rights,
  ROLES,
  type Role,
  toCodePersonId,
  toGroups,
  toRights,
} from "@stackyard/core/access";
import { defineRecordKind } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import { type Caller, type RequestFacts, withRequest } from "./caller.ts";
import { hasEverywhere } from "./guard.ts";
import { createTypedCode, LOGIN_MS, toPlainCode } from "./pending-logins.ts";
import type { NewSession } from "./sessions.ts";

const CodeRecord = Type.Object({
  kind: Type.Literal("token-code"),
  /** The name of the configured token that has made it. */
  token: Type.String(),
  name: Type.String(),
  role: Type.Optional(Type.Enum([...ROLES])),
  groups: Type.Array(Type.String()),
  isUsed: Type.Boolean(),
});
type CodeRecord = Static<typeof CodeRecord>;

/** One-time codes that configured tokens make, for servers without an issuer of people. */
export interface TokenCodes {
  /**
   * Makes a code for a person. Throws `FORBIDDEN` for a caller that is not a configured token with the permission
   * `access` for everything, and `USAGE` for an invalid name, role or group. The code is audited.
   */
  begin(caller: Caller | undefined, form: ReadonlyMap<string, string>, facts: RequestFacts): Promise<string>;
  /** Claims a code, once. Undefined: it is unknown, expired or already claimed. */
  take(code: string): Promise<Pick<NewSession, "sender" | "token" | "role"> | undefined>;
}

interface TokenCodesDeps {
  readonly records: Records;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  readonly audit: AuditWriter;
  readonly grants: readonly Grant[];
}

/** 80 bits: a server that is reached from outside may get requests for them from anyone. */
const CODE_LENGTH = 16;

const tokenCodes = defineRecordKind({
  prefix: "access/logins/token-code/",
  value: CodeRecord,
  holds: "one-time codes to sign in",
  kept: "10 minutes",
  damaged: "missing",
});

/** Creates the codes of a yard over its records. */
export function createTokenCodes(deps: TokenCodesDeps): TokenCodes {
  const { clock, random, audit, grants } = deps;
  return {
    async begin(caller, form, facts) {
      const { sender } = checkCreator(caller);
      const value = toCode(sender.name, form, grants);
      const code = createTypedCode(random, CODE_LENGTH);
      const expiresAt = clock.now() + LOGIN_MS;
      const who = withRequest(checkCreator(caller), facts).sender;
      const action = { action: "createCode", who, via: "api", on: { key: toShownName(value) } } as const;
      await audit.run(action, async () => {
        await tokenCodes.add(deps, toCodeName(code), { value, expiresAt });
      });
      return code;
    },
    async take(code) {
      const { taken } = await tokenCodes.change(deps, toCodeName(code), (found) =>
        found === undefined || found.value.isUsed
          ? { taken: undefined }
          : { write: { value: { ...found.value, isUsed: true } }, taken: found.value },
      );
      return taken && toIdentity(taken);
    },
  };
}

/** A code replaces a login, so who makes one must be allowed to decide about logins. */
function checkCreator(caller: Caller | undefined): Caller {
  if (caller === undefined) throw new StackyardError("UNAUTHENTICATED", "Send a token of the server's configuration.");
  if (caller.via === "old" && hasEverywhere(caller.rights, "access")) return caller;
  const message = "Only a token of STACKYARD_API_TOKENS or of the data folder with the role admin can make codes.";
  throw new StackyardError("FORBIDDEN", message);
}

const MOST_NAME = 64;
const MOST_GROUPS = 50;

function toCode(token: string, form: ReadonlyMap<string, string>, grants: readonly Grant[]): CodeRecord {
  const name = form.get("name") ?? "";
  if (!isPlainName(name, MOST_NAME)) {
    throw new StackyardError("USAGE", `Name the person, in at most ${MOST_NAME} characters: --as NAME.`);
  }
  const role = ROLES.find((each) => each === form.get("role"));
  if (form.has("role") && role === undefined) {
    throw new StackyardError("USAGE", `Unknown role "${form.get("role")}". Valid roles: ${ROLES.join(", ")}.`);
  }
  const given = form
    .get("groups")
    ?.split(",")
    .map((group) => group.trim());
  const groups = given ?? toGroups(findGrants(grants, { kind: "token", name: token }));
  if (groups.length > MOST_GROUPS || !groups.every((group) => isPlainName(group, 128))) {
    throw new StackyardError("USAGE", `Groups are at most ${MOST_GROUPS} names, with commas between them.`);
  }
  return { kind: "token-code", token, name, groups: [...groups], isUsed: false, ...defined({ role }) };
}

/** The name is what the token's holder says it is, so lists and histories name the token too. */
function toShownName({ name, token }: Pick<CodeRecord, "name" | "token">): string {
  return `${name} (code of ${token})`;
}

/**
 * Returns who signs in. All codes of one token are one person in approvals, whatever names they have: its holder could
 * otherwise approve alone what two people must.
 */
function toIdentity({ token, role, groups, name }: CodeRecord): Pick<NewSession, "sender" | "token" | "role"> {
  const id = toCodePersonId(`configured:${token}`);
  const sender = { kind: "person", id, name: toShownName({ name, token }), groups } as const;
  return { sender, token, ...defined({ role }) };
}

/** Returns what a person may do who has signed in with a code: at most what the token may do now. */
export function findCodeRights(
  { token, role }: { readonly token: string; readonly role?: Role | undefined },
  grants: readonly Grant[],
): Rights {
  const rights = findTokenRights(token, grants);
  if (!hasEverywhere(rights, "access")) return [];
  return role === undefined ? rights : toRights([{ role }], grants);
}

function toCodeName(code: string): string {
  return hash("sha256", toPlainCode(code, CODE_LENGTH));
}
