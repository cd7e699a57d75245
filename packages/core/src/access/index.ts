export type { AuditEntry, AuditLine, AuditOutcome, AuditSubject } from "./audit-entry.ts";
export { EXTRA_PERMISSIONS, type Permission, permissionsOf, ROLES, type Role } from "./permissions.ts";
export type { Sender, SenderKind } from "./sender.ts";
