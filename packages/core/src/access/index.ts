export type { AuditEntry, AuditLine, AuditOutcome, AuditSubject } from "./audit-entry.ts";
export {
  type AuditedAction,
  type AuditWriter,
  type AuditWriterDeps,
  createAuditWriter,
  type NewAuditEntry,
} from "./audit-writer.ts";
export { EXTRA_PERMISSIONS, type Permission, permissionsOf, ROLES, type Role } from "./permissions.ts";
export type { Sender, SenderKind } from "./sender.ts";
