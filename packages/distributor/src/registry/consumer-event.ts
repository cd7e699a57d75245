import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { AccountId, Region } from "./place.ts";

/** A consumer says where it is and what it can do. */
export const RegisteredDetail = Type.Object({
  v: Type.Literal(1),
  account: AccountId,
  region: Region,
  bucket: Type.String({ minLength: 1, maxLength: 255 }),
  capabilities: Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 50 }),
});
export type RegisteredDetail = Static<typeof RegisteredDetail>;

/** A consumer goes. */
export const UnregisteredDetail = Type.Object({ v: Type.Literal(1), account: AccountId, region: Region });
export type UnregisteredDetail = Static<typeof UnregisteredDetail>;

const [registered, unregistered] = [Compile(RegisteredDetail), Compile(UnregisteredDetail)];

/** Reads it; undefined: it is none. */
export function parseRegistered(detail: unknown): RegisteredDetail | undefined {
  return registered.Check(detail) ? detail : undefined;
}

/** Reads it; undefined: it is none. */
export function parseUnregistered(detail: unknown): UnregisteredDetail | undefined {
  return unregistered.Check(detail) ? detail : undefined;
}
