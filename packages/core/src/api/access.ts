import { Type } from "typebox";
import { GroupName, PermissionName, RoleName, scopeProperties } from "../access/access-config.ts";
import { Instant } from "./event.ts";
import type { View } from "./view.ts";

const rights = {
  role: RoleName,
  also: Type.Optional(Type.Array(PermissionName)),
  ...scopeProperties,
};

const token = {
  id: Type.String(),
  name: Type.String(),
  status: Type.Enum(["active", "expired", "revoked"]),
  ...rights,
  groups: Type.Array(GroupName),
  createdBy: Type.Object({ kind: Type.String(), id: Type.String(), name: Type.String() }),
  createdAt: Instant,
  expiresAt: Type.Optional(Type.String({ format: "date-time", description: "Missing: never." })),
  lastUsedAt: Type.Optional(Type.String({ format: "date-time", description: "To five minutes." })),
  earlierEndsAt: Type.Optional(
    Type.String({ format: "date-time", description: "After a rotation: when the secret before ends." }),
  ),
  revokedAt: Type.Optional(Instant),
};

/** An API token, without its secret. */
export const ApiToken = Type.Object(token);
export type ApiToken = View<typeof ApiToken>;

/** An API token just after it was created or rotated. */
export const NewApiToken = Type.Object({
  token: Type.String({ description: "The secret. It is shown once." }),
  ...token,
});
export type NewApiToken = View<typeof NewApiToken>;

/** The caller and its rights. */
export const Me = Type.Object({
  kind: Type.Enum(["person", "token", "workload", "local", "aws", "host", "stack", "anonymous"]),
  id: Type.String(),
  name: Type.String(),
  owner: Type.Optional(Type.String({ description: "Of a token: the id of the person behind it." })),
  groups: Type.Array(Type.String()),
  yard: Type.Optional(Type.String({ description: "The name of the yard that answers, if its server has one." })),
  docs: Type.Optional(Type.Boolean({ description: "True if the server shows the documentation under `/docs`." })),
  artifacts: Type.Optional(Type.Boolean({ description: "True if the yard has a distributor of build artifacts." })),
  via: Type.Enum(["bearer", "basic", "cookie", "anonymous", "old"], {
    description: "How the credential came. `old`: a token of the environment, the data folder or the options.",
  }),
  expiresAt: Type.Optional(Type.String({ format: "date-time", description: "When the credential ends." })),
  rights: Type.Array(
    Type.Object({
      role: Type.Optional(RoleName),
      permissions: Type.Array(PermissionName),
      ...scopeProperties,
    }),
    { description: "What all grants together give. Without `machines` and `stacks`: everywhere." },
  ),
});
export type Me = View<typeof Me>;
